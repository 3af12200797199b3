"""What the clock did and when: runs of flows, their logs, and running one again."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.api.shapes import Id, Limit, Listed, Name, Sent, Shown, Words
from services.http.administering import log_deed
from services.http.calls import Administering, Reporting
from services.identity.errors import NotFound
from services.runs.models import FlowRun
from services.runs.overview import refuse_unless_watching
from services.runs.prefect_server import prefect_status, run_logs
from services.runs.queries import list_runs
from services.runs.record import request_run

router = APIRouter(prefix="/runs", tags=["runs"])


class Run(Shown):
    """One run. `result` holds its numbers; `via` says who keeps its log: prefect, or nobody where the clock, the
    watch of several machines, or somebody by `duban sweep` (hand) did the work."""

    id: int
    flow: str
    scheduled_for: datetime
    requested_by: int | None
    state: str
    started_at: datetime | None
    ended_at: datetime | None
    via: str | None
    prefect_run_id: str | None
    result: dict[str, Any] | None
    error: str | None


class LogEntry(Shown):
    at: datetime
    level: str
    text: str


class Scheduler(Shown):
    """Whether the Prefect server answers. Nothing but logs depends on it."""

    up: bool


class Wanted(Sent):
    flow: Name


@router.get("")
def list_flow_runs(
    call: Reporting,
    flow: Annotated[Words | None, Query()] = None,
    cursor: Annotated[Id | None, Query(description="the last id of the page before")] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Listed[Run]:
    """List runs, latest first (those who supervise the whole county, like everything here)."""
    refuse_unless_watching(call.actor)
    with call.read() as session:
        rows = list_runs(session, flow, limit + 1, cursor)
        items = [Run.model_validate(row) for row in rows[:limit]]
    return Listed(items=items, next=str(items[-1].id) if len(rows) > limit else None)


@router.get("/scheduler")
def show_scheduler(call: Reporting) -> Scheduler:
    """Say whether the Prefect server answers."""
    refuse_unless_watching(call.actor)
    return Scheduler.model_validate(prefect_status(call.service.runtime.settings))


@router.get("/{run_id}")
def show_run(run_id: Id, call: Reporting) -> Run:
    """Show one run."""
    refuse_unless_watching(call.actor)
    with call.read() as session:
        if (run := session.get(FlowRun, run_id)) is None:
            raise NotFound(f"there is no run {run_id}", "没有这次运行记录。")
        return Run.model_validate(run)


@router.get("/{run_id}/log")
def show_run_log(run_id: Id, call: Reporting, offset: Annotated[int, Query(ge=0, le=100_000)] = 0) -> list[LogEntry]:
    """Show a run's log, at most 200 lines from `offset` on; a run without Prefect has none."""
    run = show_run(run_id, call)
    if run.prefect_run_id is None:
        return []
    lines = run_logs(call.service.runtime.settings, run.prefect_run_id, offset=offset)
    return [LogEntry.model_validate(line) for line in lines]


@router.post("", status_code=202)
def run_again(body: Wanted, call: Administering) -> Run:
    """Ask the clock to run a flow within seconds; every flow is safe to run twice."""
    refuse_unless_watching(call.actor)
    with call.write() as session:
        shown = Run.model_validate(request_run(session, body.flow, call.now, call.actor.id))
    log_deed(call, "run requested", flow=body.flow, run=shown.id)
    return shown
