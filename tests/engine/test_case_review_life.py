"""A case's review from the transfer to the answer: who keeps away, what a return makes of votes, what the case gets."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.db.errors import DubanError
from services.db.session import Database
from services.engine.errors import InvalidAnswers, MatterNotFound, NotPermitted
from services.engine.loading import load
from services.engine.models import Seat
from services.engine.permission import can_see
from services.identity.people import delegate, grant
from services.identity.sealing import Vault
from tests.support.cast import County
from tests.support.invariants import check, clocks, matter, open_items, rows_of
from tests.support.reviewing import (
    CO,
    CROSS,
    LEAD,
    THIRD,
    a_case,
    county_with_cases,
    sent_to_review,
    usual,
    walk_review,
)

READ = ("accept", "assign_reviewers", "read", "finish_reading")
CONVENED = (*READ, "record_talk", "convene")
DECIDED = (*CONVENED, "vote", "conclude")


@pytest.fixture
def county(database: Database, vault: Vault) -> County:
    return county_with_cases(database, vault)


@pytest.fixture
def sqlite_county(sqlite: Database, vault: Vault) -> County:
    return county_with_cases(sqlite, vault)


def review_of(county: County, *steps: str) -> int:
    review = sent_to_review(county, a_case(county))
    return walk_review(county, review, *steps) if steps else review


def waiting(county: County, matter_id: int, vote: str) -> set[str]:
    names = {number: name for name, number in county.people.items()}
    return {names[i["person_id"]] for i in open_items(county, matter_id) if i["kind"] == vote}


def answers(county: County, matter_id: int, action: str) -> dict[str, Any]:
    given: dict[str, Any] = matter(county, matter_id)["record"]["steps"][action]["answers"]
    return given


def refusal(county: County, matter_id: int, action: str, who: str, data: dict[str, Any]) -> str:
    with pytest.raises(DubanError) as refused:
        county.act(matter_id, action, who, data)
    return str(refused.value.extra.get("reason", refused.value.code))


def test_a_case_is_reviewed_from_transfer_to_answer(county: County) -> None:
    case = a_case(county)
    review = sent_to_review(county, case)
    assert matter(county, review)["unit_id"] == county.units["county"]
    assert clocks(county, case)["whole"]["state"] == "suspended"
    for action in CONVENED:
        county.later(days=1)
        walk_review(county, review, action)
        check(county)
    assert waiting(county, review, "give_position") == {LEAD, CO, CROSS}
    walk_review(county, review, "vote", "conclude", "score_quality", "issue_opinion")
    assert clocks(county, review)["review"]["outcome"] == "on_time"
    assert matter(county, case)["state"] == "review"
    walk_review(county, review, "feed_back")
    advice = answers(county, review, "issue_opinion")
    assert (advice["agrees"], advice["sanction"], advice["advisory"]) == (True, "warning", True)
    assert answers(county, review, "score_quality")["total"] == "90.0"
    assert (matter(county, review)["state"], matter(county, case)["state"]) == ("closed", "decision")
    assert clocks(county, case)["whole"]["state"] == "running"
    check(county)


def test_a_returned_case_goes_back_with_what_is_missing(county: County) -> None:
    case = a_case(county)
    review = sent_to_review(county, case)
    who, papers = usual(county, "accept")
    assert refusal(county, review, "accept", who, {"present": papers["present"][1:]}) == "papers_missing"
    county.act(review, "return_case", *usual(county, "return_case"))
    assert answers(county, review, "return_case")["missing"] == ["key_evidence"]
    assert (matter(county, review)["state"], matter(county, case)["state"]) == ("returned", "decision")
    check(county)


class TestTheMonth:
    """Case 11 of the worked cases: accepted on 2026-01-15 and on 2026-01-14."""

    @pytest.mark.parametrize(("day", "due"), [(15, "2026-02-24"), (14, "2026-02-14")])
    def test_runs_from_acceptance(self, sqlite_county: County, day: int, due: str) -> None:
        sqlite_county.now = datetime(2026, 1, 12, 2, tzinfo=UTC)
        review = review_of(sqlite_county)
        sqlite_county.now = datetime(2026, 1, day, 2, tzinfo=UTC)
        walk_review(sqlite_county, review, "accept")
        assert str(clocks(sqlite_county, review)["review"]["effective_due"]) == due

    def test_is_extended_once_by_the_leader(self, sqlite_county: County) -> None:
        review = review_of(sqlite_county, "accept", "assign_reviewers")
        more = {"amount": 1, "unit": "month", "reason": "案情复杂"}
        sqlite_county.act(review, "ask_extension", LEAD, more)
        with pytest.raises(NotPermitted):
            sqlite_county.act(review, "grant_extension", LEAD)
        sqlite_county.act(review, "grant_extension", "leader")
        assert str(clocks(sqlite_county, review)["review"]["effective_due"]) == "2016-05-03"  # nominal 05-01, a holiday
        assert refusal(sqlite_county, review, "ask_extension", LEAD, more) != ""


class TestInvestigatorsStayAway:
    def test_from_every_step_they_could_take(self, sqlite_county: County) -> None:
        review = review_of(sqlite_county)
        people = sqlite_county.people
        who, given = usual(sqlite_county, "accept")
        assert refusal(sqlite_county, review, "accept", "reviewer2", given) == "investigator_reviews"
        walk_review(sqlite_county, review, "accept")
        for pair in (
            {"lead_reviewer": "reviewer2", "co_reviewer": LEAD},
            {"lead_reviewer": LEAD, "co_reviewer": "reviewer2"},
        ):
            named = {field: people[name] for field, name in pair.items()}
            assert refusal(sqlite_county, review, "assign_reviewers", "leader", named) == "investigator_reviews"
        walk_review(sqlite_county, review, *CONVENED[1:4])
        who, talk = usual(sqlite_county, "record_talk")
        talk["talkers"] = [people[LEAD], people["reviewer2"]]
        assert refusal(sqlite_county, review, "record_talk", who, talk) == "investigator_reviews"
        walk_review(sqlite_county, review, "record_talk")
        who, given = usual(sqlite_county, "convene")
        cross = [{"person": people["township_discipline"], "unit": sqlite_county.units["baishi"]}]
        for more in ({"members": [people["reviewer2"]]}, {"cross_members": cross}):
            assert refusal(sqlite_county, review, "convene", who, {**given, **more}) == "investigator_reviews"
        walk_review(sqlite_county, review, "convene")
        joining = {"person": people["reviewer2"], "reason": "增补"}
        assert refusal(sqlite_county, review, "add_member", LEAD, joining) == "investigator_reviews"

    @pytest.mark.parametrize(("lender", "acts"), [(LEAD, "investigator"), ("reviewer2", CO)])
    def test_and_no_delegation_helps(self, sqlite_county: County, lender: str, acts: str) -> None:
        review = sent_to_review(sqlite_county, a_case(sqlite_county, team=("investigator", "reviewer2")))
        people, today = sqlite_county.people, sqlite_county.today
        with sqlite_county.database.write() as session:
            delegate(session, people[lender], people[acts], today, today, "出差", None)
        _, given = usual(sqlite_county, "accept")
        assert refusal(sqlite_county, review, "accept", acts, given) == "investigator_reviews"

    def test_one_who_progressed_the_case_investigated_it(self, sqlite_county: County) -> None:
        case = a_case(sqlite_county, team=("investigator", "investigator2"))
        with sqlite_county.database.write() as session:
            grant(session, sqlite_county.people["reviewer2"], "township_discipline", sqlite_county.units["liuhe"],
                  sqlite_county.today, None, "测试")  # fmt: skip
        sqlite_county.act(case, "note_progress", "reviewer2", {"content": "调取账册"})
        review = sent_to_review(sqlite_county, case)
        _, given = usual(sqlite_county, "accept")
        assert refusal(sqlite_county, review, "accept", "reviewer2", given) == "investigator_reviews"


class TestReturns:
    def test_votes_start_anew_and_readings_are_kept(self, county: County) -> None:
        review = review_of(county, *DECIDED)
        county.act(review, "send_back", LEAD, {"reason": "核对一笔支出", "to": "reading"})
        assert waiting(county, review, "record_reading") == set()
        walk_review(county, review, "finish_reading", "record_talk", "convene")
        assert waiting(county, review, "give_position") == {LEAD, CO, CROSS}
        assert refusal(county, review, "conclude", LEAD, {}) == "panel_incomplete"
        with county.database.read() as session:
            seats = rows_of(session, Seat, matter_id=review)
        assert [(s["panel"], s["round"], s["state"]) for s in seats] == [
            *[("reading", 1, "answered")] * 2, *[("opinion", 1, "answered")] * 3, *[("opinion", 2, "waiting")] * 3,
        ]  # fmt: skip
        walk_review(county, review, "vote", "conclude", "score_quality", "issue_opinion", "feed_back")
        check(county)

    def test_straight_back_to_the_panel_starts_it_anew_too(self, sqlite_county: County) -> None:
        review = review_of(sqlite_county, *DECIDED)
        sqlite_county.act(review, "send_back", "leader", {"reason": "理由不充分"})
        assert matter(sqlite_county, review)["state"] == "deliberation"
        assert waiting(sqlite_county, review, "give_position") == {LEAD, CO, CROSS}

    def test_a_withdrawn_conclusion_keeps_the_votes(self, sqlite_county: County) -> None:
        review = review_of(sqlite_county, *DECIDED)
        sqlite_county.act(review, "withdraw", LEAD, {"reason": "填错"})
        assert waiting(sqlite_county, review, "give_position") == set()
        sqlite_county.act(review, "conclude", LEAD)
        assert answers(sqlite_county, review, "conclude")["agree"] == 3

    def test_another_reviewer_reads_and_the_first_ones_reading_stays(self, sqlite_county: County) -> None:
        review = review_of(sqlite_county, *READ[:3])
        people = sqlite_county.people
        sqlite_county.act(
            review, "assign_reviewers", "leader", {"lead_reviewer": people[LEAD], "co_reviewer": people[THIRD]}
        )
        assert waiting(sqlite_county, review, "record_reading") == {THIRD}
        assert refusal(sqlite_county, review, "finish_reading", LEAD, {}) == "panel_incomplete"
        with pytest.raises(MatterNotFound):
            sqlite_county.act(review, "record_reading", CO, {"notes": "改", "opinion": "改"})


class TestTheOpinion:
    def test_needs_a_majority_of_all_members(self, county: County) -> None:
        review = review_of(county, *CONVENED)
        for who, stance in ((LEAD, "agree"), (CO, "modify"), (CROSS, "disagree")):
            sanction = {"sanction": "serious_warning"} if stance == "modify" else {}
            county.act(review, "give_position", who, {"stance": stance, "reason": "见审议", **sanction})
        assert refusal(county, review, "conclude", LEAD, {}) == "no_majority"
        county.act(review, "give_position", CROSS, {"stance": "modify", "sanction": "expulsion", "reason": "再议"})
        assert refusal(county, review, "conclude", LEAD, {}) == "no_majority"  # not one and the same sanction
        county.act(
            review, "give_position", CROSS, {"stance": "modify", "sanction": "serious_warning", "reason": "再议"}
        )
        walk_review(county, review, "conclude", "score_quality", "issue_opinion")
        advice = answers(county, review, "issue_opinion")
        assert (advice["agrees"], advice["sanction"], advice["advisory"]) == (False, "serious_warning", True)
        assert answers(county, review, "conclude")["members"] == 3

    def test_what_the_township_cannot_decide_is_more_than_advice(self, sqlite_county: County) -> None:
        review = review_of(sqlite_county, *CONVENED)
        for who in (LEAD, CO, CROSS):
            sqlite_county.act(
                review, "give_position", who, {"stance": "modify", "sanction": "expulsion", "reason": "情节严重"}
            )
        walk_review(sqlite_county, review, "conclude", "score_quality", "issue_opinion")
        assert answers(sqlite_county, review, "issue_opinion")["advisory"] is False

    def test_an_absent_member_is_not_waited_for_but_counts(self, sqlite_county: County) -> None:
        review = review_of(sqlite_county, *CONVENED)
        sqlite_county.act(review, "add_member", LEAD, {"person": sqlite_county.people[THIRD], "reason": "增补"})
        for who in (LEAD, CO):
            sqlite_county.act(review, "give_position", who, {"stance": "agree", "reason": "适当"})
        sqlite_county.act(review, "mark_absent", LEAD, {"person": sqlite_county.people[THIRD], "reason": "出差"})
        sqlite_county.act(
            review, "give_position", CROSS, {"stance": "modify", "sanction": "none", "reason": "情节轻微"}
        )
        assert refusal(sqlite_county, review, "conclude", LEAD, {}) == "no_majority"  # two of four

    def test_tongcheng_scores_first_and_reviews_across_units(self, sqlite_county: County) -> None:
        review = review_of(sqlite_county, *READ, "record_talk")
        today = sqlite_county.today.isoformat()
        assert refusal(sqlite_county, review, "convene", LEAD, {"held_on": today}) == "cross_members_missing"
        walk_review(sqlite_county, review, "convene", "vote", "conclude")
        assert refusal(sqlite_county, review, "issue_opinion", "leader", {"opinion": "同意"}) == "not_scored"


def test_elsewhere_neither_is_asked_for(sqlite: Database, vault: Vault) -> None:
    county = county_with_cases(sqlite, vault, upon="national")
    review = review_of(county, *READ, "record_talk")
    county.act(review, "convene", LEAD, {"held_on": county.today.isoformat(), "members": [county.people[THIRD]]})
    for who in (LEAD, CO, THIRD):
        county.act(review, "give_position", who, {"stance": "agree", "reason": "适当"})
    walk_review(county, review, "conclude", "issue_opinion", "feed_back")
    assert matter(county, review)["state"] == "closed"


class TestWhoSeesIt:
    def test_neither_the_township_nor_the_investigators(self, sqlite_county: County) -> None:
        review = review_of(sqlite_county, *CONVENED)
        for who in ("township_discipline", "investigator", "township_committee"):
            with pytest.raises(MatterNotFound):
                sqlite_county.act(review, "feed_back", who, {})

    def test_a_cross_member_sees_it_through_the_seat(self, sqlite_county: County) -> None:
        review = review_of(sqlite_county, *READ, "record_talk")
        assert not sees(sqlite_county, review, CROSS)
        walk_review(sqlite_county, review, "convene")
        assert sees(sqlite_county, review, CROSS)


def sees(county: County, matter_id: int, who: str) -> bool:
    with county.database.read() as session:
        return can_see(load(county.engine, session, matter_id), county.actor(who, session))


def test_a_talk_without_record_or_defence_is_refused(sqlite_county: County) -> None:
    review = review_of(sqlite_county, *READ)
    who, talk = usual(sqlite_county, "record_talk")
    for wrong in ({"record": []}, {"defence_statement": ""}, {"defence_declined": True}, {"signed": False}):
        with pytest.raises(InvalidAnswers):
            sqlite_county.act(review, "record_talk", who, {**talk, **wrong})
    alone = {**talk, "talkers": [sqlite_county.people[LEAD]] * 2}
    assert refusal(sqlite_county, review, "record_talk", who, alone) == "talkers"


def test_nobody_opens_one_by_hand(sqlite_county: County) -> None:
    with pytest.raises(NotPermitted):
        sqlite_county.open(LEAD, "case_review", case=a_case(sqlite_county))
