"""Units, people, posts, roles and delegations: by administrators, each within his own subtree."""

from typing import Any

import pytest

from services.identity.credentials import SCOPES
from tests.api.web import TestClient, Web, make_admin


@pytest.fixture
def township_admin(web: Web) -> TestClient:
    """An administrator of 柳河乡 and nothing else."""
    return make_admin(web, "township_clerk", "liuhe")


def _unit(web: Web, **change: Any) -> dict[str, Any]:
    return {"code": "xia", "name": "下河村", "kind": "grassroots", "parent_id": web.county.units["liuhe"], **change}


def test_the_tree_starts_at_the_county(web: Web) -> None:
    units = web.by("clerk").get("/api/v1/units").json()
    assert (units[0]["name"], units[0]["parent_id"]) == ("清河县", None)
    seen: set[int] = set()
    for unit in units:
        assert unit["parent_id"] is None or unit["parent_id"] in seen
        seen.add(unit["id"])
    assert web.by("clerk").get(f"/api/v1/units/{units[1]['id']}").json() == units[1]


def test_a_unit_is_added_renamed_moved_and_abolished(web: Web, admin: TestClient) -> None:
    made = admin.post("/api/v1/units", json=_unit(web))
    assert made.status_code == 201, made.text
    path = f"/api/v1/units/{made.json()['id']}"
    assert admin.put(f"{path}/name", json={"name": "下河新村"}).json()["name"] == "下河新村"
    moved = admin.put(f"{path}/parent", json={"parent_id": web.county.units["baishi"]}).json()
    assert moved["parent_id"] == web.county.units["baishi"]
    assert admin.put(f"{path}/abolition", json={"on": "2016-03-01"}).json()["abolished_on"] == "2016-03-01"
    again = admin.post("/api/v1/units", json=_unit(web))
    assert (again.status_code, again.json()["code"]) == (409, "unit_refused")


def test_an_administrator_stays_within_his_subtree(web: Web, township_admin: TestClient) -> None:
    units, people = web.county.units, web.county.people
    assert township_admin.post("/api/v1/units", json=_unit(web)).status_code == 201
    elsewhere = _unit(web, code="x", parent_id=units["baishi"])
    role = {"role": "handler", "valid_from": "2016-03-01", "reason": "分工"}
    refused = [
        township_admin.post("/api/v1/units", json=elsewhere),
        township_admin.put(f"/api/v1/units/{units['baishi']}/name", json={"name": "新镇"}),
        township_admin.put(f"/api/v1/units/{units['upper']}/parent", json={"parent_id": units["baishi"]}),
        township_admin.put(f"/api/v1/units/{units['liuhe']}/parent", json={"parent_id": units["baishi"]}),
        township_admin.put(f"/api/v1/people/{people['leader']}/password", json={"new": "long enough 1"}),
        township_admin.post(f"/api/v1/people/{people['leader']}/deactivation"),
        township_admin.get(f"/api/v1/people/{people['leader']}/roles"),
        township_admin.post(f"/api/v1/people/{people['handler']}/roles", json={**role, "unit_id": units["county"]}),
        township_admin.post(
            "/api/v1/delegations",
            json={"from_id": people["leader"], "to_id": people["township_clerk"], "starts_on": "2016-03-01",
                  "ends_on": "2016-03-09", "reason": "x"},
        ),
        township_admin.post("/api/v1/runs", json={"flow": "escalate_overdue"}),
        township_admin.get("/api/v1/journal/verification"),
    ]  # fmt: skip
    assert [(a.status_code, a.json()["code"]) for a in refused] == [(403, "not_permitted")] * len(refused)
    given = township_admin.post(f"/api/v1/people/{people['nobody']}/roles", json={**role, "unit_id": units["upper"]})
    assert given.status_code == 201


def test_who_is_no_administrator_changes_nobody(web: Web) -> None:
    people, client = web.county.people, web.by("leader")
    assert client.post("/api/v1/people", json={"name": "新人"}).status_code == 403
    assert client.post("/api/v1/units", json=_unit(web)).status_code == 403
    assert client.put(f"/api/v1/people/{people['nobody']}/password", json={"new": "long enough 1"}).status_code == 403
    assert client.get(f"/api/v1/people/{people['nobody']}/roles").status_code == 403
    assert client.get(f"/api/v1/people/{people['leader']}/roles").status_code == 200
    assert "login" not in {
        k for p in client.get("/api/v1/people").json()["items"] for k, v in p.items() if v and k == "login"
    }


def test_a_newcomer_is_made_given_a_post_a_password_and_a_role_and_works(web: Web, admin: TestClient) -> None:
    county = web.county.units["county"]
    made = admin.post("/api/v1/people", json={"name": "新来者", "login": "New"}).json()
    assert made["login"] == "new"
    path = f"/api/v1/people/{made['id']}"
    post = admin.post(f"{path}/posts", json={"unit_id": county, "title": "科员", "held_from": "2016-03-01"}).json()
    assert admin.put(f"{path}/password", json={"new": "a password of mine"}).status_code == 200
    role = {"role": "petition_clerk", "unit_id": county, "valid_from": "2016-03-01", "reason": "分工"}
    given = admin.post(f"{path}/roles", json=role).json()
    logged_in = web.nobody.post("/api/v1/session", json={"login": "new", "password": "a password of mine"}).json()
    newcomer = TestClient(web.app, headers={"Authorization": f"Bearer {logged_in['secret']}"})
    matter = web.register()["matter_id"]
    waiting = newcomer.get(f"/api/v1/matters/{matter}")
    assert (waiting.status_code, waiting.json()["code"]) == (403, "password_temporary")
    own = {"old": "a password of mine", "new": "and now my own"}
    assert newcomer.put("/api/v1/session/password", json=own).status_code == 200
    logged_in = web.nobody.post("/api/v1/session", json={"login": "new", "password": "and now my own"}).json()
    newcomer = TestClient(web.app, headers={"Authorization": f"Bearer {logged_in['secret']}"})
    assert newcomer.get(f"/api/v1/matters/{matter}").status_code == 200
    assert [p["name"] for p in newcomer.get(f"/api/v1/people?unit={county}").json()["items"]] == ["新来者"]
    assert admin.put(f"/api/v1/posts/{post['id']}/end", json={"on": "2016-03-31"}).json()["held_to"] == "2016-03-31"
    assert admin.delete(f"/api/v1/roles/{given['id']}").json()["valid_to"] == "2016-02-29"
    assert newcomer.get(f"/api/v1/matters/{matter}").status_code == 404
    assert admin.post(f"{path}/deactivation").json()["active"] is False
    assert newcomer.get("/api/v1/session").status_code == 401


@pytest.mark.parametrize("role", ["system", "king", "Handler"])
def test_only_roles_of_the_pack_are_given(web: Web, admin: TestClient, role: str) -> None:
    body = {"role": role, "unit_id": web.county.units["county"], "valid_from": "2016-03-01", "reason": "x"}
    answer = admin.post(f"/api/v1/people/{web.county.people['nobody']}/roles", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "grant_refused")


def test_people_come_in_pages_and_by_name(web: Web) -> None:
    client, names, cursor = web.by("clerk"), [], ""
    while True:
        page = client.get(f"/api/v1/people?limit=5{cursor}").json()
        names += [person["name"] for person in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(names) == len(set(names)) == len(web.county.people)
    assert [p["name"] for p in client.get("/api/v1/people?q=信访").json()["items"]] == ["赵信访", "钱信访", "褚信访"]
    assert client.get("/api/v1/people?q=%25").json()["items"] == []


def _delegate(web: Web, by: TestClient, **body: Any) -> Any:
    days = {"starts_on": "2016-03-01", "ends_on": "2016-03-10", "reason": "出差"}
    return by.post("/api/v1/delegations", json={**days, **body})


def test_roles_are_lent_used_and_taken_back(web: Web) -> None:
    people = web.county.people
    matter = web.register()["matter_id"]
    web.walk(matter, "accept", "propose")
    stand_in = web.by("nobody")
    assert stand_in.get(f"/api/v1/matters/{matter}").status_code == 404
    lent = _delegate(web, web.by("leader"), to_id=people["nobody"])
    assert lent.status_code == 201, lent.text
    assert stand_in.get("/api/v1/delegations").json() == [lent.json()]
    assert web.act(matter, "approve", "nobody").status_code == 200
    entry = web.by("clerk").get(f"/api/v1/matters/{matter}/timeline?limit=1").json()["items"][0]
    assert (entry["actor_id"], entry["behalf_of"]) == (people["nobody"], people["leader"])
    assert stand_in.delete(f"/api/v1/delegations/{lent.json()['id']}").status_code == 403
    assert web.by("leader").delete(f"/api/v1/delegations/{lent.json()['id']}").status_code == 200
    assert stand_in.get(f"/api/v1/matters/{matter}").status_code == 404


def test_a_token_to_act_does_not_lend_what_others_hold(web: Web, admin: TestClient) -> None:
    acting = web.by("office", SCOPES - {"admin"})
    answer = _delegate(web, acting, from_id=web.county.people["leader"], to_id=web.county.people["nobody"])
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    by_admin = _delegate(web, admin, from_id=web.county.people["leader"], to_id=web.county.people["nobody"])
    assert by_admin.status_code == 201
    assert admin.delete(f"/api/v1/delegations/{by_admin.json()['id']}").json()["revoked_at"] is not None
