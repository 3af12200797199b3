"""One run of one flow: through Prefect where its server answers, as a plain function where not, recorded either way.

Nothing here imports Prefect before its server has answered once.
"""

import json
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import structlog

from flows.schedule import Scheduled
from services.runs.models import RunState, Via
from services.runs.prefect_server import prefect_status
from services.runs.record import Outcome, begin_run, end_run
from services.runtime import Runtime

log = structlog.get_logger()

_done: ContextVar[list[dict[str, Any]] | None] = ContextVar("done", default=None)


def utc_now() -> datetime:
    """Flows are an edge: here the clock is read."""
    return datetime.now(UTC)


def report(numbers: dict[str, Any]) -> dict[str, Any]:
    """For the body of a flow: log what the work did to Prefect and hand it on, also to a clock that waits for it."""
    from prefect import get_run_logger

    if (done := _done.get()) is not None:
        done.append(numbers)
    get_run_logger().info(json.dumps(numbers, ensure_ascii=False, default=str))
    return numbers


def execute(runtime: Runtime, item: Scheduled, slot: datetime) -> Outcome:
    """Run `item` for its slot, under a new row of the record."""
    with runtime.database.write() as session:
        run_id = begin_run(session, item.name, slot, utc_now())
    return carry_out(runtime, item, run_id)


def carry_out(runtime: Runtime, item: Scheduled, run_id: int) -> Outcome:
    """Run `item` under a row that says it is running, and complete the row. A failure is recorded, not raised."""
    started = time.monotonic()
    outcome = None
    if prefect_status(runtime.settings)["up"]:
        outcome = _through_prefect(item)
    if outcome is None:
        outcome = _directly(runtime, item)
    with runtime.database.write() as session:
        end_run(session, run_id, outcome, utc_now())
    _log(item, outcome, time.monotonic() - started)
    return outcome


def _through_prefect(item: Scheduled) -> Outcome | None:
    """Call the flow; None if Prefect failed before the work was done.

    With `return_state` the work's own failure is a state: what is raised is Prefect's trouble alone. If its server
    died after the work was done, the work's numbers are kept and it is not done again.
    """
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    done: list[dict[str, Any]] = []
    token = _done.set(done)
    try:
        # each run would wait a second for its heartbeat's thread
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            state = item.load_flow()(return_state=True, **item.parameters)
    except Exception as error:
        log.warning("prefect_lost", flow=item.name, error=repr(error), work_done=bool(done))
        return Outcome(RunState.COMPLETED, Via.CLOCK, done[0]) if done else None
    finally:
        _done.reset(token)
    run_id = str(state.state_details.flow_run_id)
    if state.is_completed():
        return Outcome(RunState.COMPLETED, Via.PREFECT, done[0], prefect_run_id=run_id)
    failed = RunState.CRASHED if state.is_crashed() else RunState.FAILED
    return Outcome(failed, Via.PREFECT, error=repr(state.result(raise_on_failure=False)), prefect_run_id=run_id)


def _directly(runtime: Runtime, item: Scheduled) -> Outcome:
    try:
        return Outcome(RunState.COMPLETED, Via.CLOCK, item.load_work()(runtime, utc_now(), **item.parameters))
    except Exception as error:
        log.exception("work_failed", flow=item.name)
        return Outcome(RunState.FAILED, Via.CLOCK, error=repr(error))


def _log(item: Scheduled, outcome: Outcome, seconds: float) -> None:
    tell = log.info if outcome.state is RunState.COMPLETED else log.error
    told = {"result": outcome.result} if outcome.error is None else {"error": outcome.error}
    tell(f"flow_{outcome.state}", flow=item.name, via=str(outcome.via), seconds=round(seconds, 2), **told)
