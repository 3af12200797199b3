"""`duban flows runs`."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from services.runs.models import FlowRun, RunState
from tests.support.cast import County


def test_runs_are_listed_newest_first_with_their_numbers(home_county: County, answer: Callable[..., Any]) -> None:
    with home_county.database.write() as session:
        for number, flow in enumerate(("escalate_overdue", "verify_journal", "escalate_overdue")):
            slot = home_county.now + timedelta(minutes=number)
            session.add(FlowRun(flow=flow, scheduled_for=slot, state=RunState.COMPLETED, result={"fired": number}))
    assert [run["result"]["fired"] for run in answer("flows", "runs")] == [2, 1, 0]
    assert [run["result"]["fired"] for run in answer("flows", "runs", "--flow", "escalate_overdue")] == [2, 0]
    assert len(answer("flows", "runs", "--limit", "1")) == 1
