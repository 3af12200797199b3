"""More time: asked for before the end, decided by somebody else at the level the pack names, capped, from the nominal
date (case 5)."""

from datetime import UTC, date, timedelta

import pytest

from config.calendar import local_date, start_of_day
from services.engine.errors import ActionRefused, ExtensionRefused, NotPermitted
from services.engine.loading import EXTENSION
from services.identity.people import delegate, grant
from tests.support.cast import County
from tests.support.invariants import check, clocks, entries, open_items


@pytest.fixture
def handled(county: County) -> int:
    """Case 1: with the township since 2016-01-07, due on 2016-02-14 (nominal 02-07); now it is 2016-02-05."""
    county.now = start_of_day(date(2016, 1, 7)).astimezone(UTC) + timedelta(hours=10)
    matter_id = county.walk("accept", "propose", "approve")
    county.later(days=29)
    return matter_id


def requests(county: County, matter_id: int) -> list[str]:
    return [i["role"] for i in open_items(county, matter_id) if i["kind"] == EXTENSION]


def ask(county: County, matter_id: int, amount: int = 1, unit: str = "month") -> None:
    county.act(matter_id, "ask_extension", "handler", {"amount": amount, "unit": unit, "reason": "账目繁杂"})


def test_it_runs_from_the_nominal_date(county: County, handled: int) -> None:
    ask(county, handled)
    assert requests(county, handled) == ["county_leader"]
    county.act(handled, "grant_extension", "office")
    row = clocks(county, handled)["handling"]
    assert (row["effective_due"], row["ledger"]["extensions"][0]["approved_by"]) == (
        date(2016, 3, 7), county.people["office"],
    )  # fmt: skip
    assert requests(county, handled) == []
    assert entries(county, handled)[-1]["content"]["clocks"][0]["due"] == "2016-03-07"
    check(county)


def test_after_the_end_it_is_not_asked_for(county: County, handled: int) -> None:
    county.now = start_of_day(date(2016, 2, 15)).astimezone(UTC) + timedelta(hours=9)
    with pytest.raises(ExtensionRefused) as refused:
        ask(county, handled)
    assert refused.value.extra["reason"] == "expired"


def test_on_the_last_day_it_is(county: County, handled: int) -> None:
    county.now = start_of_day(date(2016, 2, 15)).astimezone(UTC) - timedelta(seconds=1)
    ask(county, handled)
    county.act(handled, "grant_extension", "office")
    assert clocks(county, handled)["handling"]["effective_due"] == date(2016, 3, 7)


def test_a_request_still_waiting_at_the_end_is_not_granted(county: County, handled: int) -> None:
    ask(county, handled)
    county.now = start_of_day(date(2016, 2, 15)).astimezone(UTC) + timedelta(hours=9)
    with pytest.raises(ExtensionRefused) as refused:
        county.act(handled, "grant_extension", "office")
    assert refused.value.extra["reason"] == "expired"


@pytest.mark.parametrize("who", ["township_leader", "handler2", "clerk"])
def test_only_the_county_grants_it(sqlite_county: County, who: str) -> None:
    county = sqlite_county
    matter_id = county.walk("accept", "propose", "approve", "ask_extension")
    with pytest.raises(NotPermitted):
        county.act(matter_id, "grant_extension", who)


def test_not_more_than_the_period_itself_and_not_twice(county: County, handled: int) -> None:
    for amount, unit in ((2, "month"), (30, "day"), (999, "month"), (22, "workday")):
        with pytest.raises(ExtensionRefused) as refused:
            ask(county, handled, amount, unit)
        assert refused.value.extra["reason"] == "too_much"
    ask(county, handled, 29, "day")
    county.act(handled, "grant_extension", "office")
    with pytest.raises(ExtensionRefused) as refused:
        ask(county, handled)
    assert refused.value.extra["reason"] == "used_up"


def test_an_amount_beyond_the_calendar_is_refused_too(sqlite_county: County) -> None:
    county = sqlite_county
    county.now = start_of_day(date(2026, 1, 7)).astimezone(UTC) + timedelta(hours=10)
    matter_id = county.walk("accept", "propose", "approve")
    with pytest.raises(ExtensionRefused) as refused:
        ask(county, matter_id, 999)
    assert refused.value.extra["reason"] == "too_much"


def test_a_refused_request_may_be_made_again(county: County, handled: int) -> None:
    ask(county, handled)
    county.act(handled, "refuse_extension", *county.usual("refuse_extension"))
    assert requests(county, handled) == []
    ask(county, handled)
    assert requests(county, handled) == ["county_leader"]
    check(county)


def test_a_suspended_clock_is_not_extended(county: County, handled: int) -> None:
    county.act(handled, "suspend", *county.usual("suspend"))
    with pytest.raises(ExtensionRefused) as refused:
        ask(county, handled)
    assert refused.value.extra["reason"] == "not_running"


@pytest.mark.parametrize(
    ("lender", "borrower", "asker", "decider"),
    [
        ("handler", "office", "office", "office"),
        ("handler", "nobody", "nobody", "handler"),  # asked for with his right, decided by himself
        ("handler", "nobody", "handler", "nobody"),  # decided with his right
    ],
)
def test_nobody_decides_on_his_own_request_by_way_of_another(
    county: County, lender: str, borrower: str, asker: str, decider: str
) -> None:
    day = local_date(county.now)
    with county.database.write() as session:
        delegate(session, county.people[lender], county.people[borrower], day, day + timedelta(days=9), "外出", None)
        grant(session, county.people["handler"], "county_office", county.units["county"], day, None, "兼任")
    matter_id = county.walk("accept", "propose", "approve")
    county.act(matter_id, "ask_extension", asker, county.usual("ask_extension")[1])
    with pytest.raises(ActionRefused) as refused:
        county.act(matter_id, "grant_extension", decider)
    assert refused.value.extra["reason"] == "same_person"
    assert county.act(matter_id, "grant_extension", "leader").state == "handling"


class TestTheRequest:
    """It waits as long as something can come of it, and no longer."""

    def test_it_falls_away_with_its_clock(self, county: County, handled: int) -> None:
        county.act(handled, "reassign", "office", {"handler_unit": county.units["county"], "reason": "提级"})
        with county.database.write() as session:
            person, unit = county.people["handler"], county.units["county"]
            grant(session, person, "handler", unit, local_date(county.now), None, "抽调")
        ask(county, handled)
        assert county.act(handled, "complete", *county.usual("complete")).state == "feedback"
        assert requests(county, handled) == []
        check(county)

    def test_it_comes_back_when_the_completion_is_withdrawn(self, county: County, handled: int) -> None:
        ask(county, handled)
        county.act(handled, "complete", *county.usual("complete"))
        county.act(handled, "withdraw", "handler", {"reason": "尚未办结"})
        assert requests(county, handled) == ["county_leader"]
        county.act(handled, "grant_extension", "office")
        assert clocks(county, handled)["handling"]["effective_due"] == date(2016, 3, 7)
        check(county)

    def test_it_is_routed_past_somebody_who_steps_aside(self, county: County, handled: int) -> None:
        ask(county, handled)
        county.act(handled, "recuse", "office", {"person": county.people["leader"], "reason": "亲属关系"})
        assert requests(county, handled) == ["county_office"]
        check(county)
