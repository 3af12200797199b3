"""Periods on real matters: the worked cases of rules.md §1, suspension, reclassification, and that late stays late."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from config.calendar import start_of_day
from services.db.session import Database
from services.engine.core import Engine
from services.engine.errors import ActionRefused, ExtensionRefused
from services.identity.sealing import Vault
from tests.support.cast import County, build_county
from tests.support.invariants import check, clocks, matter, open_items


def morning(day: str) -> datetime:
    return start_of_day(date.fromisoformat(day)).astimezone(UTC) + timedelta(hours=10)


def handed_over(county: County, day: str, petition_class: str = "general") -> int:
    """A petition received, accepted, proposed and approved on one day: its handling runs from there."""
    county.now = morning(day)
    matter_id = county.walk("accept")
    county.act(matter_id, "propose", "clerk", {**county.usual("propose")[1], "petition_class": petition_class})
    county.act(matter_id, "approve", *county.usual("approve"))
    return matter_id


def dates(county: County, matter_id: int, clock: str = "handling") -> tuple[str, str]:
    row = clocks(county, matter_id)[clock]
    return str(row["nominal_due"]), str(row["effective_due"])


@pytest.mark.parametrize(
    ("approved", "petition_class", "nominal", "effective"),
    [
        ("2016-01-07", "general", "2016-02-07", "2016-02-14"),  # case 1
        ("2016-01-29", "general", "2016-02-29", "2016-02-29"),  # case 2
        ("2016-01-30", "general", "2016-02-29", "2016-02-29"),
        ("2016-01-31", "general", "2016-02-29", "2016-02-29"),
        ("2025-01-31", "general", "2025-02-28", "2025-02-28"),  # case 3
        ("2026-01-31", "general", "2026-02-28", "2026-02-28"),
        ("2016-07-01", "major", "2016-10-01", "2016-10-08"),  # case 4
    ],
)
def test_handling_ends_as_the_worked_cases_say(
    sqlite_county: County, approved: str, petition_class: str, nominal: str, effective: str
) -> None:
    matter_id = handed_over(sqlite_county, approved, petition_class)
    assert dates(sqlite_county, matter_id) == (nominal, effective)
    check(sqlite_county)


def test_a_named_report_is_answered_within_fifteen_working_days(sqlite_county: County) -> None:
    sqlite_county.now = morning("2025-01-20")
    assert dates(sqlite_county, sqlite_county.walk("accept"), "acceptance_notice")[1] == "2025-02-14"  # case 6


def test_the_result_is_told_within_fifteen_working_days_of_completion(sqlite_county: County) -> None:
    county = sqlite_county
    matter_id = handed_over(county, "2025-09-24")
    county.act(matter_id, "complete", *county.usual("complete"))
    county.later(days=20)
    county.act(matter_id, "pass_recheck", *county.usual("pass_recheck"))
    assert dates(county, matter_id, "result_feedback")[1] == "2025-10-21"  # case 7: from completion, not from today


def test_screening_ends_after_fifteen_days(sqlite_county: County) -> None:
    sqlite_county.now = morning("2026-02-03")
    opened = sqlite_county.open()
    assert dates(sqlite_county, opened.matter_id, "screening") == ("2026-02-18", "2026-02-24")  # case 8


def test_a_disposition_is_proposed_within_a_month(sqlite_county: County) -> None:
    sqlite_county.now = morning("2025-12-31")
    matter_id = sqlite_county.walk("accept")
    assert dates(sqlite_county, matter_id, "disposition")[1] == "2026-02-02"  # case 10


class TestNational:
    """Case 9: sixty days, one extension of thirty at most, by the county's leader."""

    @pytest.fixture
    def county(self, sqlite: Database, vault: Vault) -> County:
        return build_county(sqlite, Engine.of("national", vault))

    def test_sixty_days_and_thirty_more(self, county: County) -> None:
        matter_id = handed_over(county, "2025-12-20")
        assert dates(county, matter_id) == ("2026-02-18", "2026-02-24")
        county.act(matter_id, "ask_extension", "handler", {"amount": 30, "unit": "day", "reason": "账目繁杂"})
        county.act(matter_id, "grant_extension", "leader")
        assert dates(county, matter_id)[1] == "2026-03-20"
        check(county)

    def test_thirty_one_are_too_many(self, county: County) -> None:
        matter_id = handed_over(county, "2025-12-20")
        with pytest.raises(ExtensionRefused) as refused:
            county.act(matter_id, "ask_extension", "handler", {"amount": 31, "unit": "day", "reason": "账目繁杂"})
        assert refused.value.extra["reason"] == "too_much"


class TestSuspension:
    def test_a_clock_that_stands_still_has_no_date_and_continues_where_it_stopped(self, county: County) -> None:
        matter_id = handed_over(county, "2016-03-01")
        county.later(days=10)
        county.act(matter_id, "suspend", *county.usual("suspend"))
        row = clocks(county, matter_id)["handling"]
        assert (row["state"], row["due_at"], row["next_rung_at"], row["effective_due"]) == (
            "suspended", None, None, None,
        )  # fmt: skip
        check(county)
        county.later(days=7)
        county.act(matter_id, "resume", *county.usual("resume"))
        assert dates(county, matter_id) == ("2016-04-08", "2016-04-08")
        check(county)

    def test_its_work_item_and_matter_follow_the_date(self, county: County) -> None:
        matter_id = handed_over(county, "2016-03-01")
        county.act(matter_id, "waive_acceptance_notice", *county.usual("waive_acceptance_notice"))
        county.act(matter_id, "suspend", *county.usual("suspend"))
        assert {matter(county, matter_id)["due_at"], *(i["due_at"] for i in open_items(county, matter_id))} == {None}

    @pytest.mark.parametrize("petition_class", ["general", "major"])
    def test_extension_and_suspension_commute(self, sqlite_county: County, petition_class: str) -> None:
        county, ends = sqlite_county, set()
        for steps in (["ask", "grant", "suspend", "resume"], ["suspend", "resume", "ask", "grant"]):
            matter_id = handed_over(county, "2016-03-01", petition_class)
            county.later(days=3)
            for step in steps:
                name = f"{step}_extension" if step in ("ask", "grant") else step
                county.act(matter_id, name, *county.usual(name))
                county.later(days=9 if step == "suspend" else 0)
            ends.add(dates(county, matter_id))
        assert len(ends) == 1
        check(county)


class TestLateStaysLate:
    @pytest.fixture
    def late(self, sqlite_county: County) -> tuple[County, int]:
        matter_id = handed_over(sqlite_county, "2016-03-01")
        sqlite_county.later(days=40)
        return sqlite_county, matter_id

    def complete(self, county: County, matter_id: int) -> Any:
        county.act(matter_id, "complete", *county.usual("complete"))
        county.act(matter_id, "pass_recheck", *county.usual("pass_recheck"))
        check(county)
        return clocks(county, matter_id)["handling"]["outcome"]

    def test_done_after_its_end_is_late(self, late: tuple[County, int]) -> None:
        assert self.complete(*late) == "late"

    def test_done_on_the_last_day_is_on_time(self, sqlite_county: County) -> None:
        matter_id = handed_over(sqlite_county, "2016-03-01")
        sqlite_county.now = morning("2016-04-01") + timedelta(hours=13, minutes=59)
        assert self.complete(sqlite_county, matter_id) == "on_time"

    def test_a_longer_class_hides_nothing(self, late: tuple[County, int]) -> None:
        county, matter_id = late
        county.act(matter_id, "reclassify", *county.usual("reclassify"))
        row = clocks(county, matter_id)["handling"]
        assert (dates(county, matter_id)[1], row["ledger"]["history"][0]["effective_due"]) == (
            "2016-05-03", "2016-04-01",
        )  # fmt: skip
        assert self.complete(county, matter_id) == "late"

    def test_nor_does_a_suspension(self, late: tuple[County, int]) -> None:
        county, matter_id = late
        county.act(matter_id, "suspend", *county.usual("suspend"))
        county.later(days=30)
        county.act(matter_id, "resume", *county.usual("resume"))
        assert dates(county, matter_id)[1] == "2016-04-01"
        assert self.complete(county, matter_id) == "late"

    def test_nor_a_return_and_a_new_disposition(self, late: tuple[County, int]) -> None:
        county, matter_id = late
        county.act(matter_id, "send_back", "handler", {"reason": "重定", "to": "triage"})
        county.act(matter_id, "propose", "clerk", {**county.usual("propose")[1], "petition_class": "major"})
        county.act(matter_id, "approve", *county.usual("approve"))
        assert dates(county, matter_id)[1] == "2016-06-01"
        assert self.complete(county, matter_id) == "late"

    def test_no_extension_is_granted_any_more(self, late: tuple[County, int]) -> None:
        county, matter_id = late
        with pytest.raises(ExtensionRefused) as refused:
            county.act(matter_id, "ask_extension", *county.usual("ask_extension"))
        assert refused.value.extra["reason"] == "expired"


def test_a_return_gives_no_new_period(sqlite_county: County) -> None:
    county = sqlite_county
    matter_id = handed_over(county, "2016-03-01")
    county.later(days=10)
    county.act(matter_id, "send_back", "handler", {"reason": "补正"})
    county.act(matter_id, "approve", *county.usual("approve"))
    assert dates(county, matter_id) == ("2016-04-01", "2016-04-01")


@pytest.mark.parametrize(("disposition", "state"), [("closed", "feedback"), ("held_pending", "held")])
def test_a_matter_that_is_no_longer_handled_is_not_chased_for_it(
    sqlite_county: County, disposition: str, state: str
) -> None:
    county = sqlite_county
    matter_id = handed_over(county, "2016-03-01")
    county.act(matter_id, "send_back", "handler", {"reason": "重定", "to": "triage"})
    county.act(matter_id, "propose", *county.usual("propose", disposition))
    assert county.act(matter_id, "approve", *county.usual("approve")).state == state
    assert clocks(county, matter_id)["handling"]["state"] == "stopped"
    check(county)


def test_nor_is_one_refused_after_all(sqlite_county: County) -> None:
    county = sqlite_county
    matter_id = handed_over(county, "2016-03-01")
    county.act(matter_id, "send_back", "handler", {"reason": "管辖有误", "to": "registered"})
    county.act(matter_id, "refuse", "clerk", {"ground": "other_level", "reason": "属市管", "receiving_organ": "市纪委"})
    assert set(clocks(county, matter_id, active=True)) == {"transfer", "refusal_notice", "acceptance_notice"}


class TestRepeats:
    """Case 13: a petition first registered on 2015-11-30 comes again."""

    @pytest.fixture
    def first(self, sqlite_county: County) -> int:
        sqlite_county.now = morning("2015-11-30")
        return sqlite_county.walk("accept")

    @pytest.mark.parametrize(
        ("day", "new_evidence", "accepted"),
        [("2016-02-29", False, False), ("2016-03-01", False, True), ("2016-01-10", True, True)],
    )
    def test_the_window_ends_on_29_february(
        self, sqlite_county: County, first: int, day: str, new_evidence: bool, accepted: bool
    ) -> None:
        county = sqlite_county
        county.now = morning(day)
        again = county.open(repeat_of=first, new_evidence=new_evidence).matter_id
        if accepted:
            assert county.act(again, "accept", "clerk").state == "triage"
            return
        with pytest.raises(ActionRefused) as refused:
            county.act(again, "accept", "clerk")
        assert refused.value.extra["reason"] == "repeated"
        refusal = {"ground": "repeated", "reason": "三个月内重复", "receiving_organ": "本机关"}
        assert county.act(again, "refuse", "clerk", refusal).state == "refused"
        check(county)
