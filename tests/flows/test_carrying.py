"""What a worker's run does around the work: our record, pauses, and slots that somebody has served meanwhile."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from flows import carrying
from flows.carrying import utc_now
from services.identity.people import create_person
from services.runs.models import FlowPause, FlowRun, RunState, Via
from services.runs.queries import list_runs
from services.runs.record import Outcome, begin_run, end_run
from services.runtime import Runtime


def by_a_worker(works: Runtime, work: Any, as_of: datetime | None = None) -> dict[str, Any]:
    """As in a process that a worker started for a slot that is due now."""
    return carrying._recorded(works, "probe", work, as_of)


def only_run(works: Runtime) -> FlowRun:
    with works.database.read() as session:
        (run,) = list_runs(session)
    return run


def test_a_run_is_on_our_record_while_it_works_and_with_what_it_did(works: Runtime) -> None:
    def work(_works: Runtime, _now: datetime) -> dict[str, Any]:
        assert only_run(works).state == RunState.RUNNING
        return {"fired": 2}

    assert by_a_worker(works, work) == {"fired": 2}
    run = only_run(works)
    assert (run.state, run.via, run.result) == (RunState.COMPLETED, Via.PREFECT, {"fired": 2})


def test_work_that_fails_is_recorded_and_fails_for_prefect_too(works: Runtime) -> None:
    def work(_works: Runtime, _now: datetime) -> dict[str, Any]:
        raise LookupError("no such rung")

    with pytest.raises(LookupError):
        by_a_worker(works, work)
    assert (only_run(works).state, only_run(works).error) == (RunState.FAILED, "LookupError('no such rung')")


def test_a_flow_that_people_paused_is_left_out_on_every_machine(works: Runtime) -> None:
    with works.database.write() as session:
        person = create_person(session, "李主任", utc_now()).id
        session.add(FlowPause(flow="probe", reason="检修", paused_at=utc_now(), paused_by=person))
    assert by_a_worker(works, None) == {"paused": True}
    with works.database.read() as session:
        assert list_runs(session) == []


@pytest.mark.parametrize(
    ("state", "started", "done_already"),
    [
        (RunState.COMPLETED, timedelta(minutes=1), True),
        (RunState.COMPLETED, timedelta(minutes=-1), False),
        (RunState.CRASHED, timedelta(minutes=1), False),
    ],
)
def test_a_slot_that_somebody_served_after_it_was_due_is_not_done_again(
    works: Runtime, state: RunState, started: timedelta, done_already: bool
) -> None:
    """As when a worker comes late to a slot of which the watch has done the work."""
    with works.database.write() as session:
        run = begin_run(session, "probe", utc_now(), utc_now() + started, Via.WATCH)
        end_run(session, run, Outcome(state, Via.WATCH), utc_now())
    answer = by_a_worker(works, lambda _works, _now: {"fired": 1})
    assert answer == ({"superseded": True} if done_already else {"fired": 1})
