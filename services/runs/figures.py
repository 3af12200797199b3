"""What the monitoring of the house asks for, read from the database: every web process gives the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.engine.core import Engine
from services.engine.models import FiredRung
from services.engine.queries.board import Load, loads_of_procedures
from services.identity.access import CLOCK
from services.runs.health import Watch, watch
from services.runs.models import FlowRun, RunState


@dataclass(frozen=True, slots=True)
class Figures:
    """`loads`: of every procedure, as the board counts them; `flows`: when each flow last succeeded.

    `rungs`: fired ever, and how many of them nobody acknowledged.
    """

    loads: Mapping[str, Load]
    rungs: int
    unacknowledged: int
    flows: Mapping[str, datetime]
    watch: Watch


def read_figures(session: Session, engine: Engine, now: datetime) -> Figures:
    """Count; a second or so at a million open matters."""
    rungs, unacknowledged = session.execute(
        select(func.count(), func.count().filter(FiredRung.acknowledged_at.is_(None))).select_from(FiredRung)
    ).one()
    done = select(FlowRun.flow, func.max(FlowRun.ended_at)).where(FlowRun.state == RunState.COMPLETED)
    flows = {flow: at for flow, at in session.execute(done.group_by(FlowRun.flow)) if at}
    return Figures(_loads(session, engine, now), rungs, unacknowledged, flows, watch(session, now))


def _loads(session: Session, engine: Engine, now: datetime) -> dict[str, Load]:
    found = {one.procedure: one.load for one in loads_of_procedures(session, engine, CLOCK, now)}
    return {key: found.get(key, Load(0, 0, 0, 0)) for key in sorted(set(engine.registry.procedures) | set(found))}
