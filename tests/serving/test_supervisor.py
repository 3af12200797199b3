"""The supervisor with cheap children in place of ours."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.serving.supervisor import LARGEST_LOG
from tests.serving.conftest import Herd, until

DRIVER = """
import json, os, pathlib, signal, sys
from services.serving import supervisor
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # this suite may itself be run under nohup
supervisor.FIRST_PAUSE = 0.05
specs = [
    supervisor.ChildSpec(name, tuple(command), dict(os.environ), 1.0, pathlib.Path(log) if log else None)
    for name, command, log in json.loads(sys.argv[1])
]
supervisor.Supervisor(specs).run()
print("all ended", flush=True)
"""
SLEEPER = "import time; time.sleep(600)"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{SLEEPER}', sys.argv[1] + '-kid'])"


def supervise(herd: Herd, *specs: "tuple[str, str, str | None]") -> "subprocess.Popen[str]":
    """Children by name, code and log file; each can be found by its name."""
    children = [(name, [sys.executable, "-c", code, name], log) for name, code, log in specs]
    return herd.start("-c", DRIVER, json.dumps(children))


def only(herd: Herd, name: str) -> int:
    """The one child of that name, once it is there. Its leash ends in the same words and came first."""
    until(lambda: len(herd.find(f" {name}")) == 2)
    return herd.find(f" {name}")[1]


def test_a_dead_child_is_started_again_and_the_others_are_left_alone(herd: Herd) -> None:
    supervise(herd, ("one", SLEEPER, None), ("two", SLEEPER, None))
    first, other = only(herd, "one"), only(herd, "two")

    os.kill(first, signal.SIGKILL)
    until(lambda: first not in herd.alive())

    assert only(herd, "one") != first
    assert only(herd, "two") == other


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_being_told_to_stop_leaves_nothing(herd: Herd, number: signal.Signals) -> None:
    process = supervise(herd, ("one", PARENT, None), ("two", SLEEPER, None))
    until(lambda: herd.find(" one-kid"))
    only(herd, "two")

    process.send_signal(number)

    output, _ = process.communicate(timeout=20)
    assert output.endswith("all ended\n")
    assert process.returncode == 0
    assert not herd.alive()


def test_kill_9_of_the_supervisor_leaves_nothing(herd: Herd) -> None:
    process = supervise(herd, ("one", PARENT, None), ("two", SLEEPER, None))
    until(lambda: herd.find(" one-kid"))
    only(herd, "two")

    process.kill()

    until(lambda: not herd.alive())


def test_a_child_that_keeps_failing_is_tried_ever_more_seldom_and_each_try_is_told(herd: Herd) -> None:
    process = supervise(herd, ("failing", "raise SystemExit(3)", None))
    pauses = []
    assert process.stdout
    for line in process.stdout:
        if "child_ended" in line:
            assert "code=3" in line
            pauses.append(float(line.split("again_in_s=")[1].split()[0]))
        if len(pauses) == 3:
            break

    assert pauses == [0.05, 0.1, 0.2]
    process.terminate()
    process.communicate(timeout=20)
    assert not herd.alive()


def test_stopping_does_not_wait_for_a_child_that_is_to_start_later(herd: Herd) -> None:
    process = supervise(herd, ("failing", "raise SystemExit(3)", None))
    assert process.stdout
    until(lambda: "child_ended" in (process.stdout.readline() if process.stdout else ""))
    process.terminate()
    assert process.wait(20) == 0


def test_the_output_of_a_child_goes_to_its_file_and_a_large_file_is_set_aside(herd: Herd, tmp_path: Path) -> None:
    file = tmp_path / "logs" / "child.log"
    file.parent.mkdir()
    file.write_bytes(b"x" * (LARGEST_LOG + 1))

    process = supervise(herd, ("one", f"print('told', flush=True); {SLEEPER}", str(file)))

    until(lambda: file.exists() and file.read_text() == "told\n")
    assert (tmp_path / "logs" / "child.log.1").stat().st_size == LARGEST_LOG + 1
    process.terminate()
    assert "told" not in process.communicate(timeout=20)[0]
