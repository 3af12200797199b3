"""The clock without Prefect: what it runs, when it starts, and that it is alone."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from apscheduler.events import EVENT_JOB_EXECUTED
from filelock import FileLock, Timeout

from flows import tending
from flows.carrying import utc_now
from flows.clock import ANOTHER_CLOCK, UNUSABLE, only_clock, ticking
from flows.execution import execute
from flows.schedule import Scheduled
from services.identity.people import create_person
from services.runs.health import next_times
from services.runs.models import FlowPause, FlowRun, RunState, Via
from services.runs.queries import list_runs
from services.runs.record import FlowPaused, begin_run, request_run
from services.runtime import Runtime

MakeItem = Callable[..., Scheduled]
ROOT = Path(__file__).parents[2]
DRIVER = """
import sys, time, types
from datetime import timedelta
from flows import clock, tending
from flows.schedule import Scheduled
def slow(runtime, now):
    print("working", flush=True)
    time.sleep(1)
    return {"done": 1}
sys.modules["slow_work"] = module = types.ModuleType("slow_work")
module.slow = slow
clock.SCHEDULE = (Scheduled("slow", "慢", "slow_work:slow", "0 0 1 1 *", timedelta(minutes=1)),)
sys.exit(clock.main())
"""


class Work:
    """A plain function that counts its calls and can be waited for."""

    def __init__(self, fails: bool = False) -> None:
        self.calls: list[dict[str, Any]] = []
        self.called = threading.Event()
        self._fails = fails

    def __call__(self, _runtime: Runtime, now: datetime, **parameters: Any) -> dict[str, Any]:
        self.calls.append({"now": now, **parameters})
        self.called.set()
        if self._fails:
            raise LookupError("no such rung")
        return {"due": len(self.calls)}


def runs(works: Runtime) -> list[FlowRun]:
    with works.database.read() as session:
        return list_runs(session)


def test_without_prefect_the_plain_function_runs_and_is_recorded_so(works: Runtime, make_item: MakeItem) -> None:
    work, slot = Work(), utc_now() - timedelta(minutes=1)

    execute(works, make_item(work, limit=5), slot)

    (run,) = runs(works)
    assert (run.flow, run.state, run.via, run.prefect_run_id) == ("probe", "completed", "clock", None)
    assert (run.result, run.scheduled_for) == ({"due": 1}, slot)
    assert run.started_at is not None and run.ended_at is not None
    assert slot < run.started_at <= run.ended_at
    assert [call["limit"] for call in work.calls] == [5]


def test_a_failure_is_recorded_with_its_reason_and_does_not_end_the_clock(works: Runtime, make_item: MakeItem) -> None:
    execute(works, make_item(Work(fails=True)), utc_now())

    (run,) = runs(works)
    assert (run.state, run.via, run.result) == (RunState.FAILED, Via.CLOCK, None)
    assert run.error == "LookupError('no such rung')"


def test_at_start_it_catches_up_with_what_was_missed_and_only_that(works: Runtime, make_item: MakeItem) -> None:
    never, missed, done = Work(), Work(), Work()
    schedule = [
        make_item(never, "never_run"),
        make_item(missed, "missed", cron="* * * * *"),
        make_item(done, "done", cron="0 0 1 1 *"),
    ]
    with works.database.write() as session:
        begin_run(session, "missed", utc_now() - timedelta(days=1), utc_now())
        begin_run(session, "done", utc_now() - timedelta(seconds=1), utc_now())

    with ticking(works, schedule):
        assert never.called.wait(20) and missed.called.wait(20)

    assert not done.calls
    assert len(never.calls) == 1


def test_what_the_clock_before_left_running_is_crashed(works: Runtime, make_item: MakeItem) -> None:
    with works.database.write() as session:
        begin_run(session, "probe", utc_now(), utc_now())

    with ticking(works, []):
        pass

    (run,) = runs(works)
    assert run.state == RunState.CRASHED
    assert run.error and run.ended_at


def test_a_run_that_was_asked_for_starts_within_seconds(works: Runtime, make_item: MakeItem) -> None:
    work = Work()
    item = make_item(work, cron="0 0 1 1 *")
    execute(works, item, utc_now())
    work.called.clear()

    with ticking(works, [item]):
        with works.database.write() as session:
            asked = request_run(session, "probe", utc_now(), None).id
        assert work.called.wait(20)

    run = next(run for run in runs(works) if run.id == asked)
    assert (run.state, run.result) == ("completed", {"due": 2})


def test_a_request_for_what_is_no_longer_scheduled_fails_and_says_so(works: Runtime, make_item: MakeItem) -> None:
    execute(works, make_item(Work(), "gone"), utc_now())
    follower = Work()
    item = make_item(follower, cron="0 0 1 1 *")
    execute(works, item, utc_now())
    follower.called.clear()
    with works.database.write() as session:
        asked = request_run(session, "gone", utc_now(), None).id
        request_run(session, "probe", utc_now(), None)

    with ticking(works, [item]):
        assert follower.called.wait(20)  # asked for later, so the one before has been dealt with

    run = next(run for run in runs(works) if run.id == asked)
    assert (run.state, run.via, run.error) == ("failed", None, "it is no longer scheduled")


def test_a_data_folder_has_one_clock(works: Runtime) -> None:
    with only_clock(works.settings), pytest.raises(Timeout), only_clock(works.settings):
        pass


def clock_process(works: Runtime, *, code: str = DRIVER, **environ: str) -> "subprocess.Popen[str]":
    settings = works.settings.model_copy(update={"database_url": works.database.url.render_as_string(False)})
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=settings.as_environ() | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_second_clock_ends_with_its_own_exit_code(works: Runtime) -> None:
    with FileLock(works.settings.home / "clock.lock"):
        process = clock_process(works)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == ANOTHER_CLOCK
    assert "another_clock" in output


def test_bad_settings_end_it_with_a_list(works: Runtime) -> None:
    process = clock_process(works, DUBAN_PORT="x", DUBAN_PAKC="y")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == UNUSABLE
    assert "DUBAN_PORT" in output and "DUBAN_PAKC" in output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_finishes_the_job_it_is_at(works: Runtime, number: signal.Signals) -> None:
    process = clock_process(works)
    assert process.stdout
    while process.stdout.readline() != "working\n":
        assert process.poll() is None
    process.send_signal(number)
    process.communicate(timeout=60)

    assert process.returncode == 0
    (run,) = runs(works)
    assert (run.state, json.dumps(run.result)) == ("completed", '{"done": 1}')


def _pause(works: Runtime, flow: str) -> None:
    with works.database.write() as session:
        person = create_person(session, "李主任", utc_now()).id
        session.add(FlowPause(flow=flow, reason="检修", paused_at=utc_now(), paused_by=person))


def test_a_paused_flow_is_left_out_also_when_prefect_is_down(works: Runtime, make_item: MakeItem) -> None:
    paused, other = Work(), Work()
    quiet = make_item(paused, name="quiet", cron="* * * * *")
    _pause(works, "quiet")
    with ticking(works, [quiet, make_item(other)]) as scheduler:
        assert other.called.wait(20)  # caught up after the paused one was passed over
        scheduler.get_job("quiet").func(*scheduler.get_job("quiet").args)
    assert paused.calls == []
    assert {run.flow for run in runs(works)} == {"probe"}


def test_a_request_made_before_the_pause_does_not_slip_through(works: Runtime, make_item: MakeItem) -> None:
    work = Work()
    item = make_item(work)
    execute(works, item, utc_now())
    with works.database.write() as session:
        request_run(session, "probe", utc_now(), None)
    _pause(works, "probe")
    tending.serve_requests(works, [item])
    assert len(work.calls) == 1
    latest, _ = runs(works)
    assert (latest.state, latest.error) == ("failed", "it was paused meanwhile")
    with works.database.write() as session, pytest.raises(FlowPaused):
        request_run(session, "probe", utc_now(), None)


def test_the_clock_notes_its_plan_as_soon_as_it_runs(works: Runtime, make_item: MakeItem) -> None:
    noted = threading.Event()
    with ticking(works, [make_item(Work())]) as scheduler:
        scheduler.add_listener(lambda event: event.job_id == "plan" and noted.set(), EVENT_JOB_EXECUTED)
        scheduler.modify_job("plan", next_run_time=utc_now())
        assert noted.wait(20)
        expected = scheduler.get_job("probe").next_run_time
    with works.database.read() as session:
        assert next_times(session, utc_now()) == {"probe": expected}
