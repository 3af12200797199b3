"""Days as the county keeps them: which are worked, what each is called, how far that is known."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import Self
from zoneinfo import ZoneInfo

from chinese_calendar import constants
from pydantic import BaseModel, ConfigDict, Field, model_validator

SHANGHAI = ZoneInfo("Asia/Shanghai")

FIRST_DAY = date(1950, 1, 1)
LAST_DAY = date(2099, 12, 31)

_WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_MADE_UP = "调休上班"
_ORDINARY = "工作日"


def local_date(instant: datetime) -> date:
    """The day in Shanghai at an aware instant; ValueError for a naive one."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} has no time zone; give an aware instant")
    return instant.astimezone(SHANGHAI).date()


def start_of_day(day: date) -> datetime:
    """The first instant of a day in Shanghai, aware."""
    return datetime.combine(day, time.min, SHANGHAI)


def end_of_day(day: date) -> datetime:
    """The first instant after a day in Shanghai, aware: compare with `<`."""
    return start_of_day(day + timedelta(days=1))


class CalendarOverrides(BaseModel):
    """What a policy pack adds to the announced holidays; both tables give each day its Chinese name.

    `horizon`, when given, replaces the last day for which rest days are taken as announced.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rest: dict[date, str] = Field(default_factory=dict)
    work: dict[date, str] = Field(default_factory=dict)
    horizon: date | None = None

    @model_validator(mode="after")
    def _each_day_once_named_and_in_range(self) -> Self:
        if both := sorted(self.rest.keys() & self.work.keys()):
            raise ValueError(f"both rest and work: {', '.join(map(str, both))}; keep each in one table")
        named = {**self.rest, **self.work}
        if nameless := sorted(day for day, name in named.items() if not name.strip()):
            raise ValueError(f"no name for {', '.join(map(str, nameless))}; say what the day is called")
        for day in [*named, *filter(None, [self.horizon])]:
            _within_table(day)
        return self


class WorkingCalendar:
    """Weekends, announced holidays and made-up working days, then the pack's overrides.

    Outside the years `chinesecalendar` knows, and beyond the horizon, only weekends and overrides count;
    such days are provisional. Dates outside 1950–2099 are refused with ValueError.
    """

    def __init__(self, overrides: CalendarOverrides | None = None) -> None:
        overrides = overrides or CalendarOverrides()
        known_from, known_to = _announced_span()
        self.known_from = known_from
        self.horizon = overrides.horizon or known_to
        self.version = _fingerprint(overrides)
        rest = _without(_holidays(until=self.horizon), overrides.work) | overrides.rest
        work = _without(_made_up_days(until=self.horizon), overrides.rest) | overrides.work
        self._names = rest | work
        self._made_up = frozenset(work)
        self._working = _weekdays() - _ordinals(rest) | _ordinals(work)
        self._in_order = sorted(self._working)

    def is_working(self, day: date) -> bool:
        """Whether the office works on that day."""
        return _within_table(day) in self._working

    def is_made_up(self, day: date) -> bool:
        """Whether an announcement or the pack itself says that this day is worked."""
        return day in self._made_up

    def is_provisional(self, day: date) -> bool:
        """Whether nobody has announced yet (or the data no longer tells) if that day is worked."""
        return not self.known_from <= day <= self.horizon

    def name(self, day: date) -> str:
        """What the day is called in Chinese: a holiday, 周六, 周日, 调休上班, 工作日, or the pack's name."""
        if name := self._names.get(day):
            return name
        return _ORDINARY if self.is_working(day) else _WEEKDAYS[day.weekday()]

    def add_workdays(self, day: date, n: int) -> date:
        """The n-th working day after `day`, or before it when n is negative; `day` itself for 0."""
        if n == 0:
            return day
        ordinal = _within_table(day)
        after = bisect_right(self._in_order, ordinal) + n - 1
        index = after if n > 0 else bisect_left(self._in_order, ordinal) + n
        return self._at(index)

    def next_workday(self, day: date) -> date:
        """`day` itself if it is worked, else the first working day after it."""
        return self._at(bisect_left(self._in_order, _within_table(day)))

    def count_workdays(self, first: date, last: date) -> int:
        """How many working days lie from `first` to `last`, both included; 0 when last is earlier."""
        upto = bisect_right(self._in_order, _within_table(last))
        return max(0, upto - bisect_left(self._in_order, _within_table(first)))

    def _at(self, index: int) -> date:
        if not 0 <= index < len(self._in_order):
            raise ValueError(f"the calendar ends at {FIRST_DAY} and {LAST_DAY}; use a shorter period")
        return date.fromordinal(self._in_order[index])


def _within_table(day: date) -> int:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"{day} lies outside the calendar ({FIRST_DAY} to {LAST_DAY}); correct the date")
    return day.toordinal()


def _without(named: Mapping[date, str], others: Mapping[date, str]) -> dict[date, str]:
    return {day: name for day, name in named.items() if day not in others}


def _ordinals(days: Iterable[date]) -> frozenset[int]:
    return frozenset(day.toordinal() for day in days)


@cache
def _weekdays() -> frozenset[int]:
    span = range(FIRST_DAY.toordinal(), LAST_DAY.toordinal() + 1)
    return frozenset(ordinal for ordinal in span if date.fromordinal(ordinal).weekday() < 5)


@cache
def _announced_span() -> tuple[date, date]:
    years = {day.year for day in constants.holidays}
    return date(min(years), 1, 1), date(max(years), 12, 31)


def _holidays(until: date) -> dict[date, str]:
    chinese = {holiday.value: holiday.chinese for holiday in constants.Holiday}
    return {day: chinese[english] for day, english in constants.holidays.items() if day <= until}


def _made_up_days(until: date) -> dict[date, str]:
    return {day: _MADE_UP for day in constants.workdays if day <= until}


def _fingerprint(overrides: CalendarOverrides) -> str:
    tables = overrides.model_copy(
        update={"rest": dict(sorted(overrides.rest.items())), "work": dict(sorted(overrides.work.items()))}
    )
    text = f"chinesecalendar {version('chinesecalendar')} {tables.model_dump_json()}"
    return sha256(text.encode()).hexdigest()[:12]
