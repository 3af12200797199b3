"""Places in a period, as obligations name them: "start" or "end", moved where needed, or days of the year.

"end -10 workday", "start +4 day", "end +1 day" (after the period is over); "02-26", ["06-30", "12-31"], of which one
lies in each period. "02-29" is the last of February in other years.
"""

import re
from datetime import date, timedelta
from typing import Protocol

from dateutil.relativedelta import relativedelta

_DAY = timedelta(days=1)
_MOVED = re.compile(r"(start|end)(?:\s*([+-]\d{1,3})\s*(day|workday))?")
_MONTH_DAY = re.compile(r"(\d\d)-(\d\d)")

Place = str | tuple[str, ...]


class Workdays(Protocol):
    """What placing a day asks of a calendar."""

    def add_workdays(self, day: date, n: int) -> date: ...


def read_place(place: Place) -> Place:
    """Return a place as it is kept: text for one that counts from an end, a tuple for days of the year; ValueError."""
    if isinstance(place, str) and _MOVED.fullmatch(place):
        return place
    listed = (place,) if isinstance(place, str) else place
    for text in listed:
        match = _MONTH_DAY.fullmatch(text)
        if match is None or not _is_a_day(int(match[1]), int(match[2])):
            raise ValueError(f'cannot read {text!r}; write "start", "end -10 workday", "02-26" or a list of days')
    if not listed:
        raise ValueError("no day is given")
    return listed


def placed(place: Place, first: date, last: date, floor: date, calendar: Workdays) -> date:
    """Return the day; one that is moved back never lies before the period."""
    if not isinstance(place, str):
        return min(day for year in (floor.year, floor.year + 1) for day in days_of(place, year) if day >= floor)
    match = _MOVED.fullmatch(place)
    assert match is not None  # read when the policy was
    day, amount = first if match[1] == "start" else last, int(match[2] or 0)
    moved = calendar.add_workdays(day, amount) if match[3] == "workday" else day + _DAY * amount
    return max(first, moved)


def days_of(place: tuple[str, ...], year: int) -> list[date]:
    """Return these days of the year, in the order in which they are listed."""
    return [date(year, 1, 1) + relativedelta(month=int(text[:2]), day=int(text[3:])) for text in place]


def _is_a_day(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31 and days_of((f"{month:02}-{day:02}",), 2016)[0].day == day


def reach(place: Place) -> timedelta:
    """How long before its opening a period may have ended, holidays included."""
    match = _MOVED.fullmatch(place) if isinstance(place, str) else None
    later = int(match[2] or 0) if match else 0
    return _DAY * (2 * later + 30 if later > 0 else 0)


class _Weekdays:
    """Monday to Friday: enough to see whether two places are in order."""

    def add_workdays(self, day: date, n: int) -> date:
        step = _DAY if n > 0 else -_DAY
        for _ in range(abs(n)):
            day += step
            while day.weekday() > 4:
                day += step
        return day


WEEKDAYS = _Weekdays()
