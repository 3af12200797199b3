"""A year of the working calendar as a page shows it: twelve months of weeks, and the days that are special."""

from calendar import Calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from config.calendar import CalendarOverrides, WorkingCalendar

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Day:
    """`kind` is "work", "rest" (a weekend), "holiday" (a named day off) or "made-up" (a weekend day that is worked)."""

    on: date
    kind: str
    name: str
    overridden: bool
    provisional: bool


@dataclass(frozen=True, slots=True)
class Month:
    """Weeks from Monday to Sunday; days of other months are None."""

    number: int
    weeks: list[list[Day | None]]
    workdays: int


@dataclass(frozen=True, slots=True)
class Span:
    """Special days in a row with the same name."""

    first: date
    last: date
    name: str
    kind: str
    overridden: bool


def months_of(calendar: WorkingCalendar, overrides: CalendarOverrides, year: int) -> list[Month]:
    """Return the twelve months of a year."""
    return [_month(calendar, overrides, year, number) for number in range(1, 13)]


def spans_of(months: list[Month]) -> list[Span]:
    """Return holidays and made-up working days, in order, those that belong together as one."""
    special = [
        day for month in months for week in month.weeks for day in week if day and day.kind in ("holiday", "made-up")
    ]
    spans: list[Span] = []
    starts = [0, *(n for n, pair in enumerate(pairwise(special), start=1) if not _goes_on(*pair)), len(special)]
    for start, end in pairwise(starts if special else []):
        first, last = special[start], special[end - 1]
        spans.append(Span(first.on, last.on, first.name, first.kind, first.overridden))
    return spans


def _month(calendar: WorkingCalendar, overrides: CalendarOverrides, year: int, number: int) -> Month:
    dates = list(_weeks(year, number))
    weeks = [[_day(calendar, overrides, on) if on.month == number else None for on in week] for week in dates]
    days = [day for week in weeks for day in week if day]
    return Month(number, weeks, sum(day.kind in ("work", "made-up") for day in days))


def _weeks(year: int, number: int) -> Iterator[list[date]]:
    yield from Calendar().monthdatescalendar(year, number)


def _day(calendar: WorkingCalendar, overrides: CalendarOverrides, on: date) -> Day:
    weekend, working = on.weekday() >= _SATURDAY, calendar.is_working(on)
    name = calendar.name(on)
    if working:
        kind = "made-up" if calendar.is_made_up(on) else "work"
    else:
        kind = "rest" if weekend and name in ("周六", "周日") else "holiday"
    return Day(on, kind, name, on in overrides.rest or on in overrides.work, calendar.is_provisional(on))


def _goes_on(day: Day, following: Day) -> bool:
    same = (day.name, day.kind, day.overridden) == (following.name, following.kind, following.overridden)
    return same and following.on - day.on == timedelta(days=1)
