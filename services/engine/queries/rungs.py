"""Rungs that fired and that nobody has acknowledged yet: the board shows them until somebody does."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from services.db.together import Query
from services.engine.core import Engine
from services.engine.models import Clock, FiredRung, Matter
from services.engine.queries.labels import clock_title, state_label
from services.engine.queries.paging import Page, id_cursor, read_id, within
from services.engine.visibility import in_subtree, visible
from services.identity.access import Actor
from services.identity.models import Unit


@dataclass(frozen=True, slots=True)
class RungView:
    """A fired rung: `rung` is its place on the ladder ("+1 workday"), `did` what it did ("tell unit_leader")."""

    id: int
    matter_id: int
    number: str
    title: str
    procedure: str
    state: str
    state_label: str
    unit_id: int
    unit_name: str
    level: int
    clock: str
    clock_title: str
    rung: str
    due_on: date
    effective_due: date | None
    fired_at: datetime
    did: list[str]


def unacknowledged_rungs(
    session: Session,
    engine: Engine,
    actor: Actor,
    *,
    unit_id: int | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[RungView]:
    """Return one page of open rungs of matters the actor may know of, the oldest first; `unit_id`: it and below."""
    limit = within(limit)
    wanted = open_rungs(engine, actor).where(FiredRung.id > (read_id(cursor) if cursor is not None else 0))
    if unit_id is not None:
        wanted = wanted.where(in_subtree(unit_id))
    rows = session.execute(wanted.limit(limit + 1)).mappings().all()
    following = id_cursor(rows[limit - 1]["id"]) if len(rows) > limit else None
    return Page([rung_view(session, engine, row) for row in rows[:limit]], following)


def open_rungs(engine: Engine, actor: Actor) -> Select[Any]:
    """Return the query for rungs that nobody acknowledged, within the actor's view, the oldest first."""
    return _RUNGS.where(FiredRung.acknowledged_at.is_(None), visible(actor, engine.registry)).order_by(FiredRung.id)


def open_rungs_of(engine: Engine, actor: Actor, matter_id: int) -> Query:
    """Return the same for one matter."""
    return _of_one(engine, actor), {"matter_id": matter_id}


@lru_cache(maxsize=512)
def _of_one(engine: Engine, actor: Actor) -> Select[Any]:
    """The statement, kept for each set of roles."""
    return open_rungs(engine, actor).where(Clock.matter_id == bindparam("matter_id"))


def rung_view(session: Session, engine: Engine, row: Any) -> RungView:
    definition = engine.registry.pinned(session, row["procedure_hash"], row["policy_hash"])
    return RungView(
        **{name: row[name] for name in RungView.__slots__ if name in row},
        clock_title=clock_title(definition, row["clock"]),
        state_label=state_label(definition, row["state"]),
    )


_RUNGS = (
    select(
        FiredRung.id, FiredRung.matter_id, FiredRung.rung, FiredRung.due_on, FiredRung.fired_at, FiredRung.did,
        Clock.name.label("clock"), Clock.effective_due, Matter.number, Matter.title, Matter.procedure, Matter.state,
        Matter.unit_id, Matter.level, Matter.procedure_hash, Matter.policy_hash,
        Unit.name.label("unit_name"), Unit.path.label("unit_path"),
    )
    .join(Clock, Clock.id == FiredRung.clock_id)
    .join(Matter, Matter.id == FiredRung.matter_id)
    .join(Unit, Unit.id == Matter.unit_id)
)  # fmt: skip
