"""`python -m flows.clock`: wakes the engine at the times of the table. One per data folder.

APScheduler only counts time here; what is due, and whether it was done, stands in the database. A clock that was
down has lost nothing: it looks for missed slots when it starts.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from filelock import FileLock, Timeout

from config.calendar import SHANGHAI
from config.settings import BadSettings, Settings, load_settings
from flows import tending
from flows.carrying import utc_now
from flows.execution import execute
from flows.schedule import SCHEDULE, Scheduled
from flows.unhurried import Unhurried
from services.db.errors import DubanError
from services.db.failures import explain
from services.db.patience import persist
from services.runs.prefect_server import prefect_environ
from services.runs.queries import last_slot
from services.runs.record import crash_left_running, is_paused
from services.runtime import Runtime, runtime
from services.serving.logs import configure_logging
from services.serving.signals import StopSignals

log = structlog.get_logger()

ANOTHER_CLOCK = 75
"""Exit code: another clock holds this data folder (EX_TEMPFAIL, trying again later is right)."""

UNUSABLE = 78
"""Exit code: the settings, the database or the secret file cannot be used (EX_CONFIG)."""

AWAY = 69
"""Exit code: the database does not answer, for longer than its restart takes (EX_UNAVAILABLE)."""

LOOK_EVERY, JUMP = 20.0, 60.0
"""Seconds between two looks whether the machine's clock was set, and how far is more than being kept right."""

CATCH_UP_EVERY, MINUTE = timedelta(minutes=10), timedelta(minutes=1)


def main() -> int:
    """Run until SIGTERM or SIGINT; a job that is running then is finished first."""
    try:
        settings = load_settings()
    except BadSettings as error:
        sys.stderr.write(f"{error}\n")
        return UNUSABLE
    configure_logging(settings.log_level, settings.log_format)
    if settings.several_machines:
        log.error("several_machines", mend="workers run the flows there, see deploy/README.md; start duban watch")
        return UNUSABLE
    os.environ.update(prefect_environ(settings))  # read by Prefect when it is imported, which is later
    try:
        with StopSignals() as signals, only_clock(settings):
            while not signals.stopped:
                with ticking(runtime(), SCHEDULE):
                    _until_time_is_set(signals)
    except Timeout:
        log.error("another_clock", home=str(settings.home), mend="end the other clock, or set DUBAN_HOME")
        return ANOTHER_CLOCK
    except DubanError as error:
        log.error(error.code, problem=str(error))
        return UNUSABLE
    except Exception as error:
        if (meaning := explain(error)) is None:
            raise
        log.error(meaning.code, problem=str(meaning))
        return AWAY
    return 0


def _until_time_is_set(signals: StopSignals) -> None:
    """Return when told to stop, or when the machine's clock was set.

    The scheduler waits for instants that it computed before: after a clock that was years ahead is set right, it
    would sleep for years.
    """
    wall, steady = time.time(), time.monotonic()
    while not signals.stopped:
        signals.wait(LOOK_EVERY)
        jump = (time.time() - wall) - (time.monotonic() - steady)
        if abs(jump) > JUMP:
            log.warning("clock_set", seconds=round(jump))
            return


def only_clock(settings: Settings) -> FileLock:
    """The lock of the data folder's one clock; entering it raises `Timeout` where another holds it."""
    settings.home.mkdir(parents=True, exist_ok=True)
    return FileLock(settings.home / "clock.lock", timeout=0)


@contextmanager
def ticking(works: Runtime, schedule: Sequence[Scheduled]) -> Iterator[BackgroundScheduler]:
    """A started scheduler for a table, after catching up in the background; leaving waits for running jobs."""
    scheduler = BackgroundScheduler(
        timezone=SHANGHAI,
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    _recover(works)
    jobs: list[tuple[str, timedelta, Callable[..., None], tuple[Any, ...]]] = [
        ("requests", tending.REQUESTS_EVERY, tending.serve_requests, (works, schedule)),
        ("housekeeping", tending.HOUSEKEEPING_EVERY, tending.forget_old, (works,)),
        ("prefect", tending.PLAN_EVERY, tending.set_prefect_right, (works, schedule)),
        ("plan", tending.PLAN_EVERY, tending.note_next, (works, schedule)),
    ]
    for name, period, job, args in jobs:
        scheduler.add_job(job, _every(period), args=args, id=name)
    scheduler.modify_job("plan", next_run_time=utc_now())
    for item in schedule:
        grace = int(item.grace.total_seconds())
        scheduler.add_job(_tick, Unhurried(item.trigger()), args=(works, item), id=item.name, misfire_grace_time=grace)
    ending = threading.Event()
    scheduler.add_job(_catch_up, _every(CATCH_UP_EVERY), args=(works, schedule, ending), id="catch_up")
    catching_up = threading.Thread(target=_begin, args=(works, scheduler, schedule, ending), name="catch_up")
    scheduler.start()
    catching_up.start()
    try:
        yield scheduler
    finally:
        ending.set()
        scheduler.shutdown(wait=True)
        catching_up.join()


def _every(period: timedelta) -> Unhurried:
    return Unhurried(IntervalTrigger(seconds=int(period.total_seconds()), timezone=SHANGHAI))


def _recover(works: Runtime) -> None:
    """We hold the clock's lock, so whatever is still marked running died with the clock before."""
    crashed = persist(works.database, lambda session: crash_left_running(session, utc_now()))
    if crashed:
        log.warning("runs_crashed", count=crashed)


def _begin(
    works: Runtime, scheduler: BackgroundScheduler, schedule: Sequence[Scheduled], ending: threading.Event
) -> None:
    """Catch up; only then is anything late: a machine that is off at night has nobody told of that each morning."""
    _catch_up(works, schedule, ending)
    if not ending.is_set():
        look = _every(tending.TROUBLES_EVERY)
        scheduler.add_job(tending.tell_of_troubles, look, args=(works, schedule), id="troubles")


def _catch_up(works: Runtime, schedule: Sequence[Scheduled], ending: threading.Event) -> None:
    """Run every flow of which a slot was missed while no clock ran, or the database was away; on the first start that
    is all of them. A slot of this minute is left to its own tick."""
    for item in schedule:
        now = utc_now()
        last = persist(works.database, partial(last_slot, flow=item.name))
        if item.missed_since(last, now - MINUTE) and not ending.is_set():
            _wake(works, item, now)


def _tick(works: Runtime, item: Scheduled) -> None:
    now = utc_now()
    _wake(works, item, item.last_slot(now) or now)


def _wake(works: Runtime, item: Scheduled, slot: datetime) -> None:
    """Run a flow for its slot, unless somebody paused it: asked each time, so that a pause counts at once."""
    if persist(works.database, partial(is_paused, flow=item.name)):
        log.warning("flow_paused", flow=item.name)
    else:
        execute(works, item, slot)


if __name__ == "__main__":
    sys.exit(main())
