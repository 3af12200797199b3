"""How periods and rungs are written, and what is refused."""

from datetime import UTC, date, datetime

import pytest

from config.calendar import WorkingCalendar
from statemachines.kit.periods import (
    Budget,
    RungOffset,
    Suspension,
    Unit,
    compute_due,
    rung_date,
)

CALENDAR = WorkingCalendar()


def on(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("offset", "due_on", "fires"),
    [
        ("-3 workday", "2016-02-14", "2016-02-04"),
        ("0", "2016-02-14", "2016-02-14"),
        ("0", "2016-10-15", "2016-10-17"),  # nobody is there on the Saturday
        ("+3 workday", "2016-02-05", "2016-02-15"),  # 02-06 and 02-14 are made up
        ("+1 workday", "2016-10-15", "2016-10-17"),
        ("+10 day", "2016-02-05", "2016-02-15"),
        ("+3 day", "2016-02-05", "2016-02-14"),
    ],
)
def test_rungs(offset: str, due_on: str, fires: str) -> None:
    assert rung_date(RungOffset.parse(offset), on(due_on), CALENDAR) == on(fires)


@pytest.mark.parametrize("text", ["-3 workday", "0", "+3 workday", "+10 day"])
def test_a_rung_is_written_as_it_is_read(text: str) -> None:
    assert str(RungOffset.parse(text)) == text


@pytest.mark.parametrize("text", ["", "3 workday", "-3 day", "+1 month", "+0 day", "+3 weeks", "workday"])
def test_unreadable_rungs_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="rung"):
        RungOffset.parse(text)


@pytest.mark.parametrize(
    ("text", "budget", "zh"),
    [
        ("1 month", "1 month", "1个月"),
        ("3个月", "3 month", "3个月"),
        (" 60 days ", "60 day", "60日"),
        ("15日", "15 day", "15日"),
        ("15天", "15 day", "15日"),
        ("15 workdays", "15 workday", "15个工作日"),
        ("15个工作日", "15 workday", "15个工作日"),
        ("１５工作日", "15 workday", "15个工作日"),
    ],
)
def test_budgets_are_read_and_written(text: str, budget: str, zh: str) -> None:
    parsed = Budget.parse(text)
    assert (str(parsed), parsed.zh) == (budget, zh)
    assert Budget.parse(parsed.zh) == Budget.parse(str(parsed)) == parsed


@pytest.mark.parametrize("text", ["", "month", "1.5 month", "-1 day", "0 day", "3 weeks", "1 month 2 day"])
def test_unreadable_budgets_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="period"):
        Budget.parse(text)


def test_a_suspension_cannot_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="cannot end"):
        Suspension(on("2025-03-10"), on("2025-03-09"), "听证")


@pytest.mark.parametrize("budget", ["99999 month", "99999999 day", "4000000000 day", "99999 workday"])
def test_a_date_that_cannot_be_computed_is_refused(budget: str) -> None:
    with pytest.raises(ValueError):
        compute_due(on("2016-01-07"), Budget.parse(budget), CALENDAR)


def test_an_instant_is_not_a_day() -> None:
    instant = datetime(2016, 1, 6, 20, tzinfo=UTC)
    with pytest.raises(TypeError, match="local date"):
        compute_due(instant, Budget(1, Unit.MONTH), CALENDAR)
    with pytest.raises(TypeError, match="local date"):
        compute_due(on("2016-01-07"), instant, CALENDAR)
