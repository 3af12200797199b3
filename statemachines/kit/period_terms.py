"""The words a period is written in: how long, how it ends, what lengthened or stopped it. No arithmetic."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol, Self


class Unit(StrEnum):
    """What a period is counted in: calendar months, calendar days or working days."""

    MONTH = "month"
    DAY = "day"
    WORKDAY = "workday"


class Roll(StrEnum):
    """What becomes of a period that ends on a rest day: it ends on the next working day, or stays."""

    NEXT_WORKDAY = "next_workday"
    NONE = "none"


_SPELLINGS = {
    **dict.fromkeys(("month", "months", "个月"), Unit.MONTH),
    **dict.fromkeys(("day", "days", "日", "天"), Unit.DAY),
    **dict.fromkeys(("workday", "workdays", "工作日", "个工作日"), Unit.WORKDAY),
}
_CHINESE: Mapping[Unit, str] = {Unit.MONTH: "个月", Unit.DAY: "日", Unit.WORKDAY: "个工作日"}
_BUDGET = re.compile(r"\s*(\d+)\s*(\S+)\s*")
_OFFSET = re.compile(r"\s*([+-]\d+)\s*(\S+)\s*")


@dataclass(frozen=True, slots=True)
class Budget:
    """A length of at least one unit, such as 15 working days."""

    amount: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.amount < 1:
            raise ValueError(f"a period of {self} is no period; give at least 1 {self.unit}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "15 workday", "1 month", "60 days", "3个月", "15日" or "15个工作日"; else ValueError."""
        match = _BUDGET.fullmatch(text)
        if match is None or match[2] not in _SPELLINGS:
            raise ValueError(f'cannot read the period "{text}"; write e.g. "1 month", "15 day" or "15 workday"')
        return cls(int(match[1]), _SPELLINGS[match[2]])

    def __str__(self) -> str:
        return f"{self.amount} {self.unit}"

    @property
    def zh(self) -> str:
        """The length in Chinese: 1个月, 15日, 15个工作日."""
        return f"{self.amount}{_CHINESE[self.unit]}"


@dataclass(frozen=True, slots=True)
class RungOffset:
    """When a rung is due, relative to its clock's due date: negative before, 0 on the day, positive after."""

    amount: int
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "-3 workday", "0", "+3 workday" or "+10 day"; else ValueError.

        Before the due date only working days are read: a reminder that waits for a working day must not
        come after the date it reminds of.
        """
        if text.strip() == "0":
            return cls(0, Unit.WORKDAY)
        match = _OFFSET.fullmatch(text)
        unit = _SPELLINGS.get(match[2]) if match else None
        if match is None or unit in (None, Unit.MONTH) or int(match[1]) == 0:
            raise ValueError(f'cannot read the rung "{text}"; write "-3 workday", "0", "+3 workday" or "+10 day"')
        if unit is Unit.DAY and int(match[1]) < 0:
            raise ValueError(f'the rung "{text}" lies before the due date; count it in workday')
        return cls(int(match[1]), unit)

    def __str__(self) -> str:
        return f"{self.amount:+d} {self.unit}" if self.amount else "0"


@dataclass(frozen=True, slots=True)
class Extension:
    """More time, granted: how much, why, by whom, and the day it was asked for."""

    budget: Budget
    reason: str
    approved_by: str
    asked_on: date


@dataclass(frozen=True, slots=True)
class Suspension:
    """A time in which the period stands still, from `start` until it runs again.

    `start` is the first day not counted and `end` the day it runs again, itself counted (so stopping and
    resuming on one day costs nothing); `end` None: it still stands.
    """

    start: date
    end: date | None
    reason: str

    def __post_init__(self) -> None:
        if self.end is not None and self.end < self.start:
            raise ValueError(f"a suspension from {self.start} cannot end on {self.end}; correct one of them")


@dataclass(frozen=True, slots=True)
class Step:
    """One line of an explanation.

    `kind` is rule, anchor, budget, skipped, made_up, extension, suspension, roll or provisional; `day` the
    date this line arrives at (the first one for a run of days), None where it speaks of none.
    """

    kind: str
    day: date | None
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Due:
    """When a period ends: before rolling (`nominal`) and in force (`effective`), both None while it stands
    still. `provisional`: a day it depends on is not announced yet. `steps` say how it came about.
    """

    nominal: date | None
    effective: date | None
    provisional: bool
    steps: tuple[Step, ...]


class Calendar(Protocol):
    """What a period asks of a calendar; `config.calendar.WorkingCalendar` answers."""

    @property
    def known_from(self) -> date: ...
    @property
    def horizon(self) -> date: ...
    def is_working(self, day: date) -> bool: ...
    def is_made_up(self, day: date) -> bool: ...
    def is_provisional(self, day: date) -> bool: ...
    def name(self, day: date) -> str: ...
    def add_workdays(self, day: date, n: int) -> date: ...
    def next_workday(self, day: date) -> date: ...
    def count_workdays(self, first: date, last: date) -> int: ...
