"""The machine's clock jumps: nothing fires that should not, nothing stands still for longer than the mistake lasts."""

import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import flows.carrying
import flows.execution
from config.settings import Settings
from flows.execution import execute
from flows.schedule import SCHEDULE
from services.db.session import Database
from services.engine.models import FiredRung
from services.identity.sealing import Vault
from services.runs import timekeeping
from services.runs.health import watch
from services.runs.models import FlowRun
from services.runs.queries import list_runs
from services.runs.timekeeping import ASLEEP_AT_MOST, BACK, ClockWrong, confirm, doubt, trusted_now
from services.runtime import Runtime
from tests.support.cast import County
from tests.support.figures import tell
from tests.support.invariants import rows_of
from tests.support.rungs import assert_each_rung_once, overdue

ROOT = Path(__file__).parents[2]
SWEEP = next(item for item in SCHEDULE if item.name == "escalate_overdue")
YEARS = timedelta(days=3650)
SetTime = Callable[[datetime], None]


@pytest.fixture
def works(county: County, vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    monkeypatch.setattr(timekeeping, "server_now", lambda session: None)  # the county lives in 2016
    return Runtime(Settings(home=tmp_path, prefect_port=1), county.database, vault)


@pytest.fixture
def set_time(monkeypatch: pytest.MonkeyPatch) -> SetTime:
    """Set the clock that flows read."""

    def set_both(at: datetime) -> None:
        monkeypatch.setattr(flows.carrying, "utc_now", lambda: at)
        monkeypatch.setattr(flows.execution, "utc_now", lambda: at)

    return set_both


def _fired(county: County) -> int:
    with county.database.read() as session:
        return len(rows_of(session, FiredRung))


def _last_run(works: Runtime) -> FlowRun:
    with works.database.read() as session:
        return list_runs(session)[0]


@pytest.mark.parametrize("jump", [YEARS, ASLEEP_AT_MOST + timedelta(hours=1), -YEARS, -BACK - timedelta(minutes=1)])
def test_a_sweep_at_a_time_that_cannot_be_does_nothing_and_says_so(
    county: County, works: Runtime, set_time: SetTime, jump: timedelta
) -> None:
    overdue(county, 2)
    right = county.now
    set_time(right)
    execute(works, SWEEP, right)
    before = _fired(county)
    assert before > 0

    set_time(right + jump)
    execute(works, SWEEP, right + jump)
    run = _last_run(works)
    assert run.state == "failed" and "ClockWrong" in (run.error or "")
    assert _fired(county) == before
    with works.database.read() as session:
        seen = watch(session, right + jump)
        assert seen.time_wrong and "请校准服务器时间" in seen.time_wrong and seen.alarming

    later = right + timedelta(minutes=10)
    set_time(later)
    execute(works, SWEEP, later)
    assert _last_run(works).state == "completed"
    with works.database.read() as session:
        seen = watch(session, later + timedelta(minutes=1))
        assert seen.time_wrong is None and not seen.overdue
    assert _fired(county) == before
    assert_each_rung_once(county)
    tell("the clock jumps", days=jump.days, fired_wrongly=0)


@pytest.mark.parametrize("asleep", [timedelta(days=1), timedelta(days=12), ASLEEP_AT_MOST])
def test_an_office_that_was_switched_off_over_the_holidays_catches_up(
    county: County, works: Runtime, set_time: SetTime, asleep: timedelta
) -> None:
    overdue(county, 1)
    trusted_now(works, county.now)
    county.now += asleep
    set_time(county.now)
    execute(works, SWEEP, county.now)
    assert _last_run(works).state == "completed" and _fired(county) > 0
    assert_each_rung_once(county)


def test_after_a_longer_sleep_somebody_says_that_the_clock_is_right(county: County, works: Runtime) -> None:
    trusted_now(works, county.now)
    later = county.now + YEARS
    with pytest.raises(ClockWrong, match=r"says 2026-\d\d-\d\d 10:00, but the latest run was at 2016-03-01 10:00"):
        trusted_now(works, later)
    with works.database.write() as session:
        confirm(session, later)
    assert trusted_now(works, later + timedelta(minutes=5))
    with pytest.raises(ClockWrong), works.database.write() as session:  # and back, when that was the mistake
        raise doubt(session, county.now) or AssertionError
    with works.database.write() as session:
        confirm(session, county.now)
    assert trusted_now(works, county.now)


def test_two_machines_may_differ_a_little(county: County, works: Runtime) -> None:
    for seconds in (0, 300, -200, 310):
        trusted_now(works, county.now + timedelta(seconds=seconds))


def test_the_database_server_is_asked_for_the_time_where_it_has_one(county: County, vault: Vault) -> None:
    now = datetime.now(UTC)
    with county.database.read() as session:
        kind = county.database.engine.dialect.name
        assert doubt(session, now) is None
        assert (doubt(session, now + timedelta(hours=1)) is not None) == (kind == "postgresql")


DRIVER = """
import signal, sys, time, types
from datetime import datetime, timedelta
import apscheduler.schedulers.base as base
from apscheduler.triggers.interval import IntervalTrigger
import apscheduler.triggers.interval as interval
from config.calendar import SHANGHAI
from flows import clock, tending
offset, later = [float(sys.argv[1])], float(sys.argv[2])
class Shifted(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + timedelta(seconds=offset[0])
base.datetime = interval.datetime = Shifted
clock.utc_now = lambda: Shifted.now(SHANGHAI)
clock.time = types.SimpleNamespace(time=lambda: time.time() + offset[0], monotonic=time.monotonic)
clock.LOOK_EVERY = 0.2
tending.PLAN_EVERY = timedelta(seconds=1)
tending.note_next = lambda *_: print("alive", flush=True)
clock.SCHEDULE = ()
signal.signal(signal.SIGUSR1, lambda *_: offset.__setitem__(0, later))
sys.exit(clock.main())
"""


@pytest.mark.parametrize(
    ("ahead", "later"), [(YEARS, timedelta(0)), (timedelta(hours=-3), timedelta(0)), (timedelta(0), YEARS)]
)
def test_a_clock_that_is_set_while_the_scheduler_waits_does_not_put_it_to_sleep(
    sqlite: Database, vault: Vault, tmp_path: Path, ahead: timedelta, later: timedelta
) -> None:
    """A scheduler that computed its next times while the machine was years ahead would sleep for years; one whose
    machine jumps ahead would count every second of them."""
    settings = Settings(home=tmp_path, prefect_port=1, database_url=sqlite.url.render_as_string(False))
    command = [sys.executable, "-c", DRIVER, str(ahead.total_seconds()), str(later.total_seconds())]
    with subprocess.Popen(
        command, cwd=ROOT, env=settings.as_environ(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout
        try:
            for _ in range(2):
                assert process.stdout.readline() == "alive\n"
            process.send_signal(signal.SIGUSR1)
            for _ in range(3):  # the first may have been on its way
                assert process.stdout.readline() == "alive\n"
        finally:
            process.terminate()
    assert process.returncode == 0
