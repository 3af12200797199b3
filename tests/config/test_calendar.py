"""The calendar against the holidays as announced, and its arithmetic against plain counting."""

from datetime import UTC, date, datetime, timedelta, timezone

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.calendar import (
    CalendarOverrides,
    WorkingCalendar,
    end_of_day,
    local_date,
    start_of_day,
)

CALENDAR = WorkingCalendar()
DAY = timedelta(days=1)
DAYS = st.dates(date(2003, 6, 1), date(2027, 12, 31))


@pytest.mark.parametrize(
    ("day", "working", "name"),
    [
        (date(2016, 2, 7), False, "春节"),
        (date(2016, 2, 14), True, "调休上班"),
        (date(2016, 2, 15), True, "工作日"),
        (date(2016, 10, 1), False, "国庆节"),
        (date(2016, 10, 8), True, "调休上班"),
        (date(2016, 10, 15), False, "周六"),
        (date(2016, 10, 16), False, "周日"),
        (date(2026, 2, 28), True, "调休上班"),
        (date(2015, 9, 3), False, "中国人民抗日战争暨世界反法西斯战争胜利70周年纪念日"),
    ],
)
def test_days_are_as_announced(day: date, working: bool, name: str) -> None:
    assert (CALENDAR.is_working(day), CALENDAR.name(day)) == (working, name)
    assert not CALENDAR.is_provisional(day)


def test_agrees_with_the_package_on_every_announced_day() -> None:
    span = chinese_calendar.get_dates(CALENDAR.known_from, CALENDAR.horizon)
    assert [day for day in span if CALENDAR.is_working(day)] == [
        day for day in span if chinese_calendar.is_workday(day)
    ]


def test_the_horizon_is_the_end_of_the_last_announced_year() -> None:
    assert CALENDAR.known_from == date(2004, 1, 1)
    assert (CALENDAR.horizon.month, CALENDAR.horizon.day) == (12, 31)
    assert CALENDAR.horizon >= date(2026, 12, 31)
    assert not CALENDAR.is_provisional(CALENDAR.horizon)
    assert CALENDAR.is_provisional(CALENDAR.horizon + DAY)
    assert CALENDAR.is_provisional(date(2003, 12, 31))


def test_beyond_the_horizon_weekends_are_the_only_rest_days() -> None:
    calendar = WorkingCalendar(CalendarOverrides(horizon=date(2015, 12, 31)))
    assert [calendar.name(date(2016, 2, day)) for day in (5, 6, 7, 8)] == ["工作日", "周六", "周日", "工作日"]
    assert calendar.is_provisional(date(2016, 2, 8))
    assert not calendar.is_made_up(date(2016, 2, 14))


def test_a_pack_adds_rest_and_work_of_its_own() -> None:
    calendar = WorkingCalendar(
        CalendarOverrides(
            rest={date(2016, 3, 1): "桐城文化节", date(2016, 2, 14): "县里另定休息"},
            work={date(2016, 2, 12): "抗洪上班"},
        )
    )
    assert (calendar.is_working(date(2016, 3, 1)), calendar.name(date(2016, 3, 1))) == (False, "桐城文化节")
    assert (calendar.is_working(date(2016, 2, 14)), calendar.name(date(2016, 2, 14))) == (
        False,
        "县里另定休息",
    )
    assert (calendar.is_working(date(2016, 2, 12)), calendar.name(date(2016, 2, 12))) == (True, "抗洪上班")
    assert calendar.is_made_up(date(2016, 2, 12))
    assert not calendar.is_made_up(date(2016, 2, 14))


def test_a_pack_moves_the_horizon() -> None:
    spring = {date(2027, 2, 8): "春节"}
    calendar = WorkingCalendar(CalendarOverrides(rest=spring, horizon=date(2027, 12, 31)))
    assert not calendar.is_provisional(date(2027, 2, 8))
    assert calendar.is_provisional(date(2028, 1, 1))
    assert calendar.next_workday(date(2027, 2, 8)) == date(2027, 2, 9)


def test_the_version_names_what_the_calendar_says() -> None:
    first, second = {date(2027, 2, 8): "春节"}, {date(2027, 2, 9): "春节"}
    versions = {
        overrides: WorkingCalendar(CalendarOverrides(rest=overrides_)).version
        for overrides, overrides_ in [
            ("none", {}),
            ("ab", first | second),
            ("ba", second | first),
            ("a", first),
        ]
    }
    assert versions["ab"] == versions["ba"]
    assert len({versions["none"], versions["a"], versions["ab"]}) == 3
    assert versions["none"] == WorkingCalendar().version


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"rest": {"2016-03-01": "节"}, "work": {"2016-03-01": "班"}}, "both rest and work: 2016-03-01"),
        ({"rest": {"2016-03-01": " "}}, "no name for 2016-03-01"),
        ({"rest": {"0216-03-01": "节"}}, "outside the calendar"),
        ({"horizon": "2216-12-31"}, "outside the calendar"),
        ({"rests": {}}, "Extra inputs"),
    ],
)
def test_bad_overrides_are_refused(raw: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        CalendarOverrides.model_validate(raw)


def test_dates_outside_the_table_are_refused() -> None:
    for ask in (
        lambda: CALENDAR.is_working(date(216, 1, 7)),
        lambda: CALENDAR.name(date(2100, 1, 1)),
        lambda: CALENDAR.add_workdays(date(2099, 12, 31), 1),
        lambda: CALENDAR.add_workdays(date(1950, 1, 1), -1),
    ):
        with pytest.raises(ValueError, match="calendar"):
            ask()


@given(DAYS, st.integers(-300, 300))
def test_adding_working_days_is_counting_them(day: date, n: int) -> None:
    step, left, expected = (DAY if n > 0 else -DAY), abs(n), day
    while left:
        expected += step
        left -= CALENDAR.is_working(expected)
    assert CALENDAR.add_workdays(day, n) == expected


@given(DAYS, st.integers(-5, 400))
def test_counting_working_days_includes_both_ends(first: date, length: int) -> None:
    days = [first + DAY * n for n in range(length + 1)]
    assert CALENDAR.count_workdays(first, first + DAY * length) == sum(map(CALENDAR.is_working, days))


@given(DAYS)
def test_the_next_working_day_is_the_first_one_from_the_day_on(day: date) -> None:
    following = CALENDAR.next_workday(day)
    assert CALENDAR.is_working(following)
    assert CALENDAR.count_workdays(day, following) == 1


def test_the_local_date_is_that_of_shanghai() -> None:
    assert local_date(datetime(2016, 1, 6, 15, 59, tzinfo=UTC)) == date(2016, 1, 6)
    assert local_date(datetime(2016, 1, 6, 16, 0, tzinfo=UTC)) == date(2016, 1, 7)
    assert local_date(datetime(2016, 1, 6, 20, 0, tzinfo=timezone(timedelta(hours=-5)))) == date(2016, 1, 7)
    with pytest.raises(ValueError, match="no time zone"):
        local_date(datetime(2016, 1, 7))


@given(DAYS)
def test_a_day_is_all_instants_from_its_start_to_before_its_end(day: date) -> None:
    assert end_of_day(day) == start_of_day(day + DAY)
    assert local_date(start_of_day(day)) == day
    assert local_date(end_of_day(day) - timedelta(microseconds=1)) == day
    assert local_date(end_of_day(day)) == day + DAY
