"""Worklists, work items, messages, escalations."""

from datetime import timedelta
from typing import Any

import pytest

from services.engine.sweep import sweep_all
from tests.api.web import Web


def _items(web: Web, who: str, **filters: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = web.by(who).get("/api/v1/worklist", params=filters).json()["items"]
    return items


def test_a_worklist_shows_what_waits_the_most_urgent_first(any_web: Web) -> None:
    web = any_web
    first = web.register()["matter_id"]
    web.county.later(days=3)
    second = web.register(summary="反映村级三资问题")["matter_id"]
    assert [i["matter_id"] for i in _items(web, "clerk")] == [first, second]
    page = web.by("clerk").get("/api/v1/worklist?limit=1").json()
    rest = web.by("clerk").get("/api/v1/worklist", params={"limit": 1, "cursor": page["next"]}).json()
    assert [i["matter_id"] for p in (page, rest) for i in p["items"]] == [first, second]
    assert rest["next"] is None
    assert [i["matter_id"] for i in _items(web, "clerk", q="三资")] == [second]
    assert _items(web, "clerk", unit=web.county.units["liuhe"]) == _items(web, "clerk", light="red") == []
    item = _items(web, "clerk")[0]
    assert item["light"] == {"colour": "green", "text": "剩 12 天"} and item["role_title"] == "信访员"
    assert web.by("clerk").get("/api/v1/worklist/counts").json() == {
        "red": "0", "yellow": "0", "green": "2", "grey": "0", "all": "2",
    }  # fmt: skip


def test_an_item_is_claimed_released_and_handed_on(any_web: Web) -> None:
    web = any_web
    matter = web.register()["matter_id"]
    item = _items(web, "clerk")[0]["item_id"]
    assert web.by("leader").post(f"/api/v1/work-items/{item}/claim").status_code == 403
    assert web.by("clerk").post(f"/api/v1/work-items/{item}/claim").status_code == 200
    taken = web.by("clerk2").post(f"/api/v1/work-items/{item}/claim")
    assert (taken.status_code, taken.json()["holder"]) == (409, "赵信访")
    assert _items(web, "clerk2") == [] and len(_items(web, "clerk", claimed="mine")) == 1
    assert web.act(matter, "accept", "clerk2").json()["code"] == "claimed_by_another"
    body = {"to": web.county.people["clerk2"], "reason": "轮休"}
    assert web.by("clerk").post(f"/api/v1/work-items/{item}/transfer", json=body).status_code == 200
    assert [m["kind"] for m in web.by("clerk2").get("/api/v1/messages").json()["items"]] == ["transferred"]
    assert web.by("clerk2").post(f"/api/v1/work-items/{item}/release").status_code == 200
    assert web.act(matter, "accept", "clerk").status_code == 200
    closed = web.by("clerk").post(f"/api/v1/work-items/{item}/claim")
    assert (closed.status_code, closed.json()["code"]) == (409, "work_item_closed")


def test_urging_reaches_whom_it_waits_for_once_a_day(web: Web) -> None:
    matter, people = web.register()["matter_id"], web.county.people
    path = f"/api/v1/matters/{matter}/urgings"
    urged = web.by("leader").post(path, json={"text": "请抓紧"})
    assert urged.json() == {"people": sorted([people["clerk"], people["clerk2"]])}
    again = web.by("leader").post(path, json={"text": "请抓紧"})
    assert (again.status_code, again.json()["code"]) == (409, "urged_today")
    assert web.by("clerk").get("/api/v1/messages/unread").json() == {"unread": 1}


@pytest.mark.parametrize(("to", "status"), [("leader", 201), ("handler", 409), ("nobody", 409)])
def test_a_copy_goes_to_whoever_may_see_it(web: Web, to: str, status: int) -> None:
    matter = web.register()["matter_id"]
    body = {"to": web.county.people[to], "note": "请知悉"}
    assert web.by("clerk").post(f"/api/v1/matters/{matter}/copies", json=body).status_code == status
    assert len(web.by(to).get("/api/v1/messages").json()["items"]) == (status == 201)


def test_messages_are_read_by_their_own_person(web: Web) -> None:
    web.by("leader").post(f"/api/v1/matters/{web.register()['matter_id']}/urgings", json={"text": "请抓紧"})
    (message,) = web.by("clerk").get("/api/v1/messages?unread=true").json()["items"]
    assert web.by("handler").post("/api/v1/messages/read", json={"ids": [message["id"]]}).json() == {"marked": 0}
    assert web.by("clerk").post("/api/v1/messages/read", json={"ids": [message["id"]]}).json() == {"marked": 1}
    assert web.by("clerk").get("/api/v1/messages?unread=true").json()["items"] == []
    assert web.by("clerk2").post("/api/v1/messages/read", json={"ids": None}).json() == {"marked": 1}


def test_an_escalation_stays_open_until_somebody_acknowledges_it(any_web: Web) -> None:
    web = any_web
    matter = web.register()["matter_id"]
    web.county.now += timedelta(days=17)
    sweep_all(web.county.database, web.county.engine, web.county.now)
    (raised,) = [
        r for r in web.by("office").get("/api/v1/rungs").json()["items"] if r["did"] == ["raise county_office"]
    ]
    assert raised["matter_id"] == matter
    path = f"/api/v1/rungs/{raised['id']}/acknowledgement"
    assert web.by("supervisor").post(path, json={}).status_code == 403
    assert raised["id"] in [r["id"] for r in web.by("office").get("/api/v1/rungs/mine").json()]
    assert web.by("office").post(path, json={"note": "已督促"}).status_code == 200
    again = web.by("office").post(path, json={})
    assert (again.status_code, again.json()["code"], again.json()["by"]) == (409, "already_acknowledged", "李主任")
    assert raised["id"] not in [r["id"] for r in web.by("office").get("/api/v1/rungs").json()["items"]]
    red = web.by("supervisor").get("/api/v1/matters?status=overdue").json()["items"]
    assert [(m["id"], m["light"]["colour"], m["level"]) for m in red] == [(matter, "red", 1)]


def test_possible_actions_say_who_may_and_with_which_form(web: Web) -> None:
    matter = web.register()["matter_id"]
    path = f"/api/v1/matters/{matter}/actions"
    mine, theirs = ({a["name"]: a for a in web.by(who).get(path).json()} for who in ("clerk", "leader"))
    assert mine["accept"]["allowed"] and not theirs["accept"]["allowed"] and theirs["accept"]["why_not"]
    ground = mine["refuse"]["form"]["properties"]["ground"]
    assert "out_of_scope" in ground["enum"] and ground["x-labels"]["out_of_scope"] == "不属受理范围"
