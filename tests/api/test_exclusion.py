"""Whoever is named in a matter, or recused from it, does not find it by any way in."""

from datetime import timedelta
from typing import Any

import pytest

from services.engine.sweep import sweep_all
from tests.api.web import Web, make_admin

PATHS = ("", "/timeline", "/clocks", "/links", "/actions", "/journal/verification")


@pytest.fixture
def named(any_web: Web) -> tuple[Web, int]:
    """A petition about 陈书记, township leader of 柳河乡, that lies there."""
    web = any_web
    who = {"name": "陈书记", "person": web.county.people["township_leader"], "post": "书记"}
    matter = web.register(who="township_clerk", unit="liuhe", reported=[who])["matter_id"]
    return web, matter


def _lists(web: Web, who: str, number: str) -> dict[str, Any]:
    client = web.by(who)
    return {
        "list": client.get("/api/v1/matters").json()["items"],
        "search": client.get("/api/v1/matters", params={"q": number}).json()["items"],
        "worklist": client.get("/api/v1/worklist").json()["items"],
        "counts": client.get("/api/v1/worklist/counts").json()["all"],
        "rungs": client.get("/api/v1/rungs").json()["items"] + client.get("/api/v1/rungs/mine").json(),
        "messages": client.get("/api/v1/messages").json()["items"],
        "unread": client.get("/api/v1/messages/unread").json()["unread"],
    }


NOTHING = {"list": [], "search": [], "worklist": [], "counts": "0", "rungs": [], "messages": [], "unread": 0}


def test_a_person_named_finds_nothing_and_can_do_nothing(named: tuple[Web, int]) -> None:
    web, matter = named
    leader = web.by("township_leader")
    number = web.by("township_clerk").get(f"/api/v1/matters/{matter}").json()["number"]
    web.county.now += timedelta(days=40)
    sweep_all(web.county.database, web.county.engine, web.county.now)
    assert _lists(web, "township_leader", number) == NOTHING
    assert len(_lists(web, "township_clerk", number)["list"]) == 1
    for path in PATHS:
        answer = leader.get(f"/api/v1/matters/{matter}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "matter_not_found")
    item = web.by("township_clerk").get(f"/api/v1/matters/{matter}").json()["items"][0]["id"]
    clock = web.by("township_clerk").get(f"/api/v1/matters/{matter}/clocks").json()[0]["clock"]["id"]
    rung = web.by("office").get("/api/v1/rungs").json()["items"][0]["id"]
    tries = [
        leader.post(f"/api/v1/matters/{matter}/actions/accept", json={}),
        leader.post(f"/api/v1/matters/{matter}/sealed/complainant", json={"purpose": "看看是谁举报我"}),
        leader.post(f"/api/v1/matters/{matter}/urgings", json={"text": "快"}),
        leader.post(f"/api/v1/matters/{matter}/copies", json={"to": web.county.people["leader"]}),
        leader.post(f"/api/v1/work-items/{item}/claim"),
        leader.post(f"/api/v1/work-items/{item}/transfer", json={"to": web.county.people["leader"], "reason": "x"}),
        leader.get(f"/api/v1/clocks/{clock}"),
        leader.post(f"/api/v1/clocks/{clock}/suspension", json={"reason": "x"}),
        leader.post(f"/api/v1/rungs/{rung}/acknowledgement", json={}),
    ]
    assert [(a.status_code, a.json()["code"]) for a in tries] == [(404, "matter_not_found")] * len(tries)


def test_an_exclusion_is_the_same_as_nothing_there(named: tuple[Web, int]) -> None:
    web, matter = named
    leader = web.by("township_leader")
    hidden, missing = (leader.get(f"/api/v1/matters/{i}").json() for i in (matter, 987654))
    assert {k: v for k, v in hidden.items() if k != "instance"} == {k: v for k, v in missing.items() if k != "instance"}


def test_delegation_launders_no_exclusion(named: tuple[Web, int]) -> None:
    web, matter = named
    days = {"starts_on": "2016-03-01", "ends_on": "2016-06-01", "reason": "x"}
    lent = web.by("township_leader").post("/api/v1/delegations", json={**days, "to_id": web.county.people["nobody"]})
    assert lent.status_code == 201
    assert web.by("nobody").get(f"/api/v1/matters/{matter}").status_code == 404
    assert web.by("nobody").get("/api/v1/matters").json()["items"] == []
    assert web.by("leader").post(
        "/api/v1/delegations", json={**days, "to_id": web.county.people["township_leader"]}
    ).status_code == 201  # fmt: skip
    assert web.by("township_leader").get(f"/api/v1/matters/{matter}").status_code == 404
    assert web.by("township_leader").get("/api/v1/matters").json()["items"] == []


def test_more_roles_open_no_more(named: tuple[Web, int]) -> None:
    web, matter = named
    leader = make_admin(web, "township_leader", "county")
    body = {"role": "county_leader", "unit_id": web.county.units["county"], "valid_from": "2016-03-01", "reason": "x"}
    given = leader.post(f"/api/v1/people/{web.county.people['township_leader']}/roles", json=body)
    assert given.status_code == 201
    assert leader.get(f"/api/v1/matters/{matter}").status_code == 404
    assert leader.get("/api/v1/matters").json()["items"] == []


def test_a_recused_person_loses_it_at_once(web: Web) -> None:
    matter = web.register()["matter_id"]
    web.walk(matter, "accept", "propose", "approve")
    assert web.by("handler2").get(f"/api/v1/matters/{matter}").status_code == 200
    web.walk(matter, "recuse")
    assert web.by("handler2").get(f"/api/v1/matters/{matter}").status_code == 404
    assert web.by("handler2").get("/api/v1/worklist").json()["items"] == []
    assert web.by("handler").get(f"/api/v1/matters/{matter}").json()["excluded"] == 1


def test_what_refers_to_a_matter_keeps_away_whom_that_keeps_away(named: tuple[Web, int]) -> None:
    web, matter = named
    other = web.register(repeat_of=matter)["matter_id"]
    assert [x["matter_id"] for x in web.by("clerk").get(f"/api/v1/matters/{other}/links").json()] == [matter]
    web.act(other, "accept", "clerk", {"new_evidence": True})
    web.walk(other, "propose", "approve")  # now it lies in his township
    assert web.by("handler").get(f"/api/v1/matters/{other}").status_code == 200
    assert web.by("township_leader").get(f"/api/v1/matters/{other}").status_code == 404


def test_nobody_opens_a_matter_about_one_that_keeps_him_away(named: tuple[Web, int]) -> None:
    web, hidden = named
    role = {"role": "petition_clerk", "unit_id": web.county.units["liuhe"], "valid_from": "2016-03-01", "reason": "x"}
    admin = make_admin(web, "office", "county")
    assert admin.post(f"/api/v1/people/{web.county.people['township_leader']}/roles", json=role).status_code == 201
    body = {
        "procedure": "petition", "unit_id": web.county.units["liuhe"],
        "answers": {"channel": "letter", "received_on": "2016-03-01", "summary": "甲", "content": "乙",
                    "problem_fields": ["subsidies"], "anonymous": True, "repeat_of": hidden},
    }  # fmt: skip
    answer = web.by("township_leader").post("/api/v1/matters", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "unknown_matter")
    assert len(web.by("supervisor").get("/api/v1/matters").json()["items"]) == 1
