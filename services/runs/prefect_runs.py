"""Putting right what Prefect holds to be running or waiting: it never gives up a run whose process died.

Our own record decides: Prefect is told what stands there. Nothing is asked of Prefect that it has to be trusted with.
"""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.settings import Settings
from services.db.session import Database
from services.runs.models import FlowRun, RunState
from services.runs.prefect_server import PAGE, ask

SETTLED_AFTER = timedelta(minutes=2)
"""A run that ended has this long to tell Prefect so itself; one that began, to tell us."""

STARTED_WITHIN = timedelta(minutes=10)
"""A worker has this long to start the process of a run it has taken, on however busy a machine."""

SUPERSEDED_AFTER = timedelta(minutes=5)
_SECONDS = 5.0
_STATES = {
    RunState.COMPLETED: ("COMPLETED", "Completed", "the work was done; its process ended before it told Prefect"),
    RunState.FAILED: ("FAILED", "Failed", "the work failed; its process ended before it told Prefect"),
    RunState.CRASHED: ("CRASHED", "Crashed", "its process died"),
}


def settle(settings: Settings, database: Database, names: Collection[str], now: datetime) -> dict[str, int]:
    """Give runs of the flows of these names the state that our record gives them; return how many, by state.

    Names are Prefect's. Raises `PrefectUnreachable`.
    """
    counts: dict[str, int] = {}
    runs = list(_begun(settings, names, now))
    with database.read() as session:
        ours = _states(session, [run["id"] for run in runs], now - SETTLED_AFTER)
    for run in runs:
        if (state := _verdict(run, ours.get(run["id"]), now)) is not None:
            _set_state(settings, run["id"], *_STATES[state])
            counts[state] = counts.get(state, 0) + 1
    return counts


def cancel_superseded(settings: Settings, names: Collection[str], now: datetime) -> int:
    """Cancel runs that wait for a worker though a later one of the same flow waits as well; return how many.

    The latest does the work of all. Without this, workers that come back after a day would start hundreds of processes
    for nothing. Raises `PrefectUnreachable`.
    """
    waiting = {
        "state": {"type": {"any_": ["SCHEDULED"]}},
        "next_scheduled_start_time": {"before_": (now - SUPERSEDED_AFTER).isoformat()},
    }
    flows = {"name": {"any_": sorted(names)}}
    asked = {"flows": flows, "flow_runs": waiting, "limit": PAGE, "sort": "EXPECTED_START_TIME_DESC"}
    seen: set[str] = set()
    cancelled = 0
    for run in ask(settings, "POST", "flow_runs/filter", _SECONDS, asked):
        if run["flow_id"] in seen:
            _set_state(settings, run["id"], "CANCELLED", "Cancelled", "a later run of this flow does its work")
            cancelled += 1
        seen.add(run["flow_id"])
    return cancelled


def _begun(settings: Settings, names: Collection[str], now: datetime) -> Iterator[dict[str, Any]]:
    begun = {
        "state": {"type": {"any_": ["RUNNING", "PENDING"]}},
        "expected_start_time": {"before_": (now - SETTLED_AFTER).isoformat()},
    }
    asked = {"flows": {"name": {"any_": sorted(names)}}, "flow_runs": begun, "limit": PAGE}
    yield from ask(settings, "POST", "flow_runs/filter", _SECONDS, asked)


def _states(session: Session, prefect_run_ids: list[str], settled: datetime) -> dict[str, RunState]:
    """Our states by Prefect's ids; what ended after `settled` still counts as running."""
    columns = FlowRun.prefect_run_id, FlowRun.state, FlowRun.ended_at
    rows = session.execute(select(*columns).where(FlowRun.prefect_run_id.in_(prefect_run_ids)))
    return {
        str(row.prefect_run_id): RunState(row.state)
        if row.state == RunState.CRASHED or (row.ended_at is not None and row.ended_at < settled)
        else RunState.RUNNING
        for row in rows
    }


def _verdict(run: dict[str, Any], ours: RunState | None, now: datetime) -> RunState | None:
    """What to make of a run that Prefect holds to be at work; None to leave it alone.

    One that we have no word of never came as far as its first line, or its state was set moments ago: it has
    `STARTED_WITHIN`, counted from that change.
    """
    if ours in _STATES:
        return ours
    changed = datetime.fromisoformat(run["state"]["timestamp"])
    return RunState.CRASHED if ours is None and changed < now - STARTED_WITHIN else None


def _set_state(settings: Settings, run_id: str, kind: str, name: str, message: str) -> None:
    state = {"type": kind, "name": name, "message": message}
    ask(settings, "POST", f"flow_runs/{run_id}/set_state", _SECONDS, {"state": state, "force": True})
