"""What comes after a case's review, walked on both databases: deliberation, the six measures, reconsideration."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.db.errors import DubanError
from services.db.session import Database
from services.engine.errors import InvalidAnswers, NotPermitted
from services.engine.sweep import sweep_all
from services.identity.people import delegate, grant
from services.identity.sealing import Vault
from tests.support.cast import START, County
from tests.support.invariants import check, clocks, matter, open_items
from tests.support.reviewing import a_case, county_with_cases, sent_to_review, upload, walk_review

GUANGXI = datetime(2020, 3, 2, 2, tzinfo=UTC)
"""Monday 2020-03-02, after the pack begins."""
COMMITTEE = ("party_secretary", "standing1", "standing2")
"""The county's party committee: the secretary is its head, the first of the others in charge."""


@pytest.fixture
def county(database: Database, vault: Vault) -> County:
    return county_with_cases(database, vault)


@pytest.fixture
def sqlite_county(sqlite: Database, vault: Vault) -> County:
    return county_with_cases(sqlite, vault)


def in_guangxi(database: Database, vault: Vault) -> County:
    county = county_with_cases(database, vault, upon="guangxi")
    with database.write() as session:
        for who in COMMITTEE[1:]:
            grant(session, county.people[who], "party_committee", county.units["county"], START.date(), None, "测试")
    county.now = GUANGXI
    return county


def reviewed(county: County) -> tuple[int, int]:
    """Return a case whose review is over, and the review."""
    case = a_case(county)
    return case, walk_review(county, sent_to_review(county, case))


def decided(county: County) -> tuple[int, int, tuple[int, ...]]:
    """Return a case that is decided, its review, and what the decision opened."""
    case, review = reviewed(county)
    decision = {"sanction": "warning", "decided_on": county.today.isoformat()}
    return case, review, county.act(case, "decide", "township_discipline", decision).opened


def refusal(county: County, matter_id: int, action: str, who: str, data: dict[str, Any] | None = None) -> str:
    with pytest.raises(DubanError) as refused:
        county.act(matter_id, action, who, data or {})
    return str(refused.value.extra.get("reason", refused.value.code))


def waiting(county: County, matter_id: int, vote: str) -> set[str]:
    names = {number: name for name, number in county.people.items()}
    return {names[i["person_id"]] for i in open_items(county, matter_id) if i["kind"] == vote}


MEETING = {"place": "常委会议室", "report": "案情和处理意见"}
SAID = {"stance": "agree", "statement": "对照查摆", "measures": "完善制度"}


class TestDeliberation:
    def test_the_party_committee_speaks_in_order_and_the_decision_waits(self, database: Database, vault: Vault) -> None:
        county = in_guangxi(database, vault)
        case, _ = reviewed(county)
        (sitting,) = county.act(case, "ask_deliberation", "township_discipline").opened
        decision = {"sanction": "warning", "decided_on": county.today.isoformat()}
        assert refusal(county, case, "decide", "township_discipline", decision) == "linked_open"
        county.act(sitting, "convene", "manager", {"held_on": county.today.isoformat(), **MEETING})
        assert waiting(county, sitting, "state_position") == set(COMMITTEE)
        head, charge, other = COMMITTEE
        order = {"in_charge": county.people[charge], "head": county.people[head]}
        county.act(sitting, "set_order", "manager", order)
        assert refusal(county, sitting, "state_position", other, SAID) == "not_in_turn"
        assert refusal(county, sitting, "state_position", charge, {**SAID, "measures": ""}) == "reflection_missing"
        county.act(sitting, "state_position", charge, SAID)
        assert refusal(county, sitting, "state_position", head, SAID) == "not_in_turn"
        assert refusal(county, sitting, "conclude", "manager", {"resolution": "同意"}) == "panel_incomplete"
        county.act(sitting, "state_position", other, {**SAID, "stance": "disagree"})
        county.act(sitting, "state_position", head, SAID)
        county.act(sitting, "conclude", "manager", {"resolution": "同意处理意见"})
        told = matter(county, sitting)["record"]["steps"]["conclude"]["answers"]
        assert {k: told[k] for k in ("agree", "disagree", "members", "absent", "agreed")} == {
            "agree": 2, "disagree": 1, "members": 3, "absent": 0, "agreed": True,
        }  # fmt: skip
        county.act(case, "decide", "township_discipline", decision)
        check(county)

    def test_elsewhere_the_standing_committee_states_positions_and_no_more(self, sqlite_county: County) -> None:
        case, _ = reviewed(sqlite_county)
        (sitting,) = sqlite_county.act(case, "ask_deliberation", "township_discipline").opened
        assert str(clocks(sqlite_county, sitting)["deliberation"]["effective_due"]) == "2016-04-01"
        sqlite_county.act(sitting, "convene", "manager", {"held_on": "2016-03-01", **MEETING})
        assert waiting(sqlite_county, sitting, "state_position") == {"standing1", "standing2", "standing3"}
        for who in ("standing3", "standing1"):
            sqlite_county.act(sitting, "state_position", who, {"stance": "agree"})
        sqlite_county.act(
            sitting, "mark_absent", "manager", {"person": sqlite_county.people["standing2"], "reason": "出差"}
        )
        assert refusal(sqlite_county, sitting, "conclude", "manager", {"resolution": "同意"}) == "panel_incomplete"
        for who in ("party_secretary", "standing2", "manager"):
            with pytest.raises(DubanError):
                sqlite_county.act(sitting, "state_position", who, {"stance": "agree"})

    def test_put_off_it_begins_anew(self, sqlite_county: County) -> None:
        case, _ = reviewed(sqlite_county)
        (sitting,) = sqlite_county.act(case, "ask_deliberation", "township_discipline").opened
        for _ in range(2):
            sqlite_county.act(sitting, "convene", "manager", {"held_on": "2016-03-01", **MEETING})
            assert len(waiting(sqlite_county, sitting, "state_position")) == 3
            sqlite_county.act(sitting, "state_position", "standing1", {"stance": "agree"})
            sqlite_county.act(sitting, "send_back", "manager", {"reason": "到会人数不足"})
        assert matter(sqlite_county, sitting)["state"] == "preparation"


class TestSixMeasures:
    def test_a_decision_opens_six_each_with_its_period(self, county: County) -> None:
        _, _, opened = decided(county)
        due = {matter(county, m)["title"]: str(clocks(county, m)["carrying_out"]["effective_due"]) for m in opened}
        assert due == {
            "六个一：一案一通报": "2016-04-01", "六个一：一案一建议": "2016-04-01", "六个一：一案一谈话": "2016-04-01",
            "六个一：一案一警示": "2016-05-03", "六个一：一案一整改": "2016-06-01", "六个一：一案一评议": "2016-09-01",
        }  # fmt: skip
        check(county)

    def test_done_with_evidence_or_waived_by_another(self, sqlite_county: County) -> None:
        _, _, opened = decided(sqlite_county)
        done = {"done_on": "2016-03-01", "content": "已通报", "evidence": []}
        with pytest.raises(InvalidAnswers):
            sqlite_county.act(opened[0], "finish", "conduct", done)
        evidence = [upload(sqlite_county, "conduct", "通报.pdf")]
        sqlite_county.act(opened[0], "finish", "conduct", {**done, "evidence": evidence})
        sqlite_county.act(opened[1], "note_progress", "manager", {"content": "无须建议"})
        assert refusal(sqlite_county, opened[1], "waive", "manager", {"reason": "无制度漏洞"}) == "same_person"
        with pytest.raises(NotPermitted):
            sqlite_county.act(opened[1], "waive", "conduct", {"reason": "无制度漏洞"})
        sqlite_county.act(opened[1], "waive", "leader", {"reason": "无制度漏洞"})
        assert [matter(sqlite_county, m)["state"] for m in opened[:2]] == ["done", "waived"]

    def test_a_late_one_goes_up_to_the_leader(self, sqlite_county: County) -> None:
        _, _, opened = decided(sqlite_county)
        sqlite_county.now = datetime(2016, 4, 8, 2, tzinfo=UTC)  # the third working day after 04-01; 04-04 is a holiday
        sweep_all(sqlite_county.database, sqlite_county.engine, sqlite_county.now)
        assert [matter(sqlite_county, m)["level"] for m in opened] == [1, 1, 1, 0, 0, 0]


TEAM = ("checker", "checker2")
DECIDE = ("standing1", "standing2", "standing3")


def ask(county: County, case: int, *reviews: int, **more: Any) -> int:
    today = county.today.isoformat()
    answers = {
        "case": case, "reviews": list(reviews), "kind": "party", "asked_by": "subject", "asked_on": today,
        "decision_received_on": today, "grounds": "量纪偏重", **more,
    }  # fmt: skip
    return county.open("manager", "reconsideration", **answers).matter_id


def walk(county: County, again: int) -> None:
    """Up to the vote."""
    people, today = county.people, county.today.isoformat()
    county.act(again, "accept", "standing1", {"opinion": "符合条件"})
    county.act(again, "set_team", "standing1", {"leader": people[TEAM[0]], "members": [people[t] for t in TEAM]})
    report = {"heard_on": today, "heard": "认为偏重", "facts": "属实", "opinion": "维持"}
    county.act(again, "report", "checker", report)
    county.act(again, "convene", "standing1", {"held_on": today, "members": [people[d] for d in DECIDE]})


class TestReconsideration:
    def test_from_the_request_to_the_notice(self, county: County) -> None:
        case, review, _ = decided(county)
        before = matter(county, case)
        again = ask(county, case, review)
        walk(county, again)
        assert str(clocks(county, again)["reconsideration"]["effective_due"]) == "2016-06-01"
        for who in DECIDE:
            county.act(again, "state_position", who, {"result": "change", "sanction": "none", "reason": "情节轻微"})
        document = [upload(county, "standing1", "复查决定.pdf")]
        decision = {"decided_on": county.today.isoformat(), "reasons": "情节轻微", "document": document}
        county.act(again, "decide", "standing1", decision)
        notice = {
            "told_on": county.today.isoformat(),
            "method": "in_person",
            "unit_told": "柳河乡党委",
            "archive_no": "1",
        }
        county.act(again, "inform", "checker", notice)
        told = matter(county, again)["record"]["steps"]["decide"]["answers"]
        assert (told["result"], told["before"], told["sanction"]) == ("change", "warning", "none")
        assert matter(county, case) == before  # the decision stands and runs on meanwhile
        check(county)

    def test_those_who_touched_it_keep_away(self, sqlite_county: County) -> None:
        case, review, _ = decided(sqlite_county)
        people = sqlite_county.people
        again = ask(sqlite_county, case, review)
        assert refusal(sqlite_county, again, "accept", "leader", {"opinion": "受理"}) == "touched_the_case"
        sqlite_county.act(again, "accept", "standing1", {"opinion": "受理"})
        for one in ("reviewer", "reviewer2", "conduct", "baishi_discipline", "township_discipline", "leader"):
            team = {"leader": people["checker"], "members": [people["checker"], people[one]]}
            assert refusal(sqlite_county, again, "set_team", "standing1", team) == "touched_the_case"
        today = sqlite_county.today
        with sqlite_county.database.write() as session:
            delegate(session, people["leader"], people["checker"], today, today, "出差", None)
        team = {"leader": people["checker"], "members": [people[t] for t in TEAM]}
        assert refusal(sqlite_county, again, "set_team", "checker", team) == "touched_the_case"

    def test_no_review_is_left_out(self, sqlite_county: County) -> None:
        case, review, _ = decided(sqlite_county)
        for named in ((), (case,)):
            with pytest.raises(DubanError) as refused:
                ask(sqlite_county, case, *named)
            assert refused.value.extra["reason"] == "reviews_missing"
        assert ask(sqlite_county, case, review)

    def test_a_case_not_decided_is_not_reconsidered(self, sqlite_county: County) -> None:
        case, review = reviewed(sqlite_county)
        with pytest.raises(DubanError) as refused:
            ask(sqlite_county, case, review)
        assert refused.value.extra["reason"] == "not_decided"

    @pytest.mark.parametrize(("kind", "due"), [("party", "2016-06-01"), ("government", "2016-04-01")])
    def test_three_months_or_one(self, sqlite_county: County, kind: str, due: str) -> None:
        case, review, _ = decided(sqlite_county)
        again = ask(sqlite_county, case, review, kind=kind)
        sqlite_county.act(again, "accept", "standing1", {"opinion": "受理"})
        assert str(clocks(sqlite_county, again)["reconsideration"]["effective_due"]) == due

    def test_refused_with_a_reason_and_told(self, sqlite_county: County) -> None:
        case, review, _ = decided(sqlite_county)
        again = ask(sqlite_county, case, review)
        why = {"ground": "other_organ", "reason": "属市级管辖", "told_on": "2016-03-01", "method": "letter"}
        with pytest.raises(InvalidAnswers):
            sqlite_county.act(again, "refuse", "standing1", {**why, "reason": ""})
        sqlite_county.act(again, "refuse", "standing1", why)
        assert matter(sqlite_county, again)["closed_at"] is not None
