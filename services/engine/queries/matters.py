"""The ledger of matters: whatever the actor may know of, filtered, newest first."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from config.calendar import end_of_day, start_of_day
from services.engine.core import Engine
from services.engine.models import Matter
from services.engine.queries.labels import state_label
from services.engine.queries.lights import Light, Lights
from services.engine.queries.paging import Page, id_cursor, read_id, within
from services.engine.queries.worklist import contains
from services.engine.visibility import in_subtree, visible
from services.identity.access import Actor
from services.identity.models import Unit


@dataclass(frozen=True, slots=True)
class MatterFilters:
    """Everything that is None is not asked for. Days are local and both ends of a range count.

    `status` is "open", "closed" or "overdue"; `unit_id` means it and below; `level` at least this high; `light` a
    colour (of open matters); `q` a text in title or number; `ids` these and no others.
    """

    procedure: str | None = None
    state: str | None = None
    unit_id: int | None = None
    status: str | None = None
    light: str | None = None
    level: int | None = None
    due_from: date | None = None
    due_to: date | None = None
    event_from: date | None = None
    event_to: date | None = None
    q: str | None = None
    ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class MatterRow:
    """One line of the ledger; a closed matter has no light."""

    id: int
    number: str
    title: str
    procedure: str
    procedure_title: str
    state: str
    state_label: str
    unit_id: int
    unit_name: str
    event_on: date
    opened_at: datetime
    moved_at: datetime
    closed_at: datetime | None
    due_at: datetime | None
    light: Light | None
    level: int
    version: int


ALL_MATTERS = MatterFilters()


def list_matters(
    session: Session,
    engine: Engine,
    actor: Actor,
    now: datetime,
    *,
    filters: MatterFilters = ALL_MATTERS,
    only: Iterable[ColumnElement[bool]] = (),
    cursor: str | None = None,
    limit: int = 50,
) -> Page[MatterRow]:
    """Return one page of the matters that the actor may know of, the latest opened first.

    `only` are further conditions on `Matter`, such as those of `services.notifications.attention`.
    """
    limit, lights = within(limit), Lights(engine, now)
    wanted = _ROWS.where(visible(actor, engine.registry), *_narrowed(filters, lights, now), *only)
    if cursor is not None:
        wanted = wanted.where(Matter.id < read_id(cursor))
    rows = session.execute(wanted.order_by(Matter.id.desc()).limit(limit + 1)).mappings().all()
    shown = lights.of_matters(session, [(r["id"], r["procedure"], r["due_at"]) for r in rows if not r["closed_at"]])
    following = id_cursor(rows[limit - 1]["id"]) if len(rows) > limit else None
    return Page([_row(session, engine, row, shown.get(row["id"])) for row in rows[:limit]], following)


def count_matters(
    session: Session,
    engine: Engine,
    actor: Actor,
    now: datetime,
    *,
    filters: MatterFilters = ALL_MATTERS,
    only: Iterable[ColumnElement[bool]] = (),
    at_most: int | None = None,
) -> int:
    """Count what `list_matters` would list on all its pages, no further than `at_most`."""
    wanted = select(Matter.id).where(
        visible(actor, engine.registry), *_narrowed(filters, Lights(engine, now), now), *only
    )
    return session.execute(select(func.count()).select_from(wanted.limit(at_most).subquery())).scalar_one()


_ROWS = select(
    Matter.id, Matter.number, Matter.title, Matter.procedure, Matter.state, Matter.unit_id, Matter.event_on,
    Matter.opened_at, Matter.moved_at, Matter.closed_at, Matter.due_at, Matter.level, Matter.version,
    Matter.procedure_hash, Matter.policy_hash, Unit.name.label("unit_name"),
).join(Unit, Unit.id == Matter.unit_id)  # fmt: skip


def _narrowed(filters: MatterFilters, lights: Lights, now: datetime) -> list[ColumnElement[bool]]:
    given: list[tuple[Any, Callable[[Any], ColumnElement[bool]]]] = [
        (filters.procedure, lambda key: Matter.procedure == key),
        (filters.state, lambda state: Matter.state == state),
        (filters.unit_id, in_subtree),
        (filters.status, lambda status: _has_status(status, now)),
        (filters.light, lambda colour: and_(Matter.closed_at.is_(None), lights.shows(colour))),
        (filters.level, lambda level: Matter.level >= level),
        (filters.due_from, lambda day: Matter.due_at > start_of_day(day)),  # due when its day is over
        (filters.due_to, lambda day: Matter.due_at <= end_of_day(day)),
        (filters.event_from, lambda day: Matter.event_on >= day),
        (filters.event_to, lambda day: Matter.event_on <= day),
        (filters.q, contains),
    ]
    named = [] if filters.ids is None else [Matter.id.in_(filters.ids)]
    return named + [condition(value) for value, condition in given if value]


def _has_status(status: str, now: datetime) -> ColumnElement[bool]:
    match status:
        case "open":
            return Matter.closed_at.is_(None)
        case "closed":
            return Matter.closed_at.is_not(None)
        case "overdue":
            return and_(Matter.closed_at.is_(None), Matter.due_at < now)
    raise ValueError(f"a matter is open, closed or overdue, never {status}")


def _row(session: Session, engine: Engine, row: Any, shown: Light | None) -> MatterRow:
    definition = engine.registry.pinned(session, row["procedure_hash"], row["policy_hash"])
    copied = {name: row[name] for name in MatterRow.__slots__ if name in row}
    return MatterRow(
        **copied,
        procedure_title=definition.procedure.title,
        state_label=state_label(definition, row["state"]),
        light=shown,
    )
