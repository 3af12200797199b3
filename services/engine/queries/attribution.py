"""Who held a period, and for how long: working days per clock, unit and person, within due and beyond it.

A day belongs to whoever had the matter when it began: the day of arrival counts for the one who passed it on, as the
first day of a period does not count. Days of a suspension are nobody's, and so are days before anybody had the matter
or before the period was started: what made it start late is on the account of the period before. While several sit on
a panel, their days are their unit's and nobody's in person.
A duty (a notice owed) is held by whoever last had the matter in a role that may settle it, wherever it went since.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain, pairwise
from operator import itemgetter
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, or_, select, true
from sqlalchemy.orm import Session

from config.calendar import WorkingCalendar, local_date, start_of_day
from services.db.together import read_rows
from services.engine import clocks as clk
from services.engine.core import Engine
from services.engine.loading import TURN
from services.engine.models import Clock, Entry, Matter, WorkItem
from services.engine.registry import Definition
from statemachines.kit import effects as fx
from statemachines.kit.policy import MEMBER

_DAY = timedelta(days=1)
_BATCH = 500
_LATE = "late"
_FOR_GOOD = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Spell:
    """From when to when somebody had a matter; `person_id` is None while it waited for a role unclaimed."""

    unit_id: int
    person_id: int | None
    role: str
    begins: datetime
    ends: datetime | None


@dataclass(frozen=True, slots=True)
class Held:
    """Working days of one clock at one holder; `late` of them lay beyond the due date then in force."""

    clock_id: int
    matter_id: int
    unit_id: int
    person_id: int | None
    days: int
    late: int


@dataclass(frozen=True, slots=True)
class Window:
    """The local days that are looked at, both ends included; None is open."""

    first: date | None = None
    last: date | None = None


ALWAYS = Window()
Row = Mapping[str, Any]
Holder = tuple[int, int | None]
"""A unit, and the person there who had it in person."""


def spells_of(items: Iterable[Row], entries: Iterable[Row], origin_unit: int) -> list[Spell]:
    """Put together who had a matter when, earliest first.

    `items` are its work items that `is_turn` (id, unit_id, person_id, role, opened_at, closed_at), `entries` its
    journal in order (at, action, actor_id, behalf_of, content). A work item keeps only its last holder: those before
    are in the journal. Before one was routed elsewhere, it waited where the matter lay.
    """
    listed = list(entries)
    return [spell for item in items for spell in _spells_of_item(item, listed, origin_unit)]


def held(
    clock: Row,
    spells: Sequence[Spell],
    calendar: WorkingCalendar,
    today: date,
    window: Window = ALWAYS,
    settled_by: frozenset[str] | None = None,
) -> list[Held]:
    """Return the working days that each unit and person held a clock (a row of `Clock`), up to its stop or `today`.

    `settled_by` are, for a duty, the roles that may settle it.
    """
    counted: Counter[Holder] = Counter()
    late: Counter[Holder] = Counter()
    spans, still, holders = _late_spans(clock, today), _stood_still(clock), _Holders(spells, settled_by)
    changes = [*holders.changes, *(day + _DAY for span in spans for day in span), *chain.from_iterable(still)]
    for first, after in _stretches(*_ran(clock, today, window), changes):
        holder = holders.at(start_of_day(first))
        if holder is None or any(begin <= first < end for begin, end in still):
            continue
        if days := calendar.count_workdays(first, after - _DAY):
            counted[holder] += days
            late[holder] += days * any(due < first <= until for due, until in spans)
    ids = clock["id"], clock["matter_id"]
    return [Held(*ids, *holder, days, late[holder]) for holder, days in counted.items()]


def was_late(now: datetime) -> ColumnElement[bool]:
    """Return the condition on `Clock` that it is or ever was late, whatever became of it."""
    running = and_(Clock.state == clk.RUNNING, Clock.due_at < now)
    return or_(Clock.outcome == _LATE, running, Clock.ledger["late"].as_string() != "[]")


def ran_in(window: Window) -> ColumnElement[bool]:
    """Return the condition on `Clock` that days of it may lie in the window: no other has any to count there."""
    until = [Clock.started_at < start_of_day(window.last)] if window.last else []
    going = or_(Clock.stopped_at.is_(None), Clock.stopped_at >= start_of_day(window.first)) if window.first else true()
    return and_(going, *until)


def is_turn() -> ColumnElement[bool]:
    """Return the condition on `WorkItem` that the matter itself waits there: for a role, or for a seat on a panel."""
    return or_(WorkItem.kind == TURN, WorkItem.role == MEMBER)


@dataclass(frozen=True, slots=True)
class Run:
    """A clock as it ran: its row, who had its matter when, and for a duty the roles that may settle it."""

    row: Row
    spells: Sequence[Spell]
    settled_by: frozenset[str] | None
    calendar: WorkingCalendar
    today: date

    def held(self, window: Window = ALWAYS) -> list[Held]:
        return held(self.row, self.spells, self.calendar, self.today, window, self.settled_by)


def runs(
    session: Session, engine: Engine, now: datetime, *where: ColumnElement[bool],
    also: Sequence[ColumnElement[Any]] = (),
) -> Iterator[Run]:  # fmt: skip
    """Yield each clock that these conditions on `Clock` and `Matter` leave; what was withdrawn never ran.

    `also` are further columns of its row.
    """
    today = local_date(now)
    columns = (*Clock.__table__.columns, Matter.origin_unit_id, Matter.procedure_hash, Matter.policy_hash, *also)
    wanted = select(*columns).join(Matter, Matter.id == Clock.matter_id).order_by(Clock.id)
    ran = or_(Clock.outcome.is_(None), Clock.outcome != "withdrawn")
    for rows in session.execute(wanted.where(ran, *where)).mappings().partitions(_BATCH):
        spells = _load_spells(session, {row["matter_id"]: row["origin_unit_id"] for row in rows})
        for row in map(dict, rows):
            definition = engine.registry.pinned(session, row["procedure_hash"], row["policy_hash"])
            roles = _settling(definition, row["name"]) if row["duty"] else None
            yield Run(row, spells[row["matter_id"]], roles, engine.calendar, today)


def _ran(clock: Row, today: date, window: Window) -> tuple[date, date]:
    """The first and the last day that count: none before the anchor, nor before it was started."""
    stopped = local_date(clock["stopped_at"]) if clock["stopped_at"] else today
    begun = max(clock["anchor"], local_date(clock["started_at"])) + _DAY
    return max(begun, window.first or begun), min(stopped, today, window.last or today)


def _stood_still(clock: Row) -> list[tuple[date, date]]:
    """Suspensions as (first day, first day that counts again)."""
    return [
        (date.fromisoformat(one["start"]), date.fromisoformat(one["end"]) if one["end"] else date.max)
        for one in clock["ledger"]["suspensions"]
    ]


def _stretches(first: date, last: date, changes: Iterable[date]) -> Iterator[tuple[date, date]]:
    """Cut the days from first to last where anything changes, into (first day, day after the last)."""
    if first <= last:
        after = last + _DAY
        yield from pairwise(sorted({first, after, *(day for day in changes if first < day < after)}))


def _late_spans(clock: Row, today: date) -> list[tuple[date, date]]:
    """The days beyond due as (due, last): those noted when the period was changed, and those by the date in force."""
    noted = [
        (date.fromisoformat(late["due"]), local_date(datetime.fromisoformat(late["noted"])))
        for late in clock["ledger"]["late"]
        if late["due"]
    ]
    due = clock["effective_due"]
    return [*noted, (due, today)] if due else noted


class _Holders:
    """Who has it at an instant, worked out once for each stretch between two handings-on."""

    def __init__(self, spells: Sequence[Spell], roles: frozenset[str] | None) -> None:
        self._bounds = sorted({at for spell in spells for at in (spell.begins, spell.ends) if at is not None})
        self._there = [_holder(spells, at, roles) for at in (*self._bounds, _FOR_GOOD)]

    @property
    def changes(self) -> list[date]:
        """The days that are another's than the day before."""
        return [local_date(at) + _DAY for at in self._bounds]

    def at(self, instant: datetime) -> Holder | None:
        return self._there[bisect_left(self._bounds, instant)]


def _holder(spells: Sequence[Spell], at: datetime, roles: frozenset[str] | None) -> Holder | None:
    begun = [spell for spell in spells if spell.begins < at]
    if roles is not None and (able := [spell for spell in begun if spell.role in roles]):
        last = able[-1]
        return last.unit_id, last.person_id
    there = [spell for spell in begun if spell.ends is None or spell.ends >= at]
    if not there:
        return None
    return there[-1].unit_id, there[-1].person_id if len(there) == 1 else None


def _spells_of_item(item: Row, entries: Sequence[Row], origin_unit: int) -> Iterator[Spell]:
    """Walk back from the last holder, whom the item's row names, to the first."""
    upto, unit, person = item["closed_at"], item["unit_id"], item["person_id"]
    found: list[Spell] = []
    for place in range(len(entries) - 1, -1, -1):
        entry = entries[place]
        if not _hands_on(item, entry):
            continue
        found.append(Spell(unit, person, item["role"], entry["at"], upto))
        upto = entry["at"]
        person = _BEFORE[entry["action"]](entry)
        if entry["action"] == "rerouted":
            unit = _unit_at(entries[:place], origin_unit)
    found.append(Spell(unit, person, item["role"], item["opened_at"], upto))
    return reversed(found)


def _hands_on(item: Row, entry: Row) -> bool:
    if entry["action"] == "rerouted":
        return bool(
            entry["at"] >= item["opened_at"] and (item["closed_at"] is None or entry["at"] <= item["closed_at"])
        )
    return entry["action"] in _BEFORE and entry["content"].get("item") == item["id"]


_BEFORE: Mapping[str, Callable[[Row], int | None]] = {
    "claim": lambda entry: None,
    "release": lambda entry: entry["behalf_of"] or entry["actor_id"],
    "transfer": lambda entry: entry["content"]["from"],
    "rerouted": lambda entry: None,
}
"""Who had a work item before it was handed on."""


def _unit_at(entries: Sequence[Row], origin_unit: int) -> int:
    """Where the matter lay after these entries."""
    moved = (entry["content"].get("unit_id") for entry in reversed(entries) if entry["action"] != "rerouted")
    return next((int(unit) for unit in moved if unit is not None), origin_unit)


def _settling(definition: Definition, duty: str) -> frozenset[str]:
    """The roles that may take an action which settles this duty."""
    roles = definition.policy.roles
    settling = (
        name
        for name, action in definition.procedure.actions.items()
        if any(isinstance(effect, fx.Settle) and effect.duty == duty for effect in action.effects)
    )
    return frozenset(role for name in settling for role in roles.get(name, ()))


def _load_spells(session: Session, origins: Mapping[int, int]) -> dict[int, list[Spell]]:
    items: dict[int, list[Row]] = defaultdict(list)
    entries: dict[int, list[Row]] = defaultdict(list)
    for row in read_rows(session, _TURNS, {"matters": list(origins)}):
        items[row["matter_id"]].append(row)
    told = read_rows(session, _HANDED_ON, {"matters": list(origins)})
    rerouted = {row["matter_id"] for row in told if row["action"] == "rerouted"}
    if rerouted:  # only then is it asked where the matter lay before
        told = sorted([*told, *read_rows(session, _MOVED, {"matters": sorted(rerouted)})], key=itemgetter("seq"))
    for row in told:
        entries[row["matter_id"]].append(row)
    return {matter_id: spells_of(items[matter_id], entries[matter_id], origin) for matter_id, origin in origins.items()}


_W, _E = WorkItem.__table__.c, Entry.__table__.c
_MATTERS: BindParameter[int] = bindparam("matters", expanding=True)
_TURNS = (
    select(_W.id, _W.matter_id, _W.unit_id, _W.person_id, _W.role, _W.opened_at, _W.closed_at)
    .where(_W.matter_id.in_(_MATTERS), is_turn())
    .order_by(_W.id)
)
_TOLD = select(_E.matter_id, _E.seq, _E.at, _E.action, _E.actor_id, _E.behalf_of, _E.content).order_by(_E.seq)
_HANDED_ON = _TOLD.where(_E.matter_id.in_(_MATTERS), _E.action.in_(_BEFORE))
_MOVED = _TOLD.where(_E.matter_id.in_(_MATTERS), _E.target.is_not(None))
