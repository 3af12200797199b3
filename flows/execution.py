"""One run of one flow: through Prefect where its server answers, as a plain function where not, recorded either way.

Nothing here imports Prefect before its server has answered once.
"""

import time
from datetime import datetime

import structlog
from structlog.contextvars import bound_contextvars

from flows.carrying import Waker, present, utc_now, woken_by
from flows.schedule import Scheduled
from services.db.patience import persist
from services.runs.models import RunState, Via
from services.runs.prefect_server import prefect_status
from services.runs.pulse import beating
from services.runs.record import Outcome, begin_run, end_run
from services.runs.timekeeping import ClockWrong
from services.runtime import Runtime

log = structlog.get_logger()


def execute(runtime: Runtime, item: Scheduled, slot: datetime) -> Outcome:
    """Run `item` for its slot, under a new row of the record."""
    run_id = persist(runtime.database, lambda session: begin_run(session, item.name, slot, utc_now()))
    return carry_out(runtime, item, run_id)


def carry_out(runtime: Runtime, item: Scheduled, run_id: int) -> Outcome:
    """Run `item` under a row that says it is running, and complete the row. A failure is recorded, not raised."""
    started = time.monotonic()
    outcome = None
    with bound_contextvars(flow=item.name, run=run_id), beating(runtime.database, run_id):
        if prefect_status(runtime.settings)["up"]:
            outcome = _through_prefect(item, run_id)
        if outcome is None:
            outcome = carry_out_directly(runtime, item)
    # the work is done: a database that is away just now must not leave a run that seems to go on for ever
    persist(runtime.database, lambda session: end_run(session, run_id, outcome, utc_now()))
    _log(item, outcome, time.monotonic() - started)
    return outcome


def _through_prefect(item: Scheduled, run_id: int) -> Outcome | None:
    """Call the flow; None if Prefect failed before the work was done.

    With `return_state` the work's own failure is a state: what is raised is Prefect's trouble alone. If its server
    died after the work was done, the work's numbers are kept and it is not done again.
    """
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    waker = Waker(run_id)
    try:
        # each run would wait a second for its heartbeat's thread
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}), woken_by(waker):
            state = item.load_flow()(return_state=True, **item.parameters)
    except Exception as error:
        log.warning("prefect_lost", flow=item.name, error=repr(error), work_done=bool(waker.done))
        return Outcome(RunState.COMPLETED, Via.CLOCK, waker.done[0]) if waker.done else None
    prefect_run = str(state.state_details.flow_run_id)
    if state.is_completed():
        return Outcome(RunState.COMPLETED, Via.PREFECT, waker.done[0], prefect_run_id=prefect_run)
    failed = RunState.CRASHED if state.is_crashed() else RunState.FAILED
    return Outcome(failed, Via.PREFECT, error=repr(state.result(raise_on_failure=False)), prefect_run_id=prefect_run)


def carry_out_directly(runtime: Runtime, item: Scheduled, via: Via = Via.CLOCK) -> Outcome:
    """Run the plain function, without Prefect; nothing is recorded."""
    try:
        return Outcome(RunState.COMPLETED, via, item.load_work()(runtime, present(runtime), **item.parameters))
    except ClockWrong as error:
        return Outcome(RunState.FAILED, via, error=repr(error))
    except Exception as error:
        log.exception("work_failed", flow=item.name)
        return Outcome(RunState.FAILED, via, error=repr(error))


def _log(item: Scheduled, outcome: Outcome, seconds: float) -> None:
    tell = log.info if outcome.state is RunState.COMPLETED else log.error
    told = {"result": outcome.result} if outcome.error is None else {"error": outcome.error}
    tell(f"flow_{outcome.state}", flow=item.name, via=str(outcome.via), seconds=round(seconds, 2), **told)
