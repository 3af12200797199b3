"""`python -m flows.watching`: looks after the flows of several machines, on as many of them as one likes.

Workers run the flows when Prefect says so. The watch asks neither: where a slot has passed that our own record does not
show as served, it does the work itself, as a plain function. So deadlines escalate while Prefect's server is down, its
database lost or every worker gone, some minutes later than otherwise. Rows of the database see to it that of several
watches one acts.
"""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import structlog

from config.settings import BadSettings, Settings, load_settings
from flows import tending
from flows.carrying import utc_now
from flows.clock import UNUSABLE
from flows.deploying import TAG
from flows.execution import carry_out_directly
from flows.schedule import SCHEDULE, Scheduled
from services.db.errors import DubanError
from services.db.patience import persist
from services.runs.incidents import hold_flow, last_served_slot
from services.runs.models import Via
from services.runs.prefect_server import PrefectUnreachable, ask
from services.runs.pulse import DEAD_AFTER, Stopwatch, beating
from services.runs.record import begin_run, end_run, is_paused
from services.runtime import Runtime, runtime
from services.serving.logs import configure_logging
from services.serving.signals import StopSignals

log = structlog.get_logger()

PATIENCE = timedelta(minutes=5)
"""How long a worker has to begin a slot before the watch does its work."""

LOOK_EVERY = timedelta(seconds=30)
DEPLOYMENTS_EVERY = timedelta(minutes=5)
AFTER_AN_ERROR = 30.0
"""Seconds until something is tried again that failed: where the database is away, a line every two seconds tells
nothing new."""


def main() -> int:
    """Run until SIGTERM or SIGINT; work that is going on then is finished first."""
    try:
        settings = load_settings()
    except BadSettings as error:
        sys.stderr.write(f"{error}\n")
        return UNUSABLE
    configure_logging(settings.log_level, settings.log_format)
    if not settings.several_machines:
        log.error("one_machine", mend="duban serve does this on one machine; see deploy/README.md for several")
        return UNUSABLE
    try:
        with StopSignals() as signals, watching(runtime(), SCHEDULE):
            while not signals.stopped:
                signals.wait(None)
    except DubanError as error:
        log.error(error.code, problem=str(error))
        return UNUSABLE
    return 0


@contextmanager
def watching(works: Runtime, schedule: Sequence[Scheduled]) -> Iterator[None]:
    """Everything at its own pace, each in a thread: a flow that takes hours holds no sweep up. Leaving waits."""
    stopwatch = Stopwatch(DEAD_AFTER)
    jobs: list[tuple[str, timedelta, Callable[[], None]]] = [
        ("plan", tending.PLAN_EVERY, partial(tending.note_next, works, schedule)),
        ("requests", tending.REQUESTS_EVERY, partial(tending.serve_requests, works, schedule)),
        ("dead", LOOK_EVERY, partial(tending.bury_the_dead, works, stopwatch)),
        ("troubles", tending.TROUBLES_EVERY, partial(tending.tell_of_troubles, works, schedule)),
        ("prefect", LOOK_EVERY, partial(tending.set_prefect_right, works, schedule)),
        ("deployments", DEPLOYMENTS_EVERY, partial(deploy_if_lost, works.settings)),
        ("housekeeping", tending.HOUSEKEEPING_EVERY, partial(tending.forget_old, works)),
        *((item.name, LOOK_EVERY, partial(catch_up, works, item)) for item in schedule),
    ]
    ending = threading.Event()
    threads = [threading.Thread(target=_repeat, args=(*job, ending), name=job[0]) for job in jobs]
    for thread in threads:
        thread.start()
    log.info("watching", flows=len(schedule), patience_s=int(PATIENCE.total_seconds()))
    try:
        yield
    finally:
        ending.set()
        for thread in threads:
            thread.join()


def _repeat(name: str, every: timedelta, job: Callable[[], None], ending: threading.Event) -> None:
    pause = 0.0
    while not ending.wait(pause):
        pause = every.total_seconds()
        try:
            job()
        except Exception as error:  # whatever it is, it must not end the watch
            log.error("watch_failed", job=name, error=repr(error))
            pause = max(pause, AFTER_AN_ERROR)


def catch_up(works: Runtime, item: Scheduled) -> None:
    """Do the work of a slot that nobody has served in time; on the first start that is every flow's."""
    now = utc_now()
    with works.database.write() as session:
        if not hold_flow(session, item.name) or is_paused(session, item.name):
            return
        if not item.missed_since(last_served_slot(session, item.name), now - PATIENCE):
            return
        run_id = begin_run(session, item.name, tending.slot_or_now(item, now), now, Via.WATCH)
    log.warning("watch_steps_in", flow=item.name)
    with beating(works.database, run_id):
        outcome = carry_out_directly(works, item, Via.WATCH)
    persist(works.database, lambda session: end_run(session, run_id, outcome, utc_now()))


def deploy_if_lost(settings: Settings) -> None:
    """Where Prefect's server has come back with an empty database, give it its deployments again."""
    asked = {"deployments": {"tags": {"all_": [TAG]}}}
    try:
        if ask(settings, "POST", "deployments/count", 5.0, asked):
            return
    except PrefectUnreachable:
        return
    log.warning("deployments_lost")
    subprocess.run([sys.executable, "-m", "flows.deploying"], stdout=subprocess.DEVNULL, check=False, timeout=120)


if __name__ == "__main__":
    sys.exit(main())
