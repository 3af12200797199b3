"""Writing the record: a run begins, ends, is asked for, or is found dead."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from services.db.errors import DubanError
from services.engine.errors import Conflict
from services.runs.models import FlowPause, FlowRun, RunState, Via


class UnknownFlow(DubanError):
    """A run was asked for of a flow that has never run here."""

    code: ClassVar[str] = "unknown_flow"
    status: ClassVar[int] = 404

    def __init__(self, flow: str) -> None:
        super().__init__(f"no flow named {flow} has run here; see the list of runs", f"没有名为 {flow} 的流程。")


class FlowPaused(Conflict):
    """A run was asked for of a flow that somebody paused."""

    code: ClassVar[str] = "flow_paused"

    def __init__(self) -> None:
        super().__init__("this flow is paused; resume it first", "该任务已暂停，请先恢复再运行")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. `error` is text for people, None when it completed; `via` is None if nobody ran it."""

    state: RunState
    via: Via | None = None
    result: dict[str, Any] | None = None
    error: str | None = None
    prefect_run_id: str | None = None


def begin_run(
    session: Session, flow: str, scheduled_for: datetime, now: datetime, via: Via | None = None,
    prefect_run_id: str | None = None,
) -> int:  # fmt: skip
    """Record that `flow` starts now for its slot; the row's id."""
    run = FlowRun(
        flow=flow, scheduled_for=scheduled_for, started_at=now, state=RunState.RUNNING, via=via,
        prefect_run_id=prefect_run_id,
    )  # fmt: skip
    session.add(run)
    session.flush()
    return run.id


def note_prefect_run(session: Session, run_id: int, prefect_run_id: str) -> None:
    """Record under which id Prefect keeps a run that has begun."""
    session.execute(update(FlowRun).where(FlowRun.id == run_id).values(prefect_run_id=prefect_run_id))


def end_run(session: Session, run_id: int, outcome: Outcome, now: datetime) -> None:
    """Record how the run ended, also where it had been given up for dead."""
    session.execute(
        update(FlowRun)
        .where(FlowRun.id == run_id)
        .values(
            state=outcome.state,
            via=outcome.via,
            result=outcome.result,
            error=outcome.error,
            prefect_run_id=outcome.prefect_run_id,
            ended_at=now,
        )
    )


def request_run(session: Session, flow: str, now: datetime, by: int | None) -> FlowRun:
    """Ask the clock to run `flow` within seconds, for person `by`; a request still waiting is returned instead.

    Raises `FlowPaused`, and `UnknownFlow`: the clock runs every flow of its table once when it first starts, so one
    without a single row is not in the table.
    """
    waiting = select(FlowRun).where(FlowRun.flow == flow, FlowRun.state == RunState.REQUESTED)
    if run := session.scalars(waiting).first():
        return run
    if session.scalar(select(FlowRun.id).where(FlowRun.flow == flow).limit(1)) is None:
        raise UnknownFlow(flow)
    if is_paused(session, flow):
        raise FlowPaused
    run = FlowRun(flow=flow, scheduled_for=now, requested_by=by, state=RunState.REQUESTED)
    session.add(run)
    session.flush()
    return run


def is_paused(session: Session, flow: str) -> bool:
    """Whether somebody stopped this flow and nobody let it run again."""
    active = select(FlowPause.id).where(FlowPause.flow == flow, FlowPause.resumed_at.is_(None))
    return session.scalar(active) is not None


def claim_requested(session: Session, now: datetime) -> FlowRun | None:
    """The oldest request, now marked running; None if nobody waits."""
    oldest = select(FlowRun).where(FlowRun.state == RunState.REQUESTED).order_by(FlowRun.id).limit(1)
    run = session.scalars(oldest.with_for_update(skip_locked=True)).first()
    if run is not None:
        run.state, run.started_at = RunState.RUNNING, now
        session.flush()
    return run


def crash_left_running(session: Session, now: datetime) -> int:
    """Mark what a dead clock left running; how many. Only for the one who holds the clock's lock."""
    crashed = session.execute(
        update(FlowRun)
        .where(FlowRun.state == RunState.RUNNING)
        .values(
            state=RunState.CRASHED,
            ended_at=now,
            error="the clock ended during this run; the next one catches up",
        )
        .returning(FlowRun.id)
    )
    return len(crashed.all())


def forget_ended_before(session: Session, before: datetime) -> int:
    """Delete runs that ended before the instant; how many. They are about the machine, not about any matter."""
    gone = session.execute(delete(FlowRun).where(FlowRun.ended_at < before).returning(FlowRun.id))
    return len(gone.all())
