"""Puts a log in time order: the steps of every case, what is defective about them, and the working days between."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import IntEnum, StrEnum

from config.calendar import SHANGHAI, WorkingCalendar, local_date
from services.replay.log import Case, Event, Log

DAY_ENDS = time(18)
"""When the day's sweep is made, on working days, in Shanghai."""


class Deed(IntEnum):
    """What a step does; at one instant they are done in this order."""

    START = 0
    NOTE = 1
    END = 2
    ARCHIVE = 3


class DefectKind(StrEnum):
    ENDS_BEFORE_START = "ends_before_start"
    EVENT_BEFORE_START = "event_before_start"
    EVENT_AFTER_END = "event_after_end"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, at the instant it takes effect."""

    at: datetime
    deed: Deed
    line: int
    case: Case
    event: Event | None = None


@dataclass(frozen=True, slots=True)
class Defect:
    """Something the log says that cannot have been. `at` is what it says, `taken_at` when it takes effect here."""

    case: str
    kind: DefectKind
    at: datetime
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps in order, and every defect in order of effect."""

    steps: list[Step]
    defects: list[Defect]

    def between(self, first: datetime, until: datetime) -> list[Step]:
        """Return the steps from `first` on and before `until`."""
        start, stop = (bisect_left(self.steps, instant, key=lambda step: step.at) for instant in (first, until))
        return self.steps[start:stop]


@dataclass(frozen=True, slots=True)
class Span:
    """The time from `start` on and before `until`; it begins with a sweep if a working day ends at `start`."""

    start: datetime
    until: datetime
    sweep: bool


def make_plan(log: Log) -> Plan:
    """Order the log. What precedes a case's start takes effect at the start; what follows its end is still noted."""
    steps = [step for case in log.cases for step in _steps(case)]
    defects = [defect for case in log.cases for defect in _defects(case)]
    return Plan(
        sorted(steps, key=lambda s: (s.at, s.deed, s.line)), sorted(defects, key=lambda d: (d.taken_at, d.case, d.at))
    )


def spans(calendar: WorkingCalendar, start: datetime, until: datetime) -> Iterator[Span]:
    """Cut the time from `start` to `until` at the ends of working days; nothing where there is none left."""
    begins, sweep = start, False
    for end in _day_ends(calendar, start, until):
        if begins < end:
            yield Span(begins, end, sweep)
        begins, sweep = end, True
    if begins < until:
        yield Span(begins, until, sweep)


def count_defects(defects: list[Defect]) -> dict[str, int]:
    """Return how many there are of each kind, none included."""
    found = Counter(defect.kind for defect in defects)
    return {str(kind): found[kind] for kind in DefectKind}


def _steps(case: Case) -> Iterator[Step]:
    start, end = case.facts.start, _end(case)
    yield Step(start, Deed.START, case.line, case)
    for event in case.events:
        yield Step(max(event.at, start), Deed.NOTE, event.line, case, event)
    if end is not None:
        yield Step(end, Deed.END, case.line, case)
        yield Step(max(end, *(event.at for event in case.events)), Deed.ARCHIVE, case.line, case)


def _defects(case: Case) -> Iterator[Defect]:
    start, end = case.facts.start, _end(case)
    if end is not None and case.facts.end != end:
        yield Defect(case.id, DefectKind.ENDS_BEFORE_START, case.facts.end or end, end)
    for event in case.events:
        if event.at < start:
            yield Defect(case.id, DefectKind.EVENT_BEFORE_START, event.at, start)
        elif end is not None and event.at > end:
            yield Defect(case.id, DefectKind.EVENT_AFTER_END, event.at, event.at)


def _end(case: Case) -> datetime | None:
    return None if case.facts.end is None else max(case.facts.end, case.facts.start)


def _day_ends(calendar: WorkingCalendar, start: datetime, until: datetime) -> Iterator[datetime]:
    day = local_date(start)
    while True:
        day = calendar.next_workday(day)
        end = datetime.combine(day, DAY_ENDS, SHANGHAI)
        if end >= until:
            return
        if end >= start:
            yield end
        day += timedelta(days=1)
