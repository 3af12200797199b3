"""The public look-up: the same for everybody, slow to guess, and silent about anything else."""

import json
from typing import Any

import pytest

from services.http.errors import TooManyRequests
from services.http.limits import LookUps
from tests.api.web import TestClient, Web

PATH = "/api/v1/public/receipts/"


def _from(web: Web, address: str) -> TestClient:
    return TestClient(web.app, client=(address, 5000))


def test_a_receipt_follows_the_petition(web: Web) -> None:
    opened = web.register()
    matter, code = opened["matter_id"], opened["receipt_code"]
    told = [web.nobody.get(PATH + code).json()]
    for step in ("accept", "propose", "approve"):
        web.walk(matter, step)
        told.append(_from(web, "198.51.100.1").get(PATH + code.lower().replace("-", " ")).json())
    assert [t["state"] for t in told] == ["registered", "accepted", "accepted", "in_handling"]
    assert [t["due"] for t in told[:3]] == [None] * 3
    assert told[-1] == {
        "state": "in_handling",
        "zh": "办理中",
        "refusal": None,
        "due": "2016-04-01",
        "provisional": False,
    }


def test_a_refusal_is_explained_and_nothing_else(web: Web) -> None:
    opened = web.register(problem_fields=["land_requisition"])
    web.walk(opened["matter_id"], "refuse")
    told = web.nobody.get(PATH + opened["receipt_code"]).json()
    assert told["state"] == "referred"
    assert told["refusal"] == {"ground": "不属受理范围", "reason": "不属本机关受理", "receiving_organ": "县信访局"}


def test_different_matters_look_the_same(web: Web) -> None:
    one = web.register(summary="反映甲", content="甲的事", complainant={"name": "张三举报"})
    two = web.register(who="township_clerk", unit="liuhe", summary="反映乙", anonymous=True, complainant=None)
    for opened in (one, two):
        web.walk(opened["matter_id"], "accept") if opened is one else web.act(
            opened["matter_id"], "accept", "township_clerk"
        )
    bodies = [web.nobody.get(PATH + opened["receipt_code"]).text for opened in (one, two)]
    assert bodies[0] == bodies[1]
    assert json.loads(bodies[0]).keys() == {"state", "zh", "refusal", "due", "provisional"}


def test_unknown_and_mistyped_codes_are_answered_alike(web: Web) -> None:
    code = web.register()["receipt_code"]
    other = "0" if code[0] != "0" else "1"
    unknown = "0000-0000-0000-0"
    answers = [web.nobody.get(PATH + wrong) for wrong in (unknown, other + code[1:], "x", "%00", "督办", "a" * 150)]
    told = [{k: v for k, v in a.json().items() if k != "instance"} for a in answers]
    assert {a.status_code for a in answers} == {404}
    assert all(t == told[0] for t in told)
    assert all(a.headers["cache-control"] == "no-store" for a in answers)


def test_one_address_asks_ten_times_a_minute(web: Web) -> None:
    code = web.register()["receipt_code"]
    near, far = _from(web, "198.51.100.1"), _from(web, "198.51.100.2")
    assert [near.get(PATH + "wrong").status_code for _ in range(9)] == [404] * 9
    assert near.get(PATH + code).status_code == 200
    refused = near.get(PATH + code)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert far.get(PATH + code).status_code == 200


def test_neighbours_on_ipv6_count_as_one() -> None:
    look_ups = LookUps()
    for number in range(10):
        look_ups.count(f"2001:db8:0:1::{number:x}")
    with pytest.raises(TooManyRequests):
        look_ups.count("2001:db8:0:1:ffff::1")
    look_ups.count("2001:db8:0:2::1")
    look_ups.count("unix socket")


def test_all_together_have_a_ceiling_too() -> None:
    look_ups = LookUps()
    for number in range(300):
        look_ups.count(f"198.51.{number // 256}.{number % 256}")
    with pytest.raises(TooManyRequests):
        look_ups.count("203.0.113.1")


def _answers_of_everybody(web: Web, matter: int) -> Any:
    for who in ("clerk", "office", "leader", "supervisor", "handler", "township_leader"):
        for path in ("", "/timeline", "/clocks", "/links", "/actions"):
            yield web.by(who).get(f"/api/v1/matters/{matter}{path}").text
        yield web.by(who).get("/api/v1/matters").text
        yield web.by(who).get("/api/v1/worklist").text


def test_a_receipt_code_and_a_complainant_stand_nowhere_else(web: Web) -> None:
    opened = web.register(complainant={"name": "蔺不見名", "phone": "13912345678"})
    web.walk(opened["matter_id"], "accept", "propose", "approve")
    for text in _answers_of_everybody(web, opened["matter_id"]):
        assert opened["receipt_code"] not in text
        assert "蔺不見名" not in text and "13912345678" not in text
