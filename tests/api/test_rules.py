"""A matter's rules change on purpose, over HTTP: after a preview, with a reason, by those who may."""

from tests.api.web import Web


def test_rules_are_looked_at_and_then_changed(web: Web) -> None:
    matter = web.register()["matter_id"]
    web.walk(matter, "accept", "propose", "approve")
    leader = web.by("leader")
    foreseen = leader.get(f"/api/v1/matters/{matter}/rules/restart")
    assert foreseen.status_code == 200
    body = {"mode": "restart", "reason": "按现行规定重新计算"}
    assert web.by("handler").post(f"/api/v1/matters/{matter}/rules", json=body).json()["code"] == "not_permitted"
    assert web.by("nobody").post(f"/api/v1/matters/{matter}/rules", json=body).status_code == 404
    done = leader.post(f"/api/v1/matters/{matter}/rules", json=body)
    assert done.json() == foreseen.json()
    newest = leader.get(f"/api/v1/matters/{matter}/timeline").json()["items"][0]
    assert newest["action"] == "rules_changed"
