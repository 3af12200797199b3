"""The record of runs on both databases."""

from datetime import datetime, timedelta

import pytest

from services.db.session import Database
from services.identity.people import create_person
from services.runs.models import FlowRun, RunState, Via
from services.runs.queries import last_slot, list_runs
from services.runs.record import (
    Outcome,
    UnknownFlow,
    begin_run,
    claim_requested,
    crash_left_running,
    end_run,
    forget_ended_before,
    request_run,
)

MINUTE = timedelta(minutes=1)


def ran(database: Database, flow: str, slot: datetime, *, ended: bool = True) -> int:
    with database.write() as session:
        run = begin_run(session, flow, slot, slot + MINUTE)
        if ended:
            outcome = Outcome(RunState.COMPLETED, Via.PREFECT, {"due": 3, "why": ["逾期"]}, prefect_run_id="p")
            end_run(session, run, outcome, slot + 2 * MINUTE)
    return run


def only_run(database: Database) -> FlowRun:
    with database.read() as session:
        (run,) = list_runs(session)
    return run


def test_a_run_keeps_its_numbers_and_its_times(database: Database, now: datetime) -> None:
    ran(database, "sweep", now)

    run = only_run(database)
    assert (run.flow, run.state, run.via, run.prefect_run_id) == ("sweep", "completed", "prefect", "p")
    assert run.result == {"due": 3, "why": ["逾期"]}
    assert (run.scheduled_for, run.started_at, run.ended_at) == (now, now + MINUTE, now + 2 * MINUTE)


def test_runs_are_listed_newest_first_by_flow_and_page(database: Database, now: datetime) -> None:
    ids = [ran(database, "sweep" if number % 2 else "mail", now + number * MINUTE) for number in range(6)]

    with database.read() as session:
        first = [run.id for run in list_runs(session, limit=4)]
        assert first == ids[:1:-1]
        assert [run.id for run in list_runs(session, limit=4, before=first[-1])] == ids[1::-1]
        assert [run.id for run in list_runs(session, "sweep")] == ids[5::-2]
        assert last_slot(session, "sweep") == now + 5 * MINUTE
        assert last_slot(session, "never") is None


def test_what_a_dead_clock_left_running_is_crashed_and_nothing_else(database: Database, now: datetime) -> None:
    ended, running = ran(database, "sweep", now), ran(database, "sweep", now, ended=False)
    with database.write() as session:
        asked = request_run(session, "sweep", now, None).id
    with database.write() as session:
        assert crash_left_running(session, now + MINUTE) == 1

    with database.read() as session:
        states = {run.id: run.state for run in list_runs(session)}
    assert states == {ended: "completed", running: "crashed", asked: "requested"}


def test_a_run_asked_for_twice_is_asked_for_once_and_claimed_once(database: Database, now: datetime) -> None:
    ran(database, "sweep", now)
    with database.write() as session:
        person = create_person(session, "张三", now, "zhang").id
        first = request_run(session, "sweep", now, person)
        again = request_run(session, "sweep", now + MINUTE, person)
        assert again.id == first.id

    with database.write() as session:
        claimed = claim_requested(session, now + MINUTE)
        assert claimed is not None
        assert (claimed.id, claimed.state, claimed.started_at) == (first.id, "running", now + MINUTE)
        assert (claimed.scheduled_for, claimed.requested_by) == (now, person)
        assert claim_requested(session, now + MINUTE) is None


def test_only_a_flow_that_has_run_can_be_asked_for(database: Database, now: datetime) -> None:
    with pytest.raises(UnknownFlow, match="no flow named typo"), database.write() as session:
        request_run(session, "typo", now, None)


def test_old_runs_are_forgotten_and_unfinished_ones_kept(database: Database, now: datetime) -> None:
    ran(database, "sweep", now)
    kept = {ran(database, "sweep", now + timedelta(days=2)), ran(database, "sweep", now, ended=False)}
    with database.write() as session:
        assert forget_ended_before(session, now + timedelta(days=1)) == 1
    with database.read() as session:
        assert {run.id for run in list_runs(session)} == kept
