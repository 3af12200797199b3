"""What waits for somebody: his own work items, and those of the roles he holds or stands in for."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnClause,
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from services.db.together import Query, read_rows, read_together
from services.engine.clocks import RUNNING
from services.engine.core import Engine
from services.engine.models import Clock, Matter, WorkItem
from services.engine.queries.labels import item_title, role_title, state_label
from services.engine.queries.lights import COLOURS, Light, Lights
from services.engine.queries.paging import Page, due_cursor, read_due, within
from services.engine.queries.waiting import branches, sets
from services.engine.visibility import in_subtree
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
    limit, lights = within(limit), Lights(engine, now)
    due_at, last = read_due(cursor) if cursor is not None else (None, None)
    page = _page(engine, actor, filters, None if last is None else due_at is not None, limit + 1)
    if page is None:
        return Page([])
    bound = {"due_after": due_at, "last": last, **lights.moments}
    items = [list(rows) for _, rows in groupby(read_rows(session, page, bound), key=itemgetter("item_id"))]
    following = None
    if len(items) > limit:
        following = due_cursor(items[limit - 1][0]["due_at"], items[limit - 1][0]["item_id"])
    return Page([_row(session, engine, lights, rows) for rows in items[:limit]], following)


def light_counts(
    session: Session, engine: Engine, actor: Actor, now: datetime, *, filters: WorkFilters = NO_FILTERS
) -> dict[str, str]:
    """Return how many items each light has, as the tiles print it: {"red": "12", …, "all": "1000+"}.

    The filter by light is left aside, and no more than `COUNTED_UP_TO` are counted.
    """
    asked = counts_asked(engine, actor, now, filters)
    if not asked:
        return dict.fromkeys((*COLOURS, "all"), "0")
    ((counted,),) = read_together(session, *asked)
    counted["all"] = sum(counted.values())
    return {light: f"{COUNTED_UP_TO}+" if n > COUNTED_UP_TO else str(n) for light, n in counted.items()}


def counts_asked(engine: Engine, actor: Actor, now: datetime, filters: WorkFilters) -> tuple[Query, ...]:
    """What `light_counts` asks; nothing for somebody without roles."""
    counting = _counting(engine, actor, replace(filters, light="all"))
    return () if counting is None else ((counting, Lights(engine, now).moments),)


# A statement for each set of roles and filters, kept: putting one together takes ten times as long as running it.
# What changes from one moment to the next (the time, the place in the list) is bound when it is run. How many rows are
# wanted is written out: only where it knows that does PostgreSQL keep a plan, and planning takes longer than running.
_LAST: BindParameter[int] = bindparam("last")
_DUE_AFTER = bindparam("due_after", type_=WorkItem.due_at.type)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=512)
def _page(engine: Engine, actor: Actor, filters: WorkFilters, after_due: bool | None, most: int) -> Select[Any] | None:
    """Return the query for one page of at most so many items.

    `after_due`: behind an item with a deadline, without one, or (None) the first page.
    """
    narrow = [*_narrowed(filters), *_coloured(filters.light, Lights(engine, _EPOCH))]
    narrow += [] if after_due is None else [_after(after_due)]
    ordered = (branch.where(*narrow).order_by(*_URGENT_FIRST) for branch in branches(actor, filters.claimed))
    first = [_top(branch, most) for branch in ordered]
    if not first:
        return None
    top = union_all(*first).subquery()
    most_urgent = select(top.c.id).order_by(top.c.due_at.asc().nulls_last(), top.c.id).limit(_written(most)).subquery()
    return _ROWS.join(most_urgent, most_urgent.c.id == WorkItem.id).order_by(*_URGENT_FIRST)


@lru_cache(maxsize=512)
def _counting(engine: Engine, actor: Actor, filters: WorkFilters) -> Select[Any] | None:
    """Return the query for one number a light, none beyond what is counted."""
    asked, narrow = list(sets(actor, filters.claimed)), _narrowed(filters)
    lights, most = Lights(engine, _EPOCH), COUNTED_UP_TO + 1

    def number(colour: str) -> ColumnElement[Any]:
        wanted = union_all(*(_top(one.where(*narrow, *_coloured(colour, lights)), most) for one in asked))
        found = select(wanted.subquery()).limit(_written(most)).subquery()  # no more is read once there are so many
        return select(func.count()).select_from(found).scalar_subquery().label(colour)

    return select(*map(number, COLOURS)) if asked else None


_URGENT_FIRST = (WorkItem.due_at.asc().nulls_last(), WorkItem.id)
_SETS_DUE = and_(Clock.matter_id == WorkItem.matter_id, Clock.state == RUNNING, Clock.due_at == WorkItem.due_at)
"""One line an item, and one more for each further clock that sets the same deadline."""
_ROWS = (
    select(
        WorkItem.id.label("item_id"), WorkItem.kind, WorkItem.matter_id, WorkItem.unit_id, WorkItem.role,
        WorkItem.person_id, WorkItem.opened_at, WorkItem.due_at, WorkItem.urged, WorkItem.urged_at,
        Matter.number, Matter.title, Matter.procedure, Matter.state, Matter.version, Matter.level,
        Unit.name.label("unit_name"), Person.name.label("person_name"), Matter.procedure_hash, Matter.policy_hash,
        Clock.name.label("clock"), Clock.provisional,
    )
    .join(Matter, Matter.id == WorkItem.matter_id)
    .join(Unit, Unit.id == WorkItem.unit_id)
    .outerjoin(Person, Person.id == WorkItem.person_id)
    .outerjoin(Clock, _SETS_DUE)
)  # fmt: skip


def _top(branch: Select[Any], most: int) -> Select[Any]:
    return select(branch.limit(_written(most)).subquery())


def _written(number: int) -> ColumnClause[int]:
    return literal_column(str(number), Integer)


def _narrowed(filters: WorkFilters) -> list[ColumnElement[bool]]:
    given: list[tuple[Any, Callable[[Any], ColumnElement[bool]]]] = [
        (filters.procedure, lambda key: Matter.procedure == key),
        (filters.state, lambda state: Matter.state == state),
        (filters.unit_id, in_subtree),
        (filters.q, contains),
    ]
    narrow = [condition(value) for value, condition in given if value]
    return [select(Matter.id).where(Matter.id == WorkItem.matter_id, *narrow).exists()] if narrow else []


def contains(q: str) -> ColumnElement[bool]:
    """Return the condition on `Matter` that its title or number holds this text."""
    return or_(Matter.title.icontains(q.strip(), autoescape=True), Matter.number.icontains(q.strip(), autoescape=True))


def _coloured(colour: str, lights: Lights) -> list[ColumnElement[bool]]:
    return [] if colour == "all" else [lights.shows(colour, WorkItem.due_at, WorkItem.matter_id)]


def _after(due: bool) -> ColumnElement[bool]:
    if not due:
        return and_(WorkItem.due_at.is_(None), WorkItem.id > _LAST)
    later = or_(WorkItem.due_at > _DUE_AFTER, and_(WorkItem.due_at == _DUE_AFTER, WorkItem.id > _LAST))
    return or_(later, WorkItem.due_at.is_(None))


def _row(session: Session, engine: Engine, lights: Lights, rows: list[Any]) -> WorkRow:
    row = rows[0]
    definition = engine.registry.pinned(session, row["procedure_hash"], row["policy_hash"])
    return WorkRow(
        **{name: row[name] for name in _COPIED},
        kind_title=item_title(definition, row["kind"], row["state"]),
        procedure_title=definition.procedure.title,
        state_label=state_label(definition, row["state"]),
        role_title=role_title(engine, row["role"]),
        light=lights.of_matter(
            row["procedure"], row["due_at"], ((r["clock"], r["due_at"], r["provisional"]) for r in rows)
        ),
    )


_COPIED = tuple(column.name for column in _ROWS.selected_columns)[:-4]
