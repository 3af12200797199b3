"""Reads a matter with everything a decision needs, in few statements and one lock order: matter, then its clocks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from config.calendar import local_date
from services.engine import clocks as clk
from services.engine.core import Engine
from services.engine.errors import MatterNotFound
from services.engine.models import Clock, Exclusion, Matter, WorkItem
from services.engine.registry import Definition
from services.identity.access import Actor
from services.identity.models import Unit
from statemachines.kit.situation import Move, Other, Situation, Step

TURN = "turn"
"""The kind of work item that a state gives; other kinds are side requests, named after the action that answers them."""

_ORIGIN = aliased(Unit)
_MATTER = (
    select(
        *Matter.__table__.columns,
        Unit.path.label("unit_path"),
        Unit.kind.label("unit_kind"),
        _ORIGIN.path.label("origin_path"),
    )
    .join(Unit, Unit.id == Matter.unit_id)
    .join(_ORIGIN, _ORIGIN.id == Matter.origin_unit_id)
)
_ITEMS = select(*WorkItem.__table__.columns).where(WorkItem.closed_at.is_(None)).order_by(WorkItem.id)
_CLOCKS = select(*Clock.__table__.columns).where(Clock.state != clk.STOPPED).order_by(Clock.id)
_EXCLUDED = select(Exclusion.person_id, Exclusion.unit_id)


@dataclass
class Loaded:
    """A matter as it stands inside this transaction. `clocks` are those running or suspended."""

    row: Mapping[str, Any]
    definition: Definition
    clocks: list[dict[str, Any]]
    items: list[Mapping[str, Any]]
    people: frozenset[int]
    units: frozenset[int]
    others: dict[int, Other] = field(default_factory=dict)

    @property
    def id(self) -> int:
        return int(self.row["id"])

    @property
    def turn(self) -> Mapping[str, Any] | None:
        """Return the open work item of the present state."""
        return next((i for i in self.items if i["kind"] == TURN), None)

    def situation(self, actor: Actor, now: datetime, behalf_of: int | None = None) -> Situation:
        record = self.row["record"]
        return Situation(
            state=self.row["state"],
            policy=self.definition.policy,
            now=now,
            today=local_date(now),
            actor=actor.id,
            behalf_of=behalf_of,
            unit_kind=self.row["unit_kind"],
            steps={a: Step(s["by"], s["at"], s["answers"]) for a, s in record["steps"].items()},
            trail=tuple(Move(*m) for m in record["trail"]),
            actors={a: frozenset(ids) for a, ids in record["actors"].items()},
            duties=frozenset(c["name"] for c in self.clocks if c["duty"]),
            clocks={c["name"]: c["state"] for c in self.clocks},
            pending=frozenset(c["name"] for c in self.clocks if c["ledger"]["requested"]),
            overdue=frozenset(c["name"] for c in self.clocks if clk.is_overdue(c, now)),
            others=self.others,
        )


def load(engine: Engine, session: Session, matter_id: int, *, lock: bool = False) -> Loaded:
    """Return a matter, locked with its clocks until the transaction ends if asked; raise MatterNotFound."""
    matter, clocks = _MATTER.where(Matter.id == matter_id), _CLOCKS.where(Clock.matter_id == matter_id)
    if lock:
        matter, clocks = matter.with_for_update(of=Matter.__table__), clocks.with_for_update()
    row = session.execute(matter).mappings().one_or_none()
    if row is None:
        raise MatterNotFound
    excluded = session.execute(_EXCLUDED.where(Exclusion.matter_id == matter_id)).all()
    return Loaded(
        row=dict(row),
        definition=engine.registry.pinned(session, row["procedure_hash"], row["policy_hash"]),
        clocks=[dict(c) for c in session.execute(clocks).mappings()],
        people=frozenset(p for p, _ in excluded if p is not None),
        items=[dict(i) for i in session.execute(_ITEMS.where(WorkItem.matter_id == matter_id)).mappings()],
        units=frozenset(u for _, u in excluded if u is not None),
        others=load_others(session, row["record"]["refs"]),
    )


def load_others(session: Session, ids: list[int]) -> dict[int, Other]:
    """Return the matters that answers refer to, as guards may see them."""
    if not ids:
        return {}
    rows = session.execute(
        select(Matter.id, Matter.procedure, Matter.state, Matter.closed_at, Matter.event_on, Matter.record).where(
            Matter.id.in_(ids)
        )
    )
    return {
        r.id: Other(
            r.id, r.procedure, r.state, r.closed_at is not None, r.event_on,
            {a: Step(s["by"], s["at"], s["answers"]) for a, s in r.record["steps"].items()},
        )
        for r in rows
    }  # fmt: skip
