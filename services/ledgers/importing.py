"""A petition ledger taken into the engine: every row through `open_matter` and `perform`, with every guard on.

The whole file is one transaction, so that a crash leaves nothing of it; each row has a savepoint, so that one which
the engine refuses leaves nothing either and is given back with the engine's reason.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.calendar import SHANGHAI, local_date
from services.db.errors import DubanError
from services.db.session import Database
from services.engine import journal
from services.engine.core import Engine
from services.engine.opening import open_matter
from services.engine.perform import perform
from services.engine.rerouting import route_by_today
from services.identity.models import Unit
from services.ledgers.cast import Wishes, find_cast
from services.ledgers.errors import ImportRefused
from services.ledgers.landing import due_to_escalate
from services.ledgers.lists import UnitFinder, known_from
from services.ledgers.reading import LedgerReading, Rejection, read_ledger
from services.ledgers.reasons import Reason, reason
from services.ledgers.register import Register
from services.ledgers.rows import LedgerRow
from services.ledgers.steps import Case, next_step

_CLOSE_OF_BUSINESS = time(17)
"""The hour at which a day of the ledger is taken to have happened."""


@dataclass(frozen=True, slots=True)
class Order:
    """How to import: the code of the unit that registers (None: the county), who acts, and whether only to try."""

    unit: str | None = None
    wishes: Wishes = field(default_factory=Wishes)
    dry_run: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of it. `reading` has the rows that the engine refused among its rejections.

    `states` counts the imported petitions by the state they are in now, `escalating` those that the next sweep will
    escalate; `acted` names who took which part. A dry run gives the same and leaves nothing.
    """

    reading: LedgerReading
    imported: int
    already_there: int
    states: dict[str, int]
    escalating: int
    acted: dict[str, list[str]]

    def counts(self) -> dict[str, Any]:
        """Figures for the report: those of the reading and those of the import."""
        return {
            **self.reading.counts(),
            "imported": self.imported,
            "already_there": self.already_there,
            "states": self.states,
            "escalating": self.escalating,
            "acted": self.acted,
        }


class _Rehearsed(Exception):
    """Rolls a dry run back."""


def read_for_import(database: Database, engine: Engine, path: Path) -> LedgerReading:
    """Read the file against the pack's lists and the units; raise `LedgerUnreadable` or `ImportRefused`."""
    with database.read() as session:
        return read_ledger(path, known_from(engine.registry, session))


def import_reading(
    database: Database,
    engine: Engine,
    reading: LedgerReading,
    order: Order,
    now: datetime,
    progress: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Import every row that is not there yet; `progress` is called with the number of rows done since the last call.

    Raises `ImportRefused` before anything is done where the unit or the people are wanting.
    """
    found: list[Outcome] = []
    try:
        with database.write() as session:
            found.append(_Import(session, engine, order, now).run(reading, progress))
            if order.dry_run:
                raise _Rehearsed
    except _Rehearsed:
        pass
    return found[0]


class _Import:
    """One import inside the caller's transaction."""

    def __init__(self, session: Session, engine: Engine, order: Order, now: datetime) -> None:
        self.session, self.engine, self.now, self.today = session, engine, now, local_date(now)
        self.register = Register(session)
        self.unit_id = _registering_unit(session, order.unit)
        self.units = {u: (path, name) for u, path, name in session.execute(select(Unit.id, Unit.path, Unit.name))}
        self.find_unit = UnitFinder(session).find
        policy = engine.registry.current("petition", self.today).policy
        self.cast = find_cast(session, policy, self.units[self.unit_id][0], order.wishes, self.today)

    def run(self, reading: LedgerReading, progress: Callable[[int], None]) -> Outcome:
        """Import the rows one by one, in the ledger's order."""
        rows: list[LedgerRow] = []
        refused: list[Rejection] = []
        imported: list[int] = []
        states: Counter[str] = Counter()
        for row in reading.rows:
            reasons = self._objections(row)
            if not reasons and not self.register.has(row):
                reasons = self._try(row, imported, states)
            if reasons:
                refused.append(Rejection(row.sheet, row.line, tuple(reasons), row.raw))
            else:
                rows.append(row)
            progress(1)
        return Outcome(
            reading=_with_refusals(reading, rows, refused),
            imported=len(imported),
            already_there=len(rows) - len(imported),
            states=dict(sorted(states.items())),
            escalating=due_to_escalate(self.session, imported, self.now),
            acted={part: sorted(names) for part, names in self.cast.acted.items()},
        )

    def _objections(self, row: LedgerRow) -> list[Reason]:
        days = {"收件日期": row.received_on, "交办日期": row.assigned_on, "办结日期": row.ended_on}
        early = [reason("in_the_future", heading=h, value=d) for h, d in days.items() if d and d > self.today]
        return [*early, *self.register.objections(row)]

    def _try(self, row: LedgerRow, imported: list[int], states: Counter[str]) -> list[Reason]:
        """Import one row or leave no trace of it; return the engine's reasons for refusing it."""
        try:
            with self.session.begin_nested():
                matter_id, number, state = self._import(row)
        except DubanError as refusal:
            if refusal.status >= 500:
                raise
            return _reasons(refusal)
        self.register.add(row, number)
        imported.append(matter_id)
        states[state] += 1
        return []

    def _import(self, row: LedgerRow) -> tuple[int, str, str]:
        """Open the petition and take every step that the ledger tells; return its id, number and last state."""
        reported_unit = self.find_unit(row.reported_unit_text) if row.reported_unit_text else None
        case = Case(row, self.cast, self.units, self.unit_id, reported_unit)
        registrar = case.act("registrar")
        opened = open_matter(
            self.engine,
            self.session,
            "petition",
            case.opening(),
            registrar,
            self._at(row.received_on),
            unit_id=self.unit_id,
            external_ref=self.register.reference(row),
        )
        matter_id, state = opened.matter_id, opened.state
        while step := next_step(case, state):
            at, data = self._at(step.on), step.data
            state = perform(self.engine, self.session, matter_id, step.action, step.actor, data, at).state
        turn = route_by_today(self.session, self.engine, matter_id, self.today)
        content: Mapping[str, Any] = {"ledger": row.ledger, "number": row.number, "line": row.line, **turn}
        journal.note(self.session, matter_id, journal.Event("import", registrar, self.now, content))
        return matter_id, opened.number, state

    def _at(self, day: date) -> datetime:
        return min(datetime.combine(day, _CLOSE_OF_BUSINESS, SHANGHAI), self.now)


def _registering_unit(session: Session, code: str | None) -> int:
    wanted = select(Unit.id).where(Unit.parent_id.is_(None) if code is None else Unit.code == code)
    found = session.scalar(wanted)
    if found is None:
        raise ImportRefused(
            "unknown_unit",
            f"there is no unit with the code {code!r}; name the unit that registers the petitions with --unit",
            f"没有编码为“{code}”的单位。",
        )
    return found


def _reasons(refusal: DubanError) -> list[Reason]:
    """The engine's own reasons, one for each field it objects to."""
    if errors := refusal.extra.get("errors"):
        return [Reason(e["code"], e["zh"] or f"“{e['field']}”填写有误", f"{e['field']}: {e['en']}") for e in errors]
    return [Reason(str(refusal.extra.get("reason", refusal.code)), refusal.zh.rstrip("。"), str(refusal))]


def _with_refusals(reading: LedgerReading, rows: list[LedgerRow], refused: list[Rejection]) -> LedgerReading:
    places = {head.name: place for place, head in enumerate(reading.sheets)}
    rejections = sorted([*reading.rejections, *refused], key=lambda one: (places[one.sheet], one.line))
    return replace(reading, rows=tuple(rows), rejections=tuple(rejections))
