"""The real Prefect server beside a real clock's code: through it, without it, and through it again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import services.runs.models  # noqa: F401  (its table joins the metadata)
from config.settings import Settings
from services.db.base import Base
from services.db.session import Database
from services.runs.prefect_server import prefect_environ, prefect_status, run_logs
from services.runs.queries import list_runs
from services.serving.children import children

ROOT = Path(__file__).parents[2]
DEADLINE = 150.0
"""Seconds: on an empty home and a busy machine Prefect's server has taken 40."""

CLOCK = """
import json, os, signal, sys, types
from datetime import UTC, datetime, timedelta
from flows.execution import execute
from flows.schedule import Scheduled
from services.runtime import runtime

calls = []
def probe(_runtime, now, kill=0, fail=False):
    calls.append(now)
    if kill:
        os.kill(kill, signal.SIGKILL)
    if fail:
        raise LookupError("no such rung")
    return {"due": 3, "fired": len(calls)}

def load_flow():
    from prefect import flow
    from flows.carrying import report
    from services.runtime import runtime
    @flow(name="probe")
    def probe_flow(kill: int = 0, fail: bool = False):
        return report(probe(runtime(), datetime.now(UTC), kill, fail))
    return probe_flow

class Probe(Scheduled):
    def load_flow(self): return load_flow()
    def load_work(self): return probe

for line in sys.stdin:
    before = len(calls)
    item = Probe("probe", "探", "-", "0 0 1 1 *", timedelta(minutes=1), json.loads(line))
    outcome = execute(runtime(), item, datetime.now(UTC))
    print("outcome", json.dumps([outcome.state, outcome.via, len(calls) - before]), flush=True)
"""


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"not so within {DEADLINE} s"
        time.sleep(0.2)


class Machine:
    """One data folder with its Prefect server and a process that runs flows as the clock does."""

    def __init__(self, home: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
            ports = [server.getsockname()[1] for server in (one, two)]
        self.settings = Settings(home=home, port=ports[0], prefect_port=ports[1])
        self.database = Database(self.settings.database_url)
        Base.metadata.create_all(self.database.engine)
        self.server = self.start_server()
        self._clock = subprocess.Popen(
            [sys.executable, "-c", CLOCK],
            cwd=ROOT,
            env=prefect_environ(self.settings, os.environ | self.settings.as_environ()),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start_server(self) -> "subprocess.Popen[bytes]":
        """As the supervisor would, but without a leash, so that a test can kill the server itself."""
        spec = children(self.settings)[2]
        with (self.settings.home / "prefect.log").open("ab") as output:
            self.server = subprocess.Popen(
                spec.command,
                cwd=ROOT,
                env=spec.environ,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )
        until(lambda: prefect_status(self.settings)["up"])
        return self.server

    def kill_server(self) -> None:
        self.server.kill()
        self.server.wait()

    def run(self, **parameters: Any) -> tuple[str, str, int]:
        """State, via, and how often the work was done."""
        assert self._clock.stdin and self._clock.stdout
        self._clock.stdin.write(json.dumps(parameters) + "\n")
        self._clock.stdin.flush()
        line = self._clock.stdout.readline()
        while line and not line.startswith("outcome"):
            line = self._clock.stdout.readline()
        state, via, calls = json.loads(line.removeprefix("outcome"))
        return state, via, calls

    def last(self) -> Any:
        with self.database.read() as session:
            return list_runs(session, limit=1)[0]

    def api(self, path: str, body: Any) -> Any:
        address = f"http://127.0.0.1:{self.settings.prefect_port}/api/{path}"
        return httpx.post(address, json=body, trust_env=False, timeout=30).raise_for_status().json()

    def end(self) -> None:
        self._clock.communicate(timeout=60)
        self.server.send_signal(signal.SIGTERM)
        self.server.wait(30)
        self.database.close()


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made = Machine(tmp_path_factory.mktemp("machine"))
    yield made
    made.end()


def test_prefect_records_a_run_with_its_log_and_we_its_numbers(machine: Machine) -> None:
    assert machine.run() == ("completed", "prefect", 1)

    ours = machine.last()
    assert (ours.state, ours.via, ours.result["due"]) == ("completed", "prefect", 3)
    (theirs,) = machine.api("flow_runs/filter", {"flow_runs": {"id": {"any_": [ours.prefect_run_id]}}})
    assert theirs["state_type"] == "COMPLETED"

    def log() -> list[str]:
        return [line["text"] for line in run_logs(machine.settings, ours.prefect_run_id)]

    until(lambda: json.dumps(ours.result) in log())  # Prefect sends logs in batches, seconds later


def test_work_that_fails_under_prefect_is_not_done_a_second_time(machine: Machine) -> None:
    assert machine.run(fail=True) == ("failed", "prefect", 1)
    assert "no such rung" in machine.last().error


def test_losing_prefect_loses_no_work_and_its_return_is_noticed(machine: Machine) -> None:
    assert machine.run()[1] == "prefect"

    started = time.monotonic()
    assert machine.run(kill=machine.server.pid) == (
        "completed",
        "clock",
        1,
    )  # it died while the work was done
    machine.server.wait()
    assert time.monotonic() - started < 30
    assert machine.last().result["due"] == 3

    assert machine.run() == ("completed", "clock", 1)
    assert machine.last().prefect_run_id is None

    machine.start_server()
    assert machine.run() == ("completed", "prefect", 1)


def test_a_server_with_a_cron_deployment_schedules_runs(machine: Machine) -> None:
    """With SQLAlchemy 2.1 its scheduler creates none, and says nothing."""
    flow = machine.api("flows/", {"name": "scheduled"})
    schedule = {"cron": "*/10 * * * *", "timezone": "Asia/Shanghai"}
    wanted = {"name": "table", "flow_id": flow["id"], "schedules": [{"active": True, "schedule": schedule}]}
    deployment = machine.api("deployments/", wanted)

    asked = {"deployments": {"id": {"any_": [deployment["id"]]}}}
    until(lambda: machine.api("flow_runs/filter", asked))
    assert {run["state_type"] for run in machine.api("flow_runs/filter", asked)} == {"SCHEDULED"}


def test_the_server_can_be_made_with_the_libraries_that_are_pinned() -> None:
    """Prefect's server breaks on FastAPI 0.155 and later; `pip check` does not see it."""
    code = "from prefect.server.api.server import create_app; create_app()"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert made.returncode == 0, made.stderr
