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
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from config.calendar import WorkingCalendar, local_date, start_of_day
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
    counted: Counter[tuple[int, int | None]] = Counter()
    late: Counter[tuple[int, int | None]] = Counter()
    spans, holder_at = _late_spans(clock, today), _holders(spells, settled_by)
    for day in _running_days(clock, calendar, today, window):
        if holder := holder_at(start_of_day(day)):
            counted[holder] += 1
            late[holder] += any(due < day <= until for due, until in spans)
    ids = clock["id"], clock["matter_id"]
    return [Held(*ids, *holder, days, late[holder]) for holder, days in counted.items()]


def was_late(now: datetime) -> ColumnElement[bool]:
    """Return the condition on `Clock` that it is or ever was late, whatever became of it."""
    running = and_(Clock.state == clk.RUNNING, Clock.due_at < now)
    return or_(Clock.outcome == _LATE, running, Clock.ledger["late"].as_string() != "[]")


def is_turn() -> ColumnElement[bool]:
    """Return the condition on `WorkItem` that the matter itself waits there: for a role, or for a seat on a panel."""
    return or_(WorkItem.kind == TURN, WorkItem.role == MEMBER)


def attribute(
    session: Session, engine: Engine, now: datetime, *where: ColumnElement[bool], window: Window = ALWAYS
) -> Iterator[Held]:
    """Yield who held each clock that these conditions on `Clock` and `Matter` leave; what was withdrawn never ran."""
    today = local_date(now)
    columns = (*Clock.__table__.columns, Matter.origin_unit_id, Matter.procedure_hash, Matter.policy_hash)
    wanted = select(*columns).join(Matter, Matter.id == Clock.matter_id).order_by(Clock.id)
    ran = or_(Clock.outcome.is_(None), Clock.outcome != "withdrawn")
    for rows in session.execute(wanted.where(ran, *where)).mappings().partitions(_BATCH):
        origins = {row["matter_id"]: row["origin_unit_id"] for row in rows}
        spells = _load_spells(session, origins)
        for row in rows:
            definition = engine.registry.pinned(session, row["procedure_hash"], row["policy_hash"])
            roles = _settling(definition, row["name"]) if row["duty"] else None
            yield from held(dict(row), spells[row["matter_id"]], engine.calendar, today, window, roles)


def _running_days(clock: Row, calendar: WorkingCalendar, today: date, window: Window) -> Iterator[date]:
    """Yield every working day that ran and lies in the window: none before the anchor, nor before it was started."""
    stopped = local_date(clock["stopped_at"]) if clock["stopped_at"] else today
    day = max(clock["anchor"] + _DAY, local_date(clock["started_at"]) + _DAY, window.first or date.min)
    last = min(stopped, today, window.last or date.max)
    still = [(date.fromisoformat(s["start"]), s["end"]) for s in clock["ledger"]["suspensions"]]
    while day <= last:
        stands = any(first <= day and (end is None or day.isoformat() < end) for first, end in still)
        if not stands and calendar.is_working(day):
            yield day
        day += _DAY


def _late_spans(clock: Row, today: date) -> list[tuple[date, date]]:
    """The days beyond due as (due, last): those noted when the period was changed, and those by the date in force."""
    noted = [
        (date.fromisoformat(late["due"]), local_date(datetime.fromisoformat(late["noted"])))
        for late in clock["ledger"]["late"]
        if late["due"]
    ]
    due = clock["effective_due"]
    return [*noted, (due, today)] if due else noted


Holder = tuple[int, int | None]


def _holders(spells: Sequence[Spell], roles: frozenset[str] | None) -> Callable[[datetime], Holder | None]:
    """Return who has it at an instant, worked out once for each stretch between two handings-on."""
    bounds = sorted({at for spell in spells for at in (spell.begins, spell.ends) if at is not None})
    there = [_holder(spells, at, roles) for at in (*bounds, _FOR_GOOD)]
    return lambda at: there[bisect_left(bounds, at)]


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
    turns = select(
        WorkItem.id, WorkItem.matter_id, WorkItem.unit_id, WorkItem.person_id, WorkItem.role, WorkItem.opened_at,
        WorkItem.closed_at,
    ).where(WorkItem.matter_id.in_(origins), is_turn()).order_by(WorkItem.id)  # fmt: skip
    for row in session.execute(turns).mappings():
        items[row["matter_id"]].append(dict(row))
    told = select(
        Entry.matter_id, Entry.at, Entry.action, Entry.actor_id, Entry.behalf_of, Entry.content
    ).where(Entry.matter_id.in_(origins), or_(Entry.action.in_(_BEFORE), Entry.target.is_not(None)))  # fmt: skip
    for row in session.execute(told.order_by(Entry.matter_id, Entry.seq)).mappings():
        entries[row["matter_id"]].append(dict(row))
    return {matter_id: spells_of(items[matter_id], entries[matter_id], origin) for matter_id, origin in origins.items()}
