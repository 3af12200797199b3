"""A replay killed with signal 9, wherever it is, goes on with --resume as if nothing had been."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.replay.logs import LASTING, Place

ROOT = Path(__file__).parents[2]

DIES = """
import os, signal, sys
from itertools import count
from pathlib import Path
from services.replay import run, walk

log, url, key_file, module, name, at = sys.argv[1:]
owner = {"run": run, "walk": walk}[module]
real, calls = getattr(owner, name), count(1)

def dying(*args, **more):
    done = real(*args, **more)
    if next(calls) == int(at):
        os.kill(os.getpid(), signal.SIGKILL)
    return done

setattr(owner, name, dying)
run.replay(run.Order(Path(log), "coselog", "tongcheng", url, Path(key_file)))
"""


@pytest.mark.parametrize(
    ("module", "name", "at"),
    [("run", "build_house", 1), ("walk", "open_matter", 4), ("walk", "perform", 23), ("walk", "sweep_batch", 6)],
)
def test_killed_and_resumed(new_place: Callable[[], Place], log: Path, module: str, name: str, at: int) -> None:
    whole, killed = new_place(), new_place()
    expected = whole.replay(log)

    argv = [str(log), killed.url, str(killed.key_file), module, name, str(at)]
    died = subprocess.run([sys.executable, "-c", DIES, *argv], cwd=ROOT, capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr

    assert killed.replay(log, resume=True) == expected
    assert killed.tables(*LASTING) == whole.tables(*LASTING)
