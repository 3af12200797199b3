"""The invariants of rules.md §3, attacked through the API."""

import re
from typing import Any

import pytest

from services.api.app import application
from tests.api.web import Web, make_admin


def _refusal(answer: Any) -> tuple[int, str, str | None]:
    return answer.status_code, answer.json()["code"], answer.json().get("reason")


def _in(web: Web, *steps: str, **answers: Any) -> int:
    matter: int = web.register(**answers)["matter_id"]
    web.walk(matter, *steps)
    return matter


def test_1_who_handled_it_never_rechecks_it(web: Web) -> None:
    matter = _in(web, "accept", "propose", "approve", "complete")
    members = {"members": [web.county.people["checker"], web.county.people["handler"]], "opinion": "同意"}
    assert _refusal(web.act(matter, "pass_recheck", "checker", members)) == (
        409,
        "action_refused",
        "rechecker_handled_it",
    )


def test_2_who_proposed_never_approves_by_any_role_or_delegation(web: Web) -> None:
    matter = _in(web, "accept", "propose")
    admin, clerk = make_admin(web, "office", "county"), web.county.people["clerk"]
    role = {"role": "county_leader", "unit_id": web.county.units["county"], "valid_from": "2016-03-01", "reason": "x"}
    assert admin.post(f"/api/v1/people/{clerk}/roles", json=role).status_code == 201
    assert _refusal(web.act(matter, "approve", "clerk", {})) == (409, "action_refused", "same_person")
    days = {"starts_on": "2016-03-01", "ends_on": "2016-03-10", "reason": "x"}
    lent = web.by("clerk").post("/api/v1/delegations", json={**days, "to_id": web.county.people["nobody"]})
    assert lent.status_code == 201
    assert _refusal(web.act(matter, "approve", "nobody", {})) == (409, "action_refused", "same_person")


def test_2_nothing_is_handled_without_approval(web: Web) -> None:
    matter = _in(web, "accept", "propose")
    _, completion = web.county.usual("complete")
    assert web.act(matter, "complete", "handler", completion).status_code in (404, 403)
    web.walk(matter, "approve", "send_back")
    assert web.by("clerk").get(f"/api/v1/matters/{matter}").json()["state"] == "approval"


def test_3_a_verification_has_a_team_of_two_different_people(web: Web) -> None:
    matter = _in(web, "accept", "propose", "approve")
    who, completion = web.county.usual("complete")
    alone = {**completion, "team": [web.county.people["handler"]] * 2}
    assert _refusal(web.act(matter, "complete", who, alone)) == (409, "action_refused", "team_of_two")


def test_5_an_identity_is_opened_with_a_purpose_by_an_allowed_role_and_on_record(any_web: Web) -> None:
    web = any_web
    matter = _in(web, "accept", complainant={"name": "蔺不見名", "phone": "13912345678"})
    path = f"/api/v1/matters/{matter}/sealed/complainant"
    assert web.by("leader").post(path, json={"purpose": "了解情况需要"}).status_code == 403
    assert web.by("clerk").post(path, json={"purpose": "看看"}).status_code == 422
    opened = web.by("clerk").post(path, json={"purpose": "电话告知受理情况"})
    assert opened.json()["content"]["name"] == "蔺不見名"
    entries = web.by("supervisor").get(f"/api/v1/matters/{matter}/timeline").json()["items"]
    assert [e["action"] for e in entries] == ["seal_opened", "accept", "open"]
    assert entries[0]["content"] == {"name": "complainant", "purpose": "电话告知受理情况"}
    assert (
        web.by("clerk").post(f"/api/v1/matters/{matter}/sealed/content", json={"purpose": "了解情况需要"}).status_code
        == 403
    )


@pytest.mark.parametrize("unit", ["liuhe", "upper"])
def test_6_nothing_goes_to_the_unit_reported_nor_below(web: Web, unit: str) -> None:
    matter = _in(web, "accept", reported=[{"name": "某乡长", "unit": web.county.units["liuhe"]}])
    who, proposal = web.county.usual("propose")
    answer = web.act(matter, "propose", who, {**proposal, "handler_unit": web.county.units[unit]})
    assert answer.status_code == 422
    assert [e["code"] for e in answer.json()["errors"]] == ["sent_to_reported_unit"]


def test_7_nothing_is_deleted_and_nothing_closes_before_its_time() -> None:
    deleted = {path for path, methods in application().openapi()["paths"].items() if "delete" in methods}
    assert deleted == {
        "/api/v1/session",
        "/api/v1/tokens/{token_id}",
        "/api/v1/roles/{grant_id}",
        "/api/v1/delegations/{delegation_id}",
    }


def test_7_a_named_complainant_is_told_before_it_is_filed(web: Web) -> None:
    matter = _in(web, "accept", "propose", "approve", "complete", "pass_recheck")
    who, archive = web.county.usual("archive")
    assert _refusal(web.act(matter, "archive", who, archive)) == (409, "action_refused", "not_in_this_state")
    web.walk(matter, "feed_back")
    owing = web.act(matter, "archive", who, archive)
    assert (owing.status_code, owing.json()["code"], owing.json()["duties"]) == (409, "duties_open", ["受理告知"])


@pytest.mark.parametrize("missing", ["reason", "receiving_organ", "ground"])
def test_8_a_refusal_carries_reason_and_receiving_organ(web: Web, missing: str) -> None:
    matter = _in(web, problem_fields=["land_requisition"])
    who, refusal = web.county.usual("refuse")
    answer = web.act(matter, "refuse", who, {k: v for k, v in refusal.items() if k != missing})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, missing)


def test_9_an_extension_comes_before_expiry_and_from_the_level_named(web: Web) -> None:
    matter = _in(web, "accept", "propose", "approve")
    clock = next(
        c["clock"]["id"]
        for c in web.by("handler").get(f"/api/v1/matters/{matter}/clocks").json()
        if c["clock"]["name"] == "handling"
    )
    path, ask = f"/api/v1/clocks/{clock}/extension", {"amount": 1, "unit": "month", "reason": "账目繁杂"}
    too_much = web.by("handler").post(path, json={**ask, "amount": 2})
    assert _refusal(too_much) == (409, "extension_refused", "too_much")
    assert web.by("handler").post(path, json=ask).status_code == 200
    assert web.by("township_leader").post(f"{path}/decision", json={"granted": True}).status_code == 403
    web.county.later(days=40)
    late = web.by("office").post(f"{path}/decision", json={"granted": True})
    assert _refusal(late) == (409, "extension_refused", "expired")


@pytest.mark.parametrize("day", ["2016-02-01", "2300-01-01", "9999-12-31", "9999-12-31T23:59:59Z"])
def test_11_a_given_date_that_cannot_be_reckoned_with_moves_nothing(web: Web, day: str) -> None:
    matter = _in(web, "accept")
    who, proposal = web.county.usual("propose")
    given = {**proposal, "petition_class": "date_given", "given_due": day}
    assert web.act(matter, "propose", who, given).status_code == 200
    assert _refusal(web.act(matter, "approve", "leader", {})) == (409, "unmeasured", None)
    assert web.by("clerk").get(f"/api/v1/matters/{matter}").json()["state"] == "approval"


def test_13_nothing_writes_the_journal_but_what_happens(web: Web) -> None:
    paths = application().openapi()["paths"]
    about = {p: set(m) for p, m in paths.items() if re.search("journal|timeline", p)}
    assert about and all(methods == {"get"} for methods in about.values())
    matter = _in(web, "accept")
    before = web.by("clerk").get(f"/api/v1/matters/{matter}/timeline").json()
    web.act(matter, "accept", "clerk")
    web.act(matter, "approve", "leader")
    web.by("nobody").get(f"/api/v1/matters/{matter}")
    assert web.by("clerk").get(f"/api/v1/matters/{matter}/timeline").json() == before
