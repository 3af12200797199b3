"""A case from its clue to its archive, with the cast, on both databases; what the county's time costs whom."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from services.db.errors import DubanError
from services.db.session import Database
from services.engine.errors import DutiesOpen, InvalidAnswers, MatterNotFound, NotPermitted
from services.engine.models import Exclusion, Link
from services.engine.sweep import sweep_all
from services.identity.people import grant
from services.identity.sealing import Vault
from tests.engine.test_clue_life import VERIFIED, dues, seen_by
from tests.support.casework import go, go_on, open_case, open_clue, reviews_of, usual_in_case
from tests.support.cast import County, build_county
from tests.support.declared import declared
from tests.support.invariants import check, clocks, entries, matter, open_items, rows_of, turn
from tests.support.reviewing import usual as usual_in_review
from tests.support.reviewing import walk_review

INVESTIGATED = ["set_team", "write_report", "sign", "hear_subject"]


def on(county: County, year: int, month: int, day: int) -> None:
    county.now = datetime(year, month, day, 2, tzinfo=UTC)


def refusal(county: County, matter_id: int, action: str, who: str, data: dict[str, Any]) -> str:
    with pytest.raises(DubanError) as refused:
        county.act(matter_id, action, who, data)
    return str(refused.value.extra.get("reason", refused.value.code))


def reviewed(county: County, *, sanction: str = "warning", **opened: Any) -> int:
    """Return a case of the township whose review has come back."""
    case = open_case(county, **opened)
    go_on(county, case, *INVESTIGATED)
    go_on(county, case, "transfer", proposed_sanction=sanction)
    walk_review(county, reviews_of(county, case)[-1])
    return case


def answers(county: County, case: int, step: str) -> dict[str, Any]:
    given: dict[str, Any] = matter(county, case)["record"]["steps"][step]["answers"]
    return given


def test_from_the_clue_to_the_last_visit(county: County) -> None:
    clue = open_clue(county, subject_unit=county.units["upper"])
    go(county, clue, VERIFIED[0], "acknowledge_committee", "acknowledge_county", *VERIFIED[1:], "conclude")
    go(county, clue, "propose_filing", "consent_filing", "file_case")
    with county.database.read() as session:
        (link,) = rows_of(session, Link, to_id=clue, kind="filed_from")
    case = link["from_id"]
    go(county, clue, "archive")
    row = matter(county, case)
    assert (row["unit_id"], row["title"], row["state"]) == (county.units["liuhe"], "高某案", "filed")
    assert answers(county, case, "open")["subject_is_member_of_unit"] == county.units["upper"]
    assert dues(county, case) == {"investigation": date(2016, 6, 1)}
    go_on(county, case, *INVESTIGATED)

    on(county, 2016, 3, 15)  # the township's two weeks
    go_on(county, case, "transfer")
    assert clocks(county, case)["investigation"]["state"] == "suspended"
    on(county, 2016, 4, 5)  # the county's three
    walk_review(county, reviews_of(county, case)[0])
    assert matter(county, case)["state"] == "proposal"
    assert entries(county, case)[-1]["actor_id"] is None  # the clock, of its own
    said = answers(county, case, "receive_review")
    assert (said["opinion"], said["agrees"], said["sanction"]) == ("同意", True, "warning")
    assert dues(county, case)["decision"] == date(2016, 5, 5)
    check(county)

    go_on(county, case, "put_to_decision")
    assert matter(county, case)["state"] == "decision"
    on(county, 2016, 4, 7)
    go_on(county, case, "vote", "decide")
    assert dues(county, case) == {
        "sanction_period": date(2017, 4, 7),
        "decision_report": date(2016, 4, 28),  # 15 working days from Thursday 04-07
        "announcement": date(2016, 5, 9),  # 05-07 is a Saturday
        "execution": date(2016, 5, 9),
        "follow_up": date(2016, 10, 8),  # 10-07 is a holiday; 10-08 a working Saturday
    }
    with pytest.raises(NotPermitted):  # it took effect: nobody takes it back
        county.act(case, "withdraw", "township_discipline", {"reason": "写错"})
    decided = answers(county, case, "decide")
    assert (decided["sanction"], decided["ends_on"], decided["agree"]) == ("warning", "2017-04-07", 2)
    assert clocks(county, case)["investigation"]["outcome"] == "on_time"
    go_on(county, case, "report_decision", "announce", "execute")
    with pytest.raises(DutiesOpen):
        go_on(county, case, "close")
    on(county, 2016, 9, 30)
    go_on(county, case, "record_visit")
    assert dues(county, case)["follow_up"] == date(2017, 3, 30)
    on(county, 2017, 3, 28)
    go_on(county, case, "record_visit")  # the next would lie beyond the sanction
    assert dues(county, case) == {"sanction_period": date(2017, 4, 7)}
    go_on(county, case, "close")
    assert matter(county, case)["state"] == "closed"
    check(county)


class TestReview:
    def test_its_time_is_not_the_townships(self, county: County) -> None:
        case = open_case(county)
        go_on(county, case, *INVESTIGATED)
        on(county, 2016, 3, 15)
        go_on(county, case, "transfer")
        on(county, 2016, 3, 29)
        (review,) = reviews_of(county, case)
        county.act(review, "return_case", *usual_in_review(county, "return_case"))
        assert matter(county, case)["state"] == "investigation"
        assert dues(county, case) == {"investigation": date(2016, 6, 15)}  # 14 days later than 06-01
        assert answers(county, case, "receive_review")["missing"] == ["key_evidence"]
        held = [i["role"] for i in open_items(county, case) if i["kind"] == "turn"]
        assert held == ["investigator"]
        check(county)

    def test_returned_it_goes_again_with_the_signatures_it_had(self, county: County) -> None:
        case = open_case(county)
        go_on(county, case, *INVESTIGATED, "transfer")
        first = reviews_of(county, case)[0]
        county.act(first, "return_case", *usual_in_review(county, "return_case"))
        go_on(county, case, "transfer")
        assert len(reviews_of(county, case)) == 2
        walk_review(county, reviews_of(county, case)[1])
        assert matter(county, case)["state"] == "proposal"
        go_on(county, case, "put_to_decision")
        check(county)

    def test_a_report_written_anew_is_signed_anew(self, county: County) -> None:
        case = open_case(county)
        go_on(county, case, *INVESTIGATED, "write_report")
        assert refusal(county, case, "transfer", *usual_in_case(county, "transfer")) == "panel_incomplete"
        go_on(county, case, "sign", "transfer")

    def test_nothing_escalates_while_the_county_has_it(self, county: County) -> None:
        case = open_case(county)
        go_on(county, case, *INVESTIGATED, "transfer")
        on(county, 2016, 9, 1)
        sweep_all(county.database, county.engine, county.now)
        assert matter(county, case)["level"] == 0
        assert clocks(county, case)["investigation"]["rungs_fired"] == 0

    @pytest.mark.parametrize("who", ["township_discipline", "township_discipline2"])
    def test_whoever_investigated_has_no_part_in_the_review(self, county: County, who: str) -> None:
        case = open_case(county)
        go_on(county, case, *INVESTIGATED, "transfer")
        (review,) = reviews_of(county, case)
        walk_review(county, review, "accept")
        named = {"lead_reviewer": county.people[who], "co_reviewer": county.people["reviewer"]}
        assert refusal(county, review, "assign_reviewers", "leader", named) == "investigator_reviews"

    def test_further_investigation_has_what_time_is_left(self, county: County) -> None:
        case = reviewed(county)
        on(county, 2016, 3, 11)
        county.act(case, "reinvestigate", "township_discipline", {"reason": "补充证据"})
        assert dues(county, case) == {"investigation": date(2016, 6, 12)}
        # nine days stood still after the anchor: 06-10 is a holiday, 06-12 a working Sunday
        asked = usual_in_case(county, "put_to_decision")
        assert refusal(county, case, "put_to_decision", *asked) == "not_in_this_state"


class TestDecision:
    @pytest.fixture
    def county(self, sqlite_county: County) -> County:
        return sqlite_county

    def test_no_body_decides_alone_or_against_its_majority(self, county: County) -> None:
        case = reviewed(county)
        go_on(county, case, "put_to_decision")
        county.act(case, "vote", "township_discipline", {"position": "agree"})
        assert refusal(county, case, "decide", *usual_in_case(county, "decide")) == "panel_incomplete"
        county.act(case, "vote", "township_discipline2", {"position": "disagree", "opinion": "过轻"})
        assert refusal(county, case, "decide", *usual_in_case(county, "decide")) == "not_agreed"
        county.act(case, "send_back", "township_discipline", {"reason": "意见不一致"})
        assert matter(county, case)["state"] == "proposal"
        go_on(county, case, "put_to_decision")
        assert refusal(county, case, "decide", *usual_in_case(county, "decide")) == "panel_incomplete"
        go_on(county, case, "vote", "decide")
        check(county)

    @pytest.mark.parametrize("who", ["township_committee", "manager", "standing1", "leader"])
    def test_only_members_vote(self, county: County, who: str) -> None:
        case = reviewed(county)
        go_on(county, case, "put_to_decision")
        assert refusal(county, case, "vote", who, {"position": "agree"}) == "not_permitted"

    def test_the_committee_decides_what_the_discipline_organ_may_not(self, county: County) -> None:
        with county.database.write() as session:
            member = county.people["township_leader"]
            grant(session, member, "township_committee", county.units["liuhe"], date(2010, 1, 1), None, "测试")
        case = reviewed(county, sanction="probation")
        go_on(county, case, "put_to_decision", sanction="probation", probation_months=18)
        assert matter(county, case)["state"] == "committee_decision"
        for who in ("township_committee", "township_leader"):
            county.act(case, "vote", who, {"position": "agree"})
        form = usual_in_case(county, "decide")[1]
        assert refusal(county, case, "decide", "township_discipline", form) == "beyond_authority"
        county.act(case, "decide", "township_committee", form)
        assert dues(county, case)["sanction_period"] == date(2017, 9, 1)
        assert "decision_report" in dues(county, case)
        check(county)

    def test_what_is_heavier_goes_to_the_county_and_comes_back_to_be_carried_out(self, county: County) -> None:
        case = reviewed(county, sanction="expulsion")
        go_on(county, case, "put_to_decision", sanction="expulsion")
        row = matter(county, case)
        assert (row["state"], row["unit_id"]) == ("county_decision", county.units["county"])
        assert clocks(county, case)["decision"]["state"] == "suspended"
        assert turn(county, case)["role"] == "standing_committee"
        form = usual_in_case(county, "decide")[1]
        assert refusal(county, case, "decide", "township_discipline", form) == "not_permitted"
        for who in ("standing1", "standing2"):
            county.act(case, "vote", who, {"position": "agree"})
        county.act(case, "decide", "standing1", form)
        row = matter(county, case)
        assert (row["state"], row["unit_id"]) == ("execution", county.units["liuhe"])
        assert dues(county, case).keys() == {"sanction_period", "announcement", "execution"}
        assert dues(county, case)["sanction_period"] == date(2021, 3, 1)
        go_on(county, case, "announce", "execute", "close")
        check(county)

    def test_sent_back_by_the_county_the_townships_time_runs_on(self, county: County) -> None:
        case = reviewed(county, sanction="expulsion")
        go_on(county, case, "put_to_decision", sanction="expulsion")
        on(county, 2016, 3, 15)
        county.act(case, "send_back", "standing1", {"reason": "定性不准"})
        row = matter(county, case)
        assert (row["state"], row["unit_id"]) == ("proposal", county.units["liuhe"])
        assert dues(county, case)["decision"] == date(2016, 4, 14)  # 13 days after the anchor stood still
        check(county)

    def test_no_sanction_ends_it(self, county: County) -> None:
        case = reviewed(county, sanction="none")
        go_on(county, case, "put_to_decision", sanction="none")
        go_on(county, case, "vote", "decide")
        assert dues(county, case).keys() == {"archiving", "decision_report"}
        go_on(county, case, "report_decision", "close")
        check(county)

    def test_execution_takes_six_months_at_most(self, county: County) -> None:
        case = reviewed(county)
        go_on(county, case, "put_to_decision", "vote", "decide")
        ask = {"amount": 6, "unit": "month", "reason": "住院"}
        assert refusal(county, case, "ask_extension", "township_discipline", ask) == "too_much"
        county.act(case, "ask_extension", "township_discipline", {**ask, "amount": 5})
        county.act(case, "grant_extension", "leader", {})
        assert dues(county, case)["execution"] == date(2016, 9, 1)

    def test_a_crime_goes_to_the_procuratorate_by_a_leaders_hand(self, county: County) -> None:
        case = reviewed(county)
        form = {"transferred_on": county.today.isoformat(), "organ": "县人民检察院", "offence": "涉嫌贪污"}
        assert refusal(county, case, "transfer_crime", "township_discipline", form) == "not_permitted"
        county.act(case, "transfer_crime", "leader", form)
        assert answers(county, case, "transfer_crime")["organ"] == "县人民检察院"


class TestGuangxi:
    """Important cases are deliberated on by the party committee first, and six measures follow a sanction."""

    @pytest.fixture
    def county(self, sqlite: Database, vault: Vault) -> County:
        made = build_county(sqlite, declared(vault, upon="guangxi"))
        with sqlite.write() as session:
            for who in ("standing1", "standing2"):
                since = date(2010, 1, 1)
                grant(session, made.people[who], "party_committee", made.units["county"], since, None, "测试")
        return made

    def test_an_important_case_waits_for_the_committee(self, county: County) -> None:
        case = reviewed(county, important=True)
        question = usual_in_case(county, "put_to_decision")
        assert refusal(county, case, "put_to_decision", *question) == "not_deliberated"
        (deliberation,) = county.act(case, "ask_deliberation", "township_discipline", {}).opened
        assert refusal(county, case, "ask_deliberation", "township_discipline", {}) == "already_asked"
        assert refusal(county, case, "put_to_decision", *question) == "deliberation_open"
        today, people = county.today.isoformat(), county.people
        county.act(deliberation, "convene", "manager", {"held_on": today, "place": "县委", "report": "通报案情"})
        order = {"in_charge": people["standing1"], "head": people["party_secretary"]}
        county.act(deliberation, "set_order", "manager", order)
        for who in ("standing1", "standing2", "party_secretary"):
            position = {"stance": "agree", "statement": "检视反思", "measures": "加强监管"}
            county.act(deliberation, "state_position", who, position)
        county.act(deliberation, "conclude", "manager", {"resolution": "同意"})
        go_on(county, case, "put_to_decision")
        check(county)

    def test_it_closes_when_all_six_measures_are_done_or_waived(self, county: County) -> None:
        case = reviewed(county)
        go_on(county, case, "put_to_decision", "vote", "decide", "report_decision", "announce", "execute")
        county.act(case, "end_visits", "leader", {"reason": "调离本县"})
        with county.database.read() as session:
            measures = [row["from_id"] for row in rows_of(session, Link, to_id=case, kind="six_ones")]
        kinds = {answers(county, measure, "open")["kind"] for measure in measures}
        assert len(measures) == 6 and len(kinds) == 6
        for measure in measures:
            assert refusal(county, case, "close", *usual_in_case(county, "close")) == "linked_open"
            county.act(measure, "waive", "manager", {"reason": "无需开展"})
        go_on(county, case, "close")
        check(county)


class TestWhoIsKeptAway:
    @pytest.fixture
    def county(self, sqlite_county: County) -> County:
        return sqlite_county

    def test_whoever_it_is_about_neither_sees_nor_votes(self, county: County) -> None:
        case = reviewed(county, subject_name="何书记")
        assert case not in seen_by(county, "township_committee")
        with pytest.raises(MatterNotFound):
            county.act(case, "note_progress", "township_committee", {"content": "打听"})
        with county.database.read() as session:
            away = select(Exclusion.person_id).where(Exclusion.matter_id == reviews_of(county, case)[0])
            assert county.people["township_committee"] in session.scalars(away).all()

    def test_he_is_on_no_team(self, county: County) -> None:
        case = open_case(county, subject_name="许纪委")
        with pytest.raises(InvalidAnswers):
            go_on(county, case, "set_team")

    def test_a_township_does_not_see_the_other_ones_case(self, county: County) -> None:
        case = open_case(county)
        for who in ("baishi_discipline", "baishi_head"):
            assert case not in seen_by(county, who)
        with pytest.raises(NotPermitted):
            county.open("township_discipline", "case", "baishi", subject_name="甲", nature="work",
                        filed_on=county.today.isoformat())  # fmt: skip
