"""`duban flows`, and the commands of several machines on one."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from config.settings import Settings
from services.cli import runs
from services.runs.models import FlowRun, RunState
from tests.support.cast import County

ROOT = Path(__file__).parents[2]


def test_runs_are_listed_newest_first_with_their_numbers(home_county: County, answer: Callable[..., Any]) -> None:
    with home_county.database.write() as session:
        for number, flow in enumerate(("escalate_overdue", "verify_journal", "escalate_overdue")):
            slot = home_county.now + timedelta(minutes=number)
            session.add(FlowRun(flow=flow, scheduled_for=slot, state=RunState.COMPLETED, result={"fired": number}))
    assert [run["result"]["fired"] for run in answer("flows", "runs")] == [2, 1, 0]
    assert [run["result"]["fired"] for run in answer("flows", "runs", "--flow", "escalate_overdue")] == [2, 0]
    assert len(answer("flows", "runs", "--limit", "1")) == 1


@pytest.mark.parametrize("command", [("worker",), ("watch",), ("flows", "deploy")])
def test_commands_of_several_machines_say_what_to_set(
    home_county: County, refusal: Callable[..., str], command: tuple[str, ...]
) -> None:
    assert "one_machine" in refusal(*command)


def test_serve_is_for_one_machine(
    home_county: County, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUBAN_DATABASE_URL", "postgresql://nowhere/duban")
    monkeypatch.setenv("DUBAN_PREFECT_API_URL", "http://127.0.0.1:1/api")
    assert "several_machines" in refusal("serve")


def test_serving_commands_start_without_prefect(home_county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    """A web process must never pay for it."""
    code = "import sys, services.app; services.app.create_app(); sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_what_deploy_changed_is_a_table(
    home_county: County, duban: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = {"flow": "close_periods", "change": "updated", "fields": ["schedules", "tags"]}
    said = json.dumps({"deployments": [changed], "paused": ["back_up"]})
    monkeypatch.setattr(Settings, "several_machines", True)
    monkeypatch.setattr(runs.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess((), 0, said))
    shown = duban("flows", "deploy").stdout
    assert "close_periods" in shown and "schedules, tags" in shown
    assert "paused by people, which stays so: back_up" in shown
