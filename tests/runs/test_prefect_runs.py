"""Setting Prefect right: what is told it about which run, and what is left alone."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from config.settings import Settings
from services.db.session import Database
from services.runs import prefect_runs
from services.runs.models import RunState, Via
from services.runs.prefect_runs import cancel_superseded, settle
from services.runs.record import Outcome, begin_run, end_run

NAMES = ["escalate-overdue"]
Told = dict[str, str]


@pytest.fixture
def prefect(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Prefect's API with `runs` to show; what states it is told by run stands in `told`."""

    class Double:
        runs: list[dict[str, Any]]
        told: Told

        def ask(self, _settings: Settings, _method: str, path: str, _seconds: float, body: Any = None) -> Any:
            if path == "flow_runs/filter":
                assert body["flows"] == {"name": {"any_": NAMES}}
                return self.runs
            self.told[path.split("/")[1]] = body["state"]["type"]
            return {}

    made = Double()
    made.runs, made.told = [], {}
    monkeypatch.setattr(prefect_runs, "ask", made.ask)
    return made


def theirs(run: str, changed: datetime) -> dict[str, Any]:
    return {"id": run, "flow_id": "f", "state": {"timestamp": changed.isoformat()}}


def ours(database: Database, run: str, at: datetime, state: RunState | None) -> None:
    with database.write() as session:
        made = begin_run(session, "escalate_overdue", at, at, Via.PREFECT, run)
        if state is not None:
            end_run(session, made, Outcome(state, Via.PREFECT, prefect_run_id=run), at)


def test_prefect_is_told_what_our_record_says_of_runs_that_ended(sqlite: Database, now: datetime, prefect: Any) -> None:
    long_ago, just_now = now - timedelta(minutes=5), now - timedelta(seconds=5)
    for run, at, state in [
        ("done", long_ago, RunState.COMPLETED),
        ("failed", long_ago, RunState.FAILED),
        ("dead", just_now, RunState.CRASHED),
        ("telling", just_now, RunState.COMPLETED),
        ("long", now - timedelta(hours=9), None),
    ]:
        ours(sqlite, run, at, state)
        prefect.runs.append(theirs(run, at))
    assert settle(Settings(), sqlite, NAMES, now) == {"completed": 1, "failed": 1, "crashed": 1}
    assert prefect.told == {"done": "COMPLETED", "failed": "FAILED", "dead": "CRASHED"}


def test_a_process_that_never_came_to_its_first_line_is_given_up_in_the_end(
    sqlite: Database, now: datetime, prefect: Any
) -> None:
    prefect.runs = [theirs("starting", now - timedelta(minutes=9)), theirs("lost", now - timedelta(minutes=11))]
    assert settle(Settings(), sqlite, NAMES, now) == {"crashed": 1}
    assert prefect.told == {"lost": "CRASHED"}


def test_of_runs_that_wait_for_a_worker_the_latest_of_each_flow_stays(now: datetime, prefect: Any) -> None:
    prefect.runs = [{"id": run, "flow_id": flow} for run, flow in [("c", "f"), ("y", "g"), ("b", "f"), ("a", "f")]]
    assert cancel_superseded(Settings(), NAMES, now) == 2
    assert prefect.told == {"b": "CANCELLED", "a": "CANCELLED"}
