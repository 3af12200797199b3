"""Reads an event log: one row per event, the facts of its case repeated in every row."""

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from pathlib import Path

from config.calendar import local_date
from services.replay.errors import BadLog
from services.replay.profile import Profile


@dataclass(frozen=True, slots=True)
class Event:
    """One row. `line` is its line in the file, which also orders events of one instant."""

    at: datetime
    activity: str
    resource: str
    line: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What every row of a case repeats. `channel` and `unit` are the log's own words; no `end`: it never ended."""

    start: datetime
    end: datetime | None
    deadline: datetime
    responsible: str
    unit: str
    channel: str


@dataclass(frozen=True, slots=True)
class Case:
    id: str
    line: int
    facts: Facts
    events: list[Event] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Log:
    """Every case in the order of the file. `digest` is the SHA-256 of the file, in hex."""

    name: str
    digest: str
    cases: list[Case]


def read_log(path: Path, profile: Profile) -> Log:
    """Read the whole log; raise BadLog with everything that is wrong, by line, before anything is made of it."""
    try:
        content = path.read_bytes()
        rows = csv.DictReader(
            io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=profile.delimiter, strict=True
        )
        _refuse_missing_columns(path.name, rows.fieldnames or (), profile)
        numbered = [(rows.line_num, row) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadLog(path.name, [f"it is no readable CSV file in UTF-8: {error}"]) from error
    reading = _Reading(profile)
    for line, row in numbered:
        reading.take(line, row)
    if not numbered:
        reading.problems.append("it holds no event")
    if reading.problems:
        raise BadLog(path.name, reading.problems)
    return Log(path.name, hashlib.sha256(content).hexdigest(), list(reading.cases.values()))


def _refuse_missing_columns(name: str, present: Iterable[str], profile: Profile) -> None:
    found = set(present)
    missing = [f"there is no column {c!r} for {what}" for what, c in profile.columns if c not in found]
    if missing:
        raise BadLog(
            name, [*missing, f"its columns are {', '.join(sorted(found)) or '(none)'}; choose another profile"]
        )


class _Reading:
    """Cases so far, and every objection so far."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.cases: dict[str, Case] = {}
        self.problems: list[str] = []

    def take(self, line: int, row: Mapping[str, str | None]) -> None:
        cells = {what: (row[column] or "").strip() for what, column in self.profile.columns}
        wrong = [f"line {line}: {what} {why}" for what, why in self._faults(cells)]
        if wrong:
            self.problems += wrong
            return
        facts, event = self._facts(cells), self._event(cells, line)
        case = self.cases.setdefault(cells["case"], Case(cells["case"], line, facts))
        if contrary := [f.name for f in fields(Facts) if getattr(facts, f.name) != getattr(case.facts, f.name)]:
            self.problems.append(
                f"line {line}: case {case.id} has another {', '.join(contrary)} than in line {case.line}"
            )
        elif case.line == line and (why := _unmeasurable(facts)):
            self.problems.append(f"line {line}: case {case.id}: {why}")
        case.events.append(event)

    def _faults(self, cells: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        for what, text in cells.items():
            if not text:
                if what != "end":
                    yield what, "is empty"
            elif what in _INSTANTS and (why := _why_not(self.profile.read_time, text)):
                yield what, f"{text!r} is no time in the format {self.profile.time_format!r}: {why}"
        for what, known in (("unit", self.profile.units), ("channel", self.profile.channels)):
            if cells[what] and cells[what] not in known:
                yield what, f"{cells[what]!r} is not in the profile's [{what}s]; add it there"

    def _facts(self, cells: Mapping[str, str]) -> Facts:
        time = self.profile.read_time
        end = time(cells["end"]) if cells["end"] else None
        return Facts(
            time(cells["start"]), end, time(cells["deadline"]), cells["responsible"], cells["unit"], cells["channel"]
        )

    def _event(self, cells: Mapping[str, str], line: int) -> Event:
        return Event(self.profile.read_time(cells["time"]), cells["activity"], cells["resource"], line)


_INSTANTS = ("time", "start", "end", "deadline")


def _why_not(read: Callable[[str], datetime], text: str) -> str | None:
    try:
        read(text)
    except ValueError as error:
        return str(error)
    return None


def _unmeasurable(facts: Facts) -> str | None:
    """A period cannot end on a day before it begins: such a case could only run unmeasured."""
    if local_date(facts.deadline - timedelta(microseconds=1)) >= local_date(facts.start):
        return None
    return f"its deadline {facts.deadline.isoformat()} lies before its start {facts.start.isoformat()}"
