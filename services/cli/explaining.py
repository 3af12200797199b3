"""A clock as `duban clock explain` tells it, to whoever runs the machine: no scope applies."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.cli.refusals import BadArgument
from services.engine.clocks import explain
from services.engine.core import Engine
from services.engine.models import Clock, FiredRung, Matter


def explanation(engine: Engine, session: Session, clock_id: int) -> dict[str, Any]:
    """Return the clock, its dates, the steps that lead to them, and its ladder with what fired when."""
    found = session.execute(
        select(Clock, Matter).join(Matter, Matter.id == Clock.matter_id).where(Clock.id == clock_id)
    ).one_or_none()
    if found is None:
        raise BadArgument(f"there is no clock {clock_id}")
    clock, matter = found
    rule = engine.registry.pinned(session, matter.procedure_hash, matter.policy_hash).policy.clocks[clock.name]
    row = {column.name: getattr(clock, column.name) for column in Clock.__table__.columns}
    due = explain(row, rule, engine.calendar)
    fired = {f.rung: f for f in session.scalars(select(FiredRung).where(FiredRung.clock_id == clock_id))}
    return {
        "clock_id": clock.id, "clock": clock.name, "title": rule.title, "source": rule.source,
        "verified": rule.verified, "matter_id": matter.id, "number": matter.number, "matter_title": matter.title,
        "state": clock.state, "outcome": clock.outcome, "anchor": clock.anchor, "budget": clock.budget,
        "nominal_due": due.nominal, "effective_due": due.effective, "provisional": due.provisional,
        "calendar": engine.calendar.version, "steps": [asdict(step) for step in due.steps],
        "ladder": [_rung(rung.at, rung.do, fired.get(rung.at)) for rung in rule.ladder],
    }  # fmt: skip


def _rung(at: str, do: tuple[str, ...], fired: FiredRung | None) -> dict[str, Any]:
    return {
        "at": at,
        "do": list(do),
        "fired_at": fired.fired_at if fired else None,
        "acknowledged_at": fired.acknowledged_at if fired else None,
    }
