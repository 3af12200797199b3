"""What the clock of one machine and the watch of several both do for the flows: run what people asked for, find runs
whose process died, tell of troubles, and set Prefect right."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from flows.carrying import present, utc_now
from flows.execution import carry_out
from flows.schedule import Scheduled
from services.ledgers.exports import tidy_up
from services.runs.health import note_plan
from services.runs.incidents import forget_closed_before, hold_flow, last_regular_slot, note_trouble, tell
from services.runs.models import RunState
from services.runs.prefect_runs import cancel_superseded, settle
from services.runs.prefect_server import PrefectUnreachable, prefect_status
from services.runs.pulse import Stopwatch, beats_of_running, crash
from services.runs.record import Outcome, claim_requested, end_run, forget_ended_before, is_paused
from services.runs.timekeeping import doubt
from services.runtime import Runtime

log = structlog.get_logger()

REQUESTS_EVERY = timedelta(seconds=2)
PLAN_EVERY = timedelta(minutes=1)
TROUBLES_EVERY = timedelta(seconds=30)
HOUSEKEEPING_EVERY = timedelta(hours=1)
KEEP_RUNS = timedelta(days=90)
"""How long the record of runs is kept; Prefect keeps its own as long."""

LATE_AFTER = timedelta(minutes=15)
"""How long after its slot a flow that has not started is told of: a worker may be busy with another for a while."""


def serve_requests(works: Runtime, schedule: Sequence[Scheduled]) -> None:
    """Run what people asked for, oldest first."""
    items = {item.name: item for item in schedule}
    while True:
        with works.database.write() as session:
            run = claim_requested(session, utc_now())
            if run is None:
                return
            if run.flow not in items:  # the table has changed since it ran
                end_run(session, run.id, Outcome(RunState.FAILED, error="it is no longer scheduled"), utc_now())
                continue
            if is_paused(session, run.flow):  # between the request and now
                end_run(session, run.id, Outcome(RunState.FAILED, error="it was paused meanwhile"), utc_now())
                continue
        carry_out(works, items[run.flow], run.id)


def note_next(works: Runtime, schedule: Sequence[Scheduled]) -> None:
    """Show that somebody looks after the flows, and when each runs next."""
    now = utc_now()
    with works.database.write() as session:
        note_plan(session, {item.name: item.next_slot(now) for item in schedule}, now)


def bury_the_dead(works: Runtime, stopwatch: Stopwatch) -> None:
    """Mark runs crashed whose beats have stood still. An error forgets what was seen: see `services/runs/pulse.py`."""
    try:
        with works.database.read() as session:
            counts = beats_of_running(session)
        still = stopwatch.stood_still(counts, time.monotonic())
        if not still:
            return
        with works.database.write() as session:
            marked = crash(session, still, utc_now())
    except Exception:
        stopwatch.forget()
        raise
    if marked:
        log.warning("runs_crashed", runs=marked)


def tell_of_troubles(works: Runtime, schedule: Sequence[Scheduled]) -> None:
    """Tell supervisors of what is late, failed or crashed, once; and note what has come right."""
    now, troubles = utc_now(), []
    with works.database.write() as session:
        if doubt(session, now) is not None:  # a clock that is years ahead finds everything late
            return
        for item in schedule:
            if not hold_flow(session, item.name) or is_paused(session, item.name):
                continue
            late = item.slot_missed(last_regular_slot(session, item.name), now - LATE_AFTER)
            if (told := note_trouble(session, item.name, late, now)) is not None:
                troubles.append(told)
        tell(session, troubles, now)
    for told in troubles:
        log.error("flow_in_trouble", flow=told.flow, trouble=str(told.trouble), at=told.at.isoformat())


def set_prefect_right(works: Runtime, schedule: Sequence[Scheduled]) -> None:
    """Give up in Prefect what is dead or has been overtaken; nothing where its server does not answer."""
    if not prefect_status(works.settings)["up"]:
        return
    names, now = [item.name.replace("_", "-") for item in schedule], utc_now()
    try:
        settled = settle(works.settings, works.database, names, now)
        cancelled = cancel_superseded(works.settings, names, now)
    except PrefectUnreachable as error:
        log.warning("prefect_lost", error=repr(error.__cause__))
        return
    if settled or cancelled:
        log.warning("prefect_set_right", cancelled=cancelled, **settled)


def forget_old(works: Runtime) -> None:
    """Keep the record of runs short, and exports that nobody fetched away."""
    now = present(works)
    with works.database.write() as session:
        forget_ended_before(session, now - KEEP_RUNS)
        forget_closed_before(session, now - KEEP_RUNS)
    tidy_up(works, now)


def slot_or_now(item: Scheduled, now: datetime) -> datetime:
    """The slot that a run starting now belongs to."""
    return item.last_slot(now) or now
