"""Reading the record."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.runs.models import FlowRun, RunState


def list_runs(session: Session, flow: str | None = None, limit: int = 50, before: int | None = None) -> list[FlowRun]:
    """Runs, newest first: of one flow or of all, those with an id under `before` (the last id of the page above)."""
    query = select(FlowRun).order_by(FlowRun.id.desc()).limit(limit)
    if flow is not None:
        query = query.where(FlowRun.flow == flow)
    if before is not None:
        query = query.where(FlowRun.id < before)
    return list(session.scalars(query))


def done_since(session: Session, flow: str, instant: datetime) -> bool:
    """Whether a run that started at the instant or later completed: it did what was due then."""
    done = FlowRun.flow == flow, FlowRun.state == RunState.COMPLETED, FlowRun.started_at >= instant
    return session.scalar(select(FlowRun.id).where(*done).limit(1)) is not None


def last_slot(session: Session, flow: str) -> datetime | None:
    """The latest slot for which the flow was started, however that ended; None if it never was."""
    return session.scalar(select(func.max(FlowRun.scheduled_for)).where(FlowRun.flow == flow))
