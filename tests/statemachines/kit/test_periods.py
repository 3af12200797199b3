"""The worked cases of the rules, one by one; suspensions, given dates and the horizon."""

from collections.abc import Sequence
from datetime import date

import pytest

from config.calendar import CalendarOverrides, WorkingCalendar
from statemachines.kit.periods import (
    Budget,
    Due,
    Extension,
    Roll,
    RungOffset,
    Suspension,
    Unit,
    compute_due,
    has_working_day,
    plain_end,
    repeat_window_end,
    rung_date,
)

CALENDAR = WorkingCalendar()


def on(text: str) -> date:
    return date.fromisoformat(text)


def due(anchor: str, budget: str, roll: Roll = Roll.NEXT_WORKDAY, extended: Sequence[str] = ()) -> Due:
    granted = [Extension(Budget.parse(more), "案情复杂", "县纪委", on(anchor)) for more in extended]
    return compute_due(on(anchor), Budget.parse(budget), CALENDAR, roll=roll, extensions=granted)


def stopped(start: str, end: str | None) -> Suspension:
    return Suspension(on(start), on(end) if end else None, "听证")


def kinds(answer: Due) -> list[str]:
    return [step.kind for step in answer.steps]


# --- the worked cases (rules §1) ---


@pytest.mark.parametrize(
    ("case", "anchor", "budget", "nominal", "effective"),
    [
        ("1", "2016-01-07", "1 month", "2016-02-07", "2016-02-14"),
        ("2", "2016-01-29", "1 month", "2016-02-29", "2016-02-29"),
        ("2", "2016-01-30", "1 month", "2016-02-29", "2016-02-29"),
        ("2", "2016-01-31", "1 month", "2016-02-29", "2016-02-29"),
        ("3", "2025-01-31", "1 month", "2025-02-28", "2025-02-28"),
        ("3", "2026-01-31", "1 month", "2026-02-28", "2026-02-28"),
        ("4", "2016-07-01", "3 month", "2016-10-01", "2016-10-08"),
        ("6", "2025-01-20", "15 workday", "2025-02-14", "2025-02-14"),
        ("7", "2025-09-24", "15 workday", "2025-10-21", "2025-10-21"),
        ("8", "2026-02-03", "15 day", "2026-02-18", "2026-02-24"),
        ("9", "2025-12-20", "60 day", "2026-02-18", "2026-02-24"),
        ("10", "2025-12-31", "1 month", "2026-01-31", "2026-02-02"),
        ("11", "2026-01-15", "1 month", "2026-02-15", "2026-02-24"),
        ("11", "2026-01-14", "1 month", "2026-02-14", "2026-02-14"),
    ],
)
def test_cases_of_one_budget(case: str, anchor: str, budget: str, nominal: str, effective: str) -> None:
    answer = due(anchor, budget)
    assert (answer.nominal, answer.effective) == (on(nominal), on(effective)), f"case {case}"
    assert not answer.provisional


def test_case_5_an_extension_runs_from_the_nominal_date() -> None:
    last_day_to_ask = due("2016-01-07", "1 month").effective
    assert last_day_to_ask is not None
    assert on("2016-02-05") <= last_day_to_ask < on("2016-02-15")
    extended = due("2016-01-07", "1 month", extended=["1 month"])
    assert (extended.nominal, extended.effective) == (on("2016-03-07"), on("2016-03-07"))


def test_case_9_thirty_days_more() -> None:
    extended = due("2025-12-20", "60 day", extended=["30 day"])
    assert (extended.nominal, extended.effective) == (on("2026-03-20"), on("2026-03-20"))


def test_case_12_a_sanction_is_not_rolled() -> None:
    warning = due("2024-02-29", "12 month", Roll.NONE)
    assert (warning.nominal, warning.effective) == (on("2025-02-28"), on("2025-02-28"))
    on_a_saturday = due("2024-03-01", "12 month", Roll.NONE)
    assert on_a_saturday.effective == on("2025-03-01")


def test_case_13_the_window_for_repeats_is_inclusive_and_not_rolled() -> None:
    assert repeat_window_end(on("2015-11-30"), 3) == on("2016-02-29")
    assert repeat_window_end(on("2015-11-07"), 3) == on("2016-02-07")  # a holiday


def test_case_14_a_week_without_a_working_day() -> None:
    assert has_working_day(on("2016-02-08"), on("2016-02-14"), CALENDAR)
    assert not has_working_day(on("2026-02-16"), on("2026-02-22"), CALENDAR)


def test_case_15_given_dates_never_shift_but_their_reminder_minds_the_weekend() -> None:
    plan = compute_due(on("2016-01-04"), on("2016-02-26"), CALENDAR)
    summary = compute_due(on("2016-01-04"), on("2016-10-15"), CALENDAR)
    assert (plan.nominal, plan.effective) == (on("2016-02-26"), on("2016-02-26"))
    assert (summary.nominal, summary.effective) == (on("2016-10-15"), on("2016-10-15"))
    assert rung_date(RungOffset.parse("-1 workday"), on("2016-10-15"), CALENDAR) == on("2016-10-14")


# --- suspensions ---


def suspended(anchor: str, budget: str, *stops: Suspension, roll: Roll = Roll.NEXT_WORKDAY) -> Due:
    return compute_due(on(anchor), Budget.parse(budget), CALENDAR, roll=roll, suspensions=stops)


@pytest.mark.parametrize(
    ("stops", "nominal"),
    [
        ([("2025-03-10", "2025-03-15")], "2025-04-05"),
        ([("2025-03-10", "2025-03-10")], "2025-03-31"),  # stopped and resumed on one day
        ([("2025-03-10", "2025-03-15"), ("2025-03-12", "2025-03-17")], "2025-04-07"),  # overlapping
        ([("2025-03-10", "2025-03-12"), ("2025-03-12", "2025-03-15")], "2025-04-05"),  # touching
        ([("2025-03-10", "2025-03-20"), ("2025-03-12", "2025-03-13")], "2025-04-10"),  # one in the other
        ([("2025-02-20", "2025-03-04")], "2025-04-03"),  # what precedes the first day does not count
        ([("2025-02-10", "2025-02-20")], "2025-03-31"),
        ([("2025-03-31", "2025-04-02")], "2025-04-02"),  # on the very last day
        ([("2025-04-01", "2025-04-09")], "2025-03-31"),  # too late
        ([("2025-03-10", "2025-03-15"), ("2025-04-05", "2025-04-08")], "2025-04-08"),  # the first makes room
        ([("2025-04-01", None)], "2025-03-31"),  # too late, though still standing
    ],
)
def test_the_days_it_stood_still_are_given_back(stops: list[tuple[str, str | None]], nominal: str) -> None:
    answer = suspended("2025-02-28", "31 day", *(stopped(*stop) for stop in stops), roll=Roll.NONE)
    assert (answer.nominal, answer.effective) == (on(nominal), on(nominal))


def test_working_days_are_given_back_as_working_days() -> None:
    answer = suspended("2025-01-20", "15 workday", stopped("2025-01-25", "2025-02-06"))
    assert answer.nominal == on("2025-02-19")  # 01-26 (made up), 01-27 and 02-05 from 02-14 on


def test_while_it_stands_still_there_is_no_due_date() -> None:
    answer = suspended("2025-02-28", "1 month", stopped("2025-03-10", None))
    assert (answer.nominal, answer.effective) == (None, None)
    assert answer.steps[-1].kind == "suspension"


def test_an_open_suspension_swallows_later_ones() -> None:
    stops = [stopped("2025-03-20", "2025-03-22"), stopped("2025-03-10", None)]
    assert suspended("2025-02-28", "1 month", *stops).effective is None


def test_a_suspension_in_the_rolled_days_still_counts_and_none_ends_inside_it() -> None:
    answer = suspended("2016-02-01", "6 day", stopped("2016-02-08", "2016-02-17"))
    assert (answer.nominal, answer.effective) == (on("2016-02-16"), on("2016-02-17"))
    assert kinds(answer)[-2:] == ["suspension", "roll"]


def test_a_given_date_is_moved_by_extension_and_suspension_only() -> None:
    answer = compute_due(
        on("2016-01-04"),
        on("2016-10-14"),
        CALENDAR,
        extensions=[Extension(Budget(1, Unit.DAY), "汛期", "县纪委", on("2016-10-10"))],
        suspensions=[stopped("2016-03-01", "2016-03-08")],
    )
    assert (answer.nominal, answer.effective) == (on("2016-10-22"), on("2016-10-22"))  # a Saturday


def test_a_given_date_before_the_anchor_stands() -> None:
    assert compute_due(on("2016-01-04"), on("2015-12-31"), CALENDAR).effective == on("2015-12-31")


def test_extensions_run_in_the_order_they_were_asked_for() -> None:
    asked = [("2016-01-20", "1 month"), ("2016-01-10", "1 day")]
    granted = [Extension(Budget.parse(more), "复杂", "县纪委", on(day)) for day, more in asked]
    answers = {
        compute_due(on("2015-12-30"), Budget(1, Unit.MONTH), CALENDAR, extensions=order).nominal
        for order in (granted, granted[::-1])
    }
    assert answers == {on("2016-02-29")}  # 01-30, 01-31, 02-29


# --- the horizon ---

TO_2025 = WorkingCalendar(CalendarOverrides(horizon=on("2025-12-31")))


@pytest.mark.parametrize(
    ("anchor", "budget", "roll", "provisional"),
    [
        ("2025-12-01", "1 month", Roll.NEXT_WORKDAY, True),
        ("2025-11-30", "1 month", Roll.NEXT_WORKDAY, False),
        ("2025-12-01", "1 month", Roll.NONE, False),  # asks nothing of the calendar
        ("2025-12-10", "15 workday", Roll.NEXT_WORKDAY, False),
        ("2025-12-10", "16 workday", Roll.NEXT_WORKDAY, True),
        ("2025-12-31", "1 workday", Roll.NEXT_WORKDAY, True),
        ("2003-12-31", "1 workday", Roll.NEXT_WORKDAY, False),
        ("2003-12-30", "1 workday", Roll.NEXT_WORKDAY, True),
    ],
)
def test_a_date_beyond_the_horizon_is_provisional(anchor: str, budget: str, roll: Roll, provisional: bool) -> None:
    answer = compute_due(on(anchor), Budget.parse(budget), TO_2025, roll=roll)
    assert answer.provisional is provisional
    assert ("provisional" in kinds(answer)) is provisional


def test_a_provisional_date_is_another_when_the_year_is_announced() -> None:
    before = compute_due(on("2026-02-03"), Budget(15, Unit.DAY), TO_2025)
    after = compute_due(on("2026-02-03"), Budget(15, Unit.DAY), CALENDAR)
    assert (before.effective, before.provisional) == (on("2026-02-18"), True)
    assert (after.effective, after.provisional) == (on("2026-02-24"), False)


def test_given_dates_are_never_provisional() -> None:
    assert not compute_due(on("2025-12-01"), on("2026-06-01"), TO_2025).provisional


def test_a_suspension_over_a_weekend_consults_no_day_after_it() -> None:
    stop = Suspension(on("2025-12-27"), on("2025-12-29"), "听证")
    answer = compute_due(on("2025-12-24"), Budget(5, Unit.WORKDAY), TO_2025, suspensions=[stop])
    assert (answer.nominal, answer.provisional) == (on("2025-12-31"), False)


def test_the_days_of_a_suspension_are_consulted_too() -> None:
    to_2022 = WorkingCalendar(CalendarOverrides(horizon=on("2022-12-31")))  # a Saturday
    answer = compute_due(
        on("2022-12-29"),
        Budget(1, Unit.WORKDAY),
        to_2022,
        roll=Roll.NONE,
        extensions=[Extension(Budget(1, Unit.DAY), "案情复杂", "县纪委", on("2022-12-30"))],
        suspensions=[stopped("2022-12-31", "2023-01-02")],
    )
    assert (answer.nominal, answer.effective, answer.provisional) == (
        on("2022-12-31"),
        on("2023-01-02"),
        True,
    )


@pytest.mark.parametrize(
    ("anchor", "budget", "end"),
    [
        ("2024-02-29", "12 month", "2025-02-28"),
        ("2016-08-31", "18 month", "2018-02-28"),
        ("2016-01-30", "1 day", "2016-01-31"),  # a Sunday
    ],
)
def test_a_plain_end_is_moved_by_no_rest_day(anchor: str, budget: str, end: str) -> None:
    assert plain_end(on(anchor), Budget.parse(budget)) == on(end)
    assert due(anchor, budget, Roll.NONE).effective == on(end)


def test_a_plain_end_counts_no_working_days() -> None:
    with pytest.raises(ValueError, match="compute_due"):
        plain_end(on("2016-01-30"), Budget.parse("3 workday"))
