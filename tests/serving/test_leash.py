"""A command on a leash ends with its holder, and so does whatever it started."""

import os
import signal
import subprocess

import pytest

from tests.serving.conftest import Herd, until

WAIT = "import time; time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); {WAIT}"
RUNAWAY = """
import os, signal, subprocess, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", "runaway"])
    os._exit(0)
os.wait()
print("away", flush=True)
time.sleep(600)
"""


def leashed(herd: Herd, code: str, *, grace: float = 5.0) -> "tuple[subprocess.Popen[str], int]":
    """The leash, and the end of the pipe that holds it."""
    lifeline, held = os.pipe()
    process = herd.start("-m", "services.serving.leash", str(grace), "python3", "-c", code, stdin=lifeline)
    os.close(lifeline)
    return process, held


@pytest.mark.parametrize(
    ("code", "expected"),
    [("raise SystemExit(7)", 7), ("pass", 0), ("import os; os.kill(os.getpid(), 9)", 128 + 9)],
)
def test_it_passes_the_exit_code_on(herd: Herd, code: str, expected: int) -> None:
    process, held = leashed(herd, code)
    assert process.wait(20) == expected
    os.close(held)


def test_letting_go_ends_the_command(herd: Herd) -> None:
    process, held = leashed(herd, f"print('here', flush=True); {WAIT}")
    assert process.stdout and process.stdout.readline() == "here\n"
    os.close(held)
    assert process.wait(20) == 128 + signal.SIGTERM
    assert not herd.alive()


def test_one_that_ignores_sigterm_is_killed_after_its_grace(herd: Herd) -> None:
    process, held = leashed(herd, STUBBORN, grace=0.3)
    assert process.stdout and process.stdout.readline() == "deaf\n"
    process.terminate()
    assert process.wait(20) == 128 + signal.SIGKILL
    assert not herd.alive()
    os.close(held)


def test_a_grandchild_that_fled_its_session_and_ignores_sigterm_ends_too(herd: Herd) -> None:
    process, held = leashed(herd, RUNAWAY)
    assert process.stdout and process.stdout.readline() == "away\n"
    until(lambda: herd.find("runaway"))
    process.terminate()
    process.wait(20)
    assert not herd.alive()
    os.close(held)


def test_a_killed_leash_takes_its_command_along(herd: Herd) -> None:
    process, held = leashed(herd, f"print('here', flush=True); {WAIT}")
    assert process.stdout and process.stdout.readline() == "here\n"
    process.kill()
    until(lambda: not herd.alive())
    os.close(held)
