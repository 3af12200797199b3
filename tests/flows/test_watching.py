"""The watch of several machines, without Prefect: what it does itself, when, and that one of several does it."""

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows import clock, tending, watching
from flows.carrying import utc_now
from flows.schedule import Scheduled
from services.db.session import Database
from services.identity.people import create_person
from services.identity.sealing import Vault
from services.runs.incidents import open_troubles
from services.runs.models import FlowPause, FlowRun, RunState, Via
from services.runs.queries import list_runs
from services.runs.record import Outcome, begin_run, end_run
from services.runs.timekeeping import trusted_now
from services.runtime import Runtime
from tests.serving.conftest import until

MakeItem = Callable[..., Scheduled]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def both(database: Database, vault: Vault, works: Runtime) -> Runtime:
    """The runtime on either kind of database."""
    return Runtime(works.settings, database, vault)


def runs(works: Runtime) -> list[FlowRun]:
    with works.database.read() as session:
        return list_runs(session)


def ran(works: Runtime, slot: datetime, state: RunState = RunState.COMPLETED) -> None:
    with works.database.write() as session:
        run = begin_run(session, "probe", slot, slot, Via.PREFECT)
        if state is not RunState.RUNNING:
            end_run(session, run, Outcome(state, Via.PREFECT), slot)


def look(works: Runtime, item: Scheduled) -> None:
    tending.note_next(works, [item])
    watching.catch_up(works, item)


def test_a_slot_that_no_worker_served_in_time_is_served_once(both: Runtime, make_item: MakeItem) -> None:
    item = make_item(lambda _runtime, _now: {"fired": 3}, cron="* * * * *")
    ran(both, utc_now() - timedelta(minutes=8))

    look(both, item)
    look(both, item)

    latest, _ = runs(both)
    assert (latest.state, latest.via, latest.result) == (RunState.COMPLETED, Via.WATCH, {"fired": 3})
    assert utc_now() - latest.scheduled_for < timedelta(minutes=1), "the latest slot does the work of all"


@pytest.mark.parametrize("state", [RunState.COMPLETED, RunState.FAILED, RunState.RUNNING])
def test_workers_have_their_time_first(works: Runtime, make_item: MakeItem, state: RunState) -> None:
    item = make_item(lambda _runtime, _now: {}, cron="* * * * *")
    ran(works, utc_now() - timedelta(minutes=3), state)
    look(works, item)
    assert len(runs(works)) == 1


def test_a_run_that_died_is_done_again_a_failed_one_at_its_next_slot(works: Runtime, make_item: MakeItem) -> None:
    now = utc_now()
    hourly = make_item(lambda _runtime, _now: {}, cron=f"{(now - timedelta(minutes=10)).minute} * * * *")
    slot = hourly.last_slot(now)
    assert slot is not None
    ran(works, slot - timedelta(hours=1))
    ran(works, slot, RunState.FAILED)
    look(works, hourly)
    assert len(runs(works)) == 2
    with works.database.write() as session:
        end_run(session, runs(works)[0].id, Outcome(RunState.CRASHED), now)
    look(works, hourly)
    assert [run.state for run in runs(works)] == [RunState.COMPLETED, RunState.CRASHED, RunState.COMPLETED]
    assert runs(works)[0].via == Via.WATCH


def test_what_people_paused_stays_paused(works: Runtime, make_item: MakeItem) -> None:
    item = make_item(lambda _runtime, _now: {}, cron="* * * * *")
    with works.database.write() as session:
        person = create_person(session, "李主任", utc_now()).id
        session.add(FlowPause(flow="probe", reason="检修", paused_at=utc_now(), paused_by=person))
    look(works, item)
    tending.tell_of_troubles(works, [item])
    assert runs(works) == []


def test_what_a_wrong_clock_calls_late_is_told_to_nobody(
    works: Runtime, make_item: MakeItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = make_item(lambda _runtime, _now: {}, cron="* * * * *")
    trusted_now(works, utc_now())
    ran(works, utc_now() - timedelta(minutes=2))
    tending.note_next(works, [item])
    monkeypatch.setattr(tending, "LATE_AFTER", timedelta(0))
    for years, troubles in ((4, {}), (0, {"probe": "late"})):
        monkeypatch.setattr(tending, "utc_now", lambda years=years: utc_now() + timedelta(days=365 * years))
        tending.tell_of_troubles(works, [item])
        with works.database.read() as session:
            assert open_troubles(session) == troubles


def test_of_several_watches_one_acts(postgres: Database, vault: Vault, works: Runtime, make_item: MakeItem) -> None:
    shared = Runtime(works.settings, postgres, vault)
    item = make_item(lambda _runtime, _now: {}, cron="* * * * *")
    tending.note_next(shared, [item])
    together = threading.Barrier(4)

    def one_watch() -> None:
        together.wait()
        watching.catch_up(shared, item)

    threads = [threading.Thread(target=one_watch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs(shared)) == 1


def test_it_does_everything_at_its_own_pace_and_an_error_ends_nothing(
    works: Runtime, make_item: MakeItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LOOK_EVERY", timedelta(milliseconds=10))
    monkeypatch.setattr(watching, "AFTER_AN_ERROR", 0.01)
    looked: list[int] = []

    def broken(*_: Any) -> None:
        looked.append(1)
        raise OSError("no database")

    monkeypatch.setattr(tending, "bury_the_dead", broken)
    with watching.watching(works, [make_item(lambda _runtime, _now: {"fired": 1}, cron="* * * * *")]):
        until(lambda: len(looked) > 2 and [run.state for run in runs(works)] == ["completed"])


@pytest.mark.parametrize(
    ("module", "more", "said"),
    [
        ("flows.watching", {}, "one_machine"),
        (
            "flows.clock",
            {"DUBAN_PREFECT_API_URL": "http://127.0.0.1:1/api", "DUBAN_DATABASE_URL": "postgresql://nowhere/duban"},
            "several_machines",
        ),
    ],
)
def test_the_clock_is_for_one_machine_and_the_watch_for_several(
    works: Runtime, module: str, more: dict[str, str], said: str
) -> None:
    environ = works.settings.as_environ() | more
    made = subprocess.run(
        [sys.executable, "-m", module], cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert (made.returncode, said in made.stderr) == (clock.UNUSABLE, True), made.stderr
