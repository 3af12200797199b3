"""Telling a run that takes long from one whose process died."""

from datetime import datetime, timedelta

import pytest

from services.db.session import Database
from services.runs import pulse
from services.runs.models import FlowRun, RunState
from services.runs.pulse import Stopwatch, beating, beats_of_running, crash
from services.runs.record import Outcome, begin_run, end_run
from tests.serving.conftest import until

SPAN = timedelta(seconds=90)


def begun(database: Database, now: datetime) -> int:
    with database.write() as session:
        return begin_run(session, "sweep", now, now)


def state_of(database: Database, run: int) -> tuple[str, str | None]:
    with database.read() as session:
        found = session.get_one(FlowRun, run)
        return found.state, found.error


def test_a_count_that_moves_is_never_dead_however_long_it_takes() -> None:
    watch = Stopwatch(SPAN)
    assert all(not watch.stood_still({1: beats}, beats * 80.0) for beats in range(1000))


def test_a_count_that_stands_still_is_dead_after_the_span_by_the_watchers_own_stopwatch() -> None:
    watch = Stopwatch(SPAN)
    assert watch.stood_still({1: 7, 2: 1}, 1000.0) == {}
    assert watch.stood_still({1: 7, 2: 2}, 1089.0) == {}
    assert watch.stood_still({1: 7, 2: 2}, 1090.0) == {1: 7}
    assert watch.stood_still({1: 8, 2: 2}, 1100.0) == {}, "it was busy after all"


def test_what_could_not_be_read_for_a_while_gets_the_whole_span_again() -> None:
    watch = Stopwatch(SPAN)
    watch.stood_still({1: 7}, 0.0)
    watch.forget()
    assert watch.stood_still({1: 7}, 500.0) == {}
    assert watch.stood_still({1: 7}, 590.0) == {1: 7}


def test_a_run_beats_while_its_work_goes_on(database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "BEAT_EVERY", timedelta(milliseconds=5))
    run = begun(database, now)

    def beats() -> int:
        with database.read() as session:
            return beats_of_running(session)[run]

    with beating(database, run):
        until(lambda: beats() > 2)
    after = beats()
    with beating(database, begun(database, now)):
        assert beats() == after


def test_the_dead_are_marked_and_one_that_beat_meanwhile_is_not(database: Database, now: datetime) -> None:
    dead, alive, ended = begun(database, now), begun(database, now), begun(database, now)
    with database.write() as session:
        session.get_one(FlowRun, alive).beats = 5
        end_run(session, ended, Outcome(RunState.COMPLETED), now)
    with database.write() as session:
        assert crash(session, {dead: 0, alive: 4, ended: 0}, now) == [dead]
    assert state_of(database, dead) == ("crashed", pulse.DIED)
    assert (state_of(database, alive)[0], state_of(database, ended)[0]) == ("running", "completed")


def test_one_given_up_for_dead_that_ends_after_all_has_the_last_word(database: Database, now: datetime) -> None:
    run = begun(database, now)
    with database.write() as session:
        crash(session, {run: 0}, now)
    with database.write() as session:
        end_run(session, run, Outcome(RunState.COMPLETED, result={"fired": 1}), now)
    assert state_of(database, run) == ("completed", None)
