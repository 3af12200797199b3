"""What waits for somebody: his own work items, and those of the roles he holds or stands in for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union_all
from sqlalchemy.orm import Session

from services.engine.core import Engine
from services.engine.models import Matter, WorkItem
from services.engine.permission import stands_in_for
from services.engine.queries.labels import item_title, role_title, state_label
from services.engine.queries.lights import COLOURS, Light, Lights
from services.engine.queries.paging import Page, due_cursor, read_due, within
from services.engine.visibility import in_subtree, not_excluded
from services.identity.access import Actor
from services.identity.models import Person, Unit

COUNTED_UP_TO = 1000


@dataclass(frozen=True, slots=True)
class WorkFilters:
    """`light`: a colour or "all"; `claimed`: "mine" or "unclaimed"; `unit_id`: and below; `q`: in title or number."""

    light: str = "all"
    procedure: str | None = None
    state: str | None = None
    unit_id: int | None = None
    claimed: str | None = None
    q: str | None = None


@dataclass(frozen=True, slots=True)
class WorkRow:
    """One line of a worklist. `kind` is "turn", or the action that answers a side request; `title` the matter's."""

    item_id: int
    kind: str
    kind_title: str
    matter_id: int
    number: str
    title: str
    procedure: str
    procedure_title: str
    state: str
    state_label: str
    unit_id: int
    unit_name: str
    role: str
    role_title: str
    person_id: int | None
    person_name: str | None
    opened_at: datetime
    due_at: datetime | None
    light: Light
    version: int
    level: int
    urged: int
    urged_at: datetime | None


NO_FILTERS = WorkFilters()


def worklist(
    session: Session,
    engine: Engine,
    actor: Actor,
    now: datetime,
    *,
    filters: WorkFilters = NO_FILTERS,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[WorkRow]:
    """Return one page of the actor's open work items, the most urgent first, those without a deadline last."""
    limit = within(limit)
    lights = Lights(engine, now)
    narrow = [*_narrowed(filters, actor), *_coloured(filters.light, lights)]
    if cursor is not None:
        narrow.append(_after(*read_due(cursor)))
    first = [_first(branch.where(*narrow), limit + 1) for branch in _branches(actor, filters.claimed)]
    if not first:
        return Page([])
    top = union_all(*first).subquery()
    page = _ROWS.join(top, top.c.id == WorkItem.id).order_by(*_URGENT_FIRST).limit(limit + 1)
    rows = session.execute(page).mappings().all()
    shown = lights.of_matters(session, [(r["matter_id"], r["procedure"], r["due_at"]) for r in rows[:limit]])
    following = due_cursor(rows[limit - 1]["due_at"], rows[limit - 1]["item_id"]) if len(rows) > limit else None
    return Page([_row(session, engine, row, shown[row["matter_id"]]) for row in rows[:limit]], following)


def light_counts(
    session: Session, engine: Engine, actor: Actor, now: datetime, *, filters: WorkFilters = NO_FILTERS
) -> dict[str, str]:
    """Return how many items each light has, as the tiles print it: {"red": "12", …, "all": "1000+"}.

    The filter by light is left aside, and no more than `COUNTED_UP_TO` are counted.
    """
    lights = Lights(engine, now)
    branches = list(_branches(actor, filters.claimed))
    narrow = _narrowed(filters, actor)
    counts = {}
    for colour in (*COLOURS, "all"):
        wanted = [_any(b.where(*narrow, *_coloured(colour, lights)), COUNTED_UP_TO + 1) for b in branches]
        number = session.scalar(select(func.count()).select_from(union_all(*wanted).subquery())) if wanted else 0
        counts[colour] = f"{COUNTED_UP_TO}+" if number and number > COUNTED_UP_TO else str(number)
    return counts


_URGENT_FIRST = (WorkItem.due_at.asc().nulls_last(), WorkItem.id)
_OPEN = (
    select(WorkItem.id, WorkItem.due_at)
    .join(Matter, Matter.id == WorkItem.matter_id)
    .where(WorkItem.closed_at.is_(None))
)
_ROWS = (
    select(
        WorkItem.id.label("item_id"), WorkItem.kind, WorkItem.matter_id, WorkItem.unit_id, WorkItem.role,
        WorkItem.person_id, WorkItem.opened_at, WorkItem.due_at, WorkItem.urged, WorkItem.urged_at,
        Matter.number, Matter.title, Matter.procedure, Matter.state, Matter.version, Matter.level,
        Matter.procedure_hash, Matter.policy_hash, Unit.name.label("unit_name"), Person.name.label("person_name"),
    )
    .join(Matter, Matter.id == WorkItem.matter_id)
    .join(Unit, Unit.id == WorkItem.unit_id)
    .outerjoin(Person, Person.id == WorkItem.person_id)
)  # fmt: skip


def _branches(actor: Actor, claimed: str | None) -> Iterator[Select[Any]]:
    """Yield one query per person and per role at a unit.

    Each of them walks its own index in order; a single one over all roles would read everything that waits.
    """
    if actor.id is None:
        return
    if claimed != "unclaimed":
        for person in sorted({actor.id} if claimed == "mine" else stands_in_for(actor)):
            yield _OPEN.where(WorkItem.person_id == person, *_still_in(actor, {person}))
    if claimed != "mine":
        holders: dict[tuple[str, int], set[int]] = {}
        for grant in actor.grants:
            holders.setdefault((grant.role, grant.unit_id), set()).add(grant.holder_id)
        for (role, unit_id), whose in sorted(holders.items()):
            waits = WorkItem.role == role, WorkItem.unit_id == unit_id, WorkItem.person_id.is_(None)
            yield _OPEN.where(*waits, *_still_in(actor, whose))


def _still_in(actor: Actor, whose: set[int]) -> list[ColumnElement[bool]]:
    """The actor must not be excluded, nor everyone whose role this is."""
    assert actor.id is not None
    away = [not_excluded(actor.id)]
    if actor.id not in whose:
        away.append(or_(*(not_excluded(holder) for holder in sorted(whose))))
    return away


def _first(branch: Select[Any], limit: int) -> Select[Any]:
    return select(branch.order_by(*_URGENT_FIRST).limit(limit).subquery())


def _any(branch: Select[Any], limit: int) -> Select[Any]:
    return select(branch.limit(limit).subquery())


def _narrowed(filters: WorkFilters, actor: Actor) -> list[ColumnElement[bool]]:
    given: list[tuple[Any, Callable[[Any], ColumnElement[bool]]]] = [
        (filters.procedure, lambda key: Matter.procedure == key),
        (filters.state, lambda state: Matter.state == state),
        (filters.unit_id, in_subtree),
        (filters.q, contains),
    ]
    return [condition(value) for value, condition in given if value]


def contains(q: str) -> ColumnElement[bool]:
    """Return the condition on `Matter` that its title or number holds this text."""
    return or_(Matter.title.icontains(q.strip(), autoescape=True), Matter.number.icontains(q.strip(), autoescape=True))


def _coloured(colour: str, lights: Lights) -> list[ColumnElement[bool]]:
    return [] if colour == "all" else [lights.shows(colour, WorkItem.due_at)]


def _after(due_at: datetime | None, last: int) -> ColumnElement[bool]:
    if due_at is None:
        return and_(WorkItem.due_at.is_(None), WorkItem.id > last)
    later = or_(WorkItem.due_at > due_at, and_(WorkItem.due_at == due_at, WorkItem.id > last))
    return or_(later, WorkItem.due_at.is_(None))


def _row(session: Session, engine: Engine, row: Any, shown: Light) -> WorkRow:
    definition = engine.registry.pinned(session, row["procedure_hash"], row["policy_hash"])
    copied = {name: row[name] for name in WorkRow.__slots__ if name in row}
    return WorkRow(
        **copied,
        kind_title=item_title(definition, row["kind"], row["state"]),
        procedure_title=definition.procedure.title,
        state_label=state_label(definition, row["state"]),
        role_title=role_title(engine, row["role"]),
        light=shown,
    )
