"""A clue from the petition it came from to its archive, with the cast, on both databases."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from services.engine.errors import ActionRefused, DutiesOpen, InvalidAnswers, MatterNotFound, NotPermitted
from services.engine.models import Exclusion, Link, Matter
from services.engine.visibility import visible
from tests.support.casework import go, open_clue, usual
from tests.support.cast import County
from tests.support.invariants import check, clocks, entries, matter, open_items, rows_of, turn

VERIFIED = ["report", "record_meeting", "propose", "approve", "set_team", "write_report", "sign", "submit_report"]


def dues(county: County, matter_id: int) -> dict[str, date]:
    return {name: row["effective_due"] for name, row in clocks(county, matter_id, active=True).items()}


def seen_by(county: County, who: str) -> set[int]:
    with county.database.read() as session:
        return set(
            session.scalars(select(Matter.id).where(visible(county.actor(who, session), county.engine.registry)))
        )


def clues_of(county: County, petition: int) -> list[int]:
    with county.database.read() as session:
        return [row["from_id"] for row in rows_of(session, Link, to_id=petition, kind="clue_from")]


class TestFromAPetition:
    def test_one_approved_for_filing_becomes_a_clue_for_each_person_reported(self, county: County) -> None:
        reported = [{"name": "高某", "post": "村支书", "unit": county.units["upper"]}, {"name": "许纪委"}]
        petition = county.walk("accept", "propose", "approve", disposition="case_filing", reported=reported)
        clues = clues_of(county, petition)
        assert len(clues) == 2
        for clue, name in zip(clues, ("高某", "许纪委"), strict=True):
            row = matter(county, clue)
            opened = row["record"]["steps"]["open"]["answers"]
            assert (row["unit_id"], row["state"], opened["subject_name"]) == (county.units["liuhe"], "registered", name)
            assert opened["petition"] == petition
            assert "林举报" not in str(row) + str(entries(county, clue))
            with county.database.read() as session:  # whoever the petition names is kept away from both
                away = {e["person_id"] for e in rows_of(session, Exclusion, matter_id=clue)}
            assert county.people["township_discipline2"] in away
        assert matter(county, petition)["state"] == "handling"
        check(county)

    def test_sent_back_and_approved_again_it_is_handed_on_once(self, county: County) -> None:
        petition = county.walk("accept", "propose", "approve", disposition="case_filing")
        county.act(petition, "send_back", "handler", {"reason": "补充"})
        county.act(petition, "approve", "leader", {})
        assert len(clues_of(county, petition)) == 1

    def test_completed_as_a_clue_it_waits_for_the_recheck(self, county: County) -> None:
        petition = county.walk("accept", "propose", "approve")
        who, answers = county.usual("complete")
        county.act(petition, "complete", who, {**answers, "as_clue": True})
        assert clues_of(county, petition) == []
        county.act(petition, "fail_recheck", *county.usual("fail_recheck"))
        county.act(petition, "complete", who, {**answers, "as_clue": True})
        county.act(petition, "pass_recheck", *county.usual("pass_recheck"))
        assert len(clues_of(county, petition)) == 1

    def test_completed_as_anything_else_it_is_not_handed_on(self, county: County) -> None:
        petition = county.walk("accept", "propose", "approve", "complete", "pass_recheck")
        assert clues_of(county, petition) == []


class TestDualReport:
    def test_both_acknowledge_and_neither_is_forgotten(self, county: County) -> None:
        clue = open_clue(county)
        # five working days from Tuesday 2016-03-01: 2, 3, 4, 7, 8 March
        assert dues(county, clue) == {"disposition": date(2016, 4, 1), "county_report": date(2016, 3, 8)}
        assert clue not in seen_by(county, "township_committee")
        with pytest.raises(MatterNotFound):
            county.act(clue, "note_progress", "township_committee", {"content": "看看"})
        go(county, clue, "report")
        assert dues(county, clue)["committee_report"] == date(2016, 3, 8)
        assert clue in seen_by(county, "township_committee")
        with pytest.raises(NotPermitted):  # the seat is for the acknowledgement and no more
            county.act(clue, "note_progress", "township_committee", {"content": "看看"})
        go(county, clue, "acknowledge_committee", "acknowledge_county")
        assert dues(county, clue) == {"disposition": date(2016, 4, 1)}
        check(county)

    @pytest.mark.parametrize("missing", ["acknowledge_committee", "acknowledge_county"])
    def test_a_clue_does_not_close_before_both_have(self, county: County, missing: str) -> None:
        clue = open_clue(county)
        given = {"acknowledge_committee", "acknowledge_county"} - {missing}
        go(county, clue, "report", *given, "record_meeting")
        county.act(clue, "propose", "township_discipline", {"disposition": "closed", "opinion": "拟了结"})
        go(county, clue, "approve")
        with pytest.raises(DutiesOpen):
            go(county, clue, "archive")
        go(county, clue, missing, "archive")
        assert matter(county, clue)["state"] == "closed"

    @pytest.mark.parametrize("said", ["opened", "reported"])
    def test_what_concerns_its_head_never_reaches_the_committee(self, county: County, said: str) -> None:
        clue = open_clue(county, subject_name="施书记", concerns_committee_head=said == "opened")
        who, answers = usual(county, "report")
        county.act(clue, "report", who, {**answers, "concerns_committee_head": said == "reported"})
        assert matter(county, clue)["unit_id"] == county.units["county"]
        assert "committee_report" not in clocks(county, clue)
        assert clue not in seen_by(county, "township_committee") | seen_by(county, "baishi_head")
        assert clue in seen_by(county, "manager")
        assert turn(county, clue)["unit_id"] == county.units["county"]
        with pytest.raises(MatterNotFound):
            county.act(clue, "acknowledge_committee", "township_committee", {})
        go(county, clue, "acknowledge_county")
        check(county)

    def test_found_later_to_concern_the_head_it_is_taken_from_the_committee(self, county: County) -> None:
        clue = open_clue(county)
        go(county, clue, "report")
        county.act(clue, "report_upward_only", "manager", {"reason": "核查发现涉及何书记"})
        county.act(clue, "recuse", "manager", {"person": county.people["township_committee"], "reason": "涉及本人"})
        assert clocks(county, clue)["committee_report"]["outcome"] == "waived"
        assert clue not in seen_by(county, "township_committee")
        assert not [i for i in open_items(county, clue) if i["kind"] == "acknowledge_committee"]
        with pytest.raises(MatterNotFound):
            county.act(clue, "acknowledge_committee", "township_committee", {})

    def test_the_county_has_no_committee_below_to_tell(self, county: County) -> None:
        clue = open_clue(county, "manager", "county")
        county.act(clue, "report", "manager", usual(county, "report")[1])
        assert dues(county, clue).keys() == {"disposition", "county_report"}


class TestHandling:
    def test_from_registration_to_the_committees_consent(self, county: County) -> None:
        clue = open_clue(county)
        go(
            county,
            clue,
            "report",
            "acknowledge_committee",
            "acknowledge_county",
            "record_meeting",
            "propose",
            "approve",
        )
        assert dues(county, clue) == {"verification": date(2016, 6, 1)}
        go(county, clue, "set_team", "write_report", "sign", "submit_report", "conclude")
        assert dues(county, clue) == {"filing": date(2016, 4, 1)}
        go(county, clue, "propose_filing")
        with pytest.raises(ActionRefused):
            go(county, clue, "file_case")
        go(county, clue, "consent_filing")
        assert turn(county, clue)["role"] == "county_leader"  # 通城: “两个为主”
        check(county)

    def test_one_month_from_the_day_it_was_received(self, county: County) -> None:
        county.now = datetime(2025, 12, 31, 2, tzinfo=UTC)
        clue = open_clue(county)
        row = clocks(county, clue)["disposition"]
        assert (row["nominal_due"], row["effective_due"]) == (date(2026, 1, 31), date(2026, 2, 2))

    def test_a_letter_is_answered_within_fifteen_working_days_and_then_disposed_of_again(self, county: County) -> None:
        clue = open_clue(county)
        go(county, clue, "report", "record_meeting")
        county.act(clue, "propose", "township_discipline", {"disposition": "letter_inquiry", "opinion": "拟函询"})
        go(county, clue, "approve")
        assert dues(county, clue)["inquiry_reply"] == date(2016, 3, 22)
        county.act(clue, "record_reply", "township_discipline", {
            "mode": "letter", "replied_on": county.today.isoformat(), "content": "有出入"})  # fmt: skip
        assert dues(county, clue)["further_disposition"] == date(2016, 4, 1)
        go(county, clue, "propose", "approve")
        assert {"further_disposition", "inquiry_reply"} & dues(county, clue).keys() == set()
        check(county)

    def test_a_return_leaves_no_clock_of_the_way_not_taken(self, county: County) -> None:
        clue = open_clue(county)
        go(county, clue, "report", "record_meeting", "propose", "approve")
        county.act(clue, "send_back", "leader", {"reason": "改为了结", "to": "proposal"})
        county.act(clue, "propose", "township_discipline", {"disposition": "closed", "opinion": "拟了结"})
        go(county, clue, "approve")
        assert {"verification", "archiving"} & dues(county, clue).keys() == {"archiving"}

    def test_whoever_is_named_has_no_part_in_it(self, county: County) -> None:
        clue = open_clue(county, subject_name="许纪委")
        go(county, clue, "report", "record_meeting", "propose", "approve")
        with pytest.raises(InvalidAnswers) as refused:
            go(county, clue, "set_team")
        assert {e["code"] for e in refused.value.extra["errors"]} == {"excluded_person"}
        with pytest.raises(MatterNotFound):
            county.act(clue, "note_progress", "township_discipline2", {"content": "打听"})
        assert clue not in seen_by(county, "township_discipline2")

    def test_named_only_when_the_case_is_asked_for_he_is_kept_away_from_then_on(self, county: County) -> None:
        clue = open_clue(county, subject_name=None)
        go(county, clue, *VERIFIED, "conclude")
        who, answers = usual(county, "propose_filing")
        county.act(clue, "propose_filing", who, {**answers, "subject_name": "何书记"})
        assert clue not in seen_by(county, "township_committee")
        assert not [i for i in open_items(county, clue) if i["person_id"] == county.people["township_committee"]]
        check(county)


class TestOtherHandling:
    @pytest.fixture
    def county(self, sqlite_county: County) -> County:
        return sqlite_county

    def asked(self, county: County, way: str, unit: str | None) -> int:
        clue = open_clue(county, subject_unit=county.units["upper"])
        go(county, clue, "report", "record_meeting", "propose", "approve", "set_team")
        county.act(clue, "ask_other_handling", "township_discipline", {
            "way": way, "other_unit": county.units[unit] if unit else None, "reason": "避免人情干扰"})  # fmt: skip
        assert dues(county, clue)["handling_decision"] == date(2016, 3, 8)
        return clue

    @pytest.mark.parametrize(("way", "unit", "holds"), [("cross", "baishi", "baishi"), ("escalated", None, "county")])
    def test_others_take_over_with_a_team_of_their_own(
        self, county: County, way: str, unit: str | None, holds: str
    ) -> None:
        clue = self.asked(county, way, unit)
        before = clocks(county, clue)["verification"]["effective_due"]
        county.act(clue, "approve_other_handling", "leader", {})
        assert matter(county, clue)["unit_id"] == county.units[holds]
        assert turn(county, clue)["unit_id"] == county.units[holds]
        assert clocks(county, clue)["verification"]["effective_due"] == before
        with pytest.raises((NotPermitted, ActionRefused)):
            go(county, clue, "write_report")
        team = ("baishi_discipline", "investigator") if holds == "baishi" else ("investigator", "investigator2")
        county.act(clue, "set_team", "manager", {"members": [county.people[w] for w in team]})
        county.act(clue, "write_report", team[0], usual(county, "write_report")[1])
        for member in team:
            county.act(clue, "sign", member, {})
        county.act(clue, "submit_report", team[0], {})
        assert matter(county, clue)["state"] == "conclusion"
        check(county)

    def test_jointly_the_others_sit_on_the_team_and_sign_with_it(self, county: County) -> None:
        clue = self.asked(county, "joint", "baishi")
        county.act(clue, "approve_other_handling", "leader", {})
        assert clue not in seen_by(county, "baishi_discipline")
        county.act(clue, "add_member", "manager", {"person": county.people["baishi_discipline"], "reason": "协作"})
        assert clue in seen_by(county, "baishi_discipline")
        go(county, clue, "write_report", "sign")
        with pytest.raises(ActionRefused):
            go(county, clue, "submit_report")
        county.act(clue, "sign", "baishi_discipline", {})
        go(county, clue, "submit_report")
        assert matter(county, clue)["unit_id"] == county.units["liuhe"]
        check(county)

    def test_refused_it_stays_where_it_is(self, county: County) -> None:
        clue = self.asked(county, "cross", "baishi")
        county.act(clue, "refuse_other_handling", "leader", {"reason": "由原单位办理"})
        assert matter(county, clue)["unit_id"] == county.units["liuhe"]
        assert "handling_decision" not in dues(county, clue)
        go(county, clue, "write_report", "sign", "submit_report")

    def test_the_subjects_own_unit_never_gets_it(self, county: County) -> None:
        clue = open_clue(county, "manager", "county", subject_unit=county.units["baishi"])
        county.act(clue, "report", "manager", usual(county, "report")[1])
        for step in ("record_meeting", "propose"):
            county.act(clue, step, "manager", usual(county, step)[1])
        go(county, clue, "approve")
        with pytest.raises(ActionRefused) as refused:
            county.act(clue, "ask_other_handling", "manager", {
                "way": "cross", "other_unit": county.units["baishi"], "reason": "力量不足"})  # fmt: skip
        assert refused.value.extra["reason"] == "unit_of_the_subject"


def test_a_seat_is_enough_to_write_the_report_and_for_nothing_else(sqlite_county: County) -> None:
    county = sqlite_county
    clue = open_clue(county, subject_unit=county.units["upper"])
    go(county, clue, "report", "record_meeting", "propose", "approve")
    county.act(clue, "set_team", "manager", {"members": [county.people[w] for w in ("nobody", "elsewhere")]})
    report = usual(county, "write_report")[1]
    with pytest.raises(NotPermitted):
        county.act(clue, "set_team", "nobody", {"members": [county.people[w] for w in ("nobody", "checker")]})
    with pytest.raises(ActionRefused, match="itself"):
        county.act(clue, "write_report", "township_discipline", report)
    county.act(clue, "write_report", "nobody", report)
    for member in ("nobody", "elsewhere"):
        county.act(clue, "sign", member, {})
    go(county, clue, "submit_report")
    with pytest.raises((NotPermitted, ActionRefused)):
        county.act(clue, "conclude", "nobody", usual(county, "conclude")[1])
