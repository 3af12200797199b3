"""Real processes, found again by a mark in their environment however far they have wandered."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

DEADLINE = 20.0
ROOT = Path(__file__).parents[2]


def until(condition: Callable[[], object], seconds: float = DEADLINE) -> None:
    """Return once the condition holds; fail at the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.02)


class Herd:
    """The processes a test starts, and everything those start."""

    def __init__(self) -> None:
        self.mark = f"TEST_HERD={uuid4().hex}"
        self.environ = os.environ | dict([self.mark.split("=")])
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, stdin: int = subprocess.DEVNULL) -> "subprocess.Popen[str]":
        """A Python process with these arguments; its output, both streams, is read from `stdout`."""
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environ,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._started.append(process)
        return process

    def alive(self) -> dict[int, str]:
        """Command lines by process id."""
        lines = {int(folder.name): self._mine(folder) for folder in Path("/proc").glob("[0-9]*")}
        return {pid: line for pid, line in lines.items() if line}

    def find(self, words: str) -> list[int]:
        """Ids of those whose command line ends so."""
        return sorted(pid for pid, line in self.alive().items() if line.endswith(words))

    def _mine(self, folder: Path) -> str:
        try:
            if self.mark.encode() not in (folder / "environ").read_bytes().split(b"\0"):
                return ""
            return (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except OSError:  # it has ended
            return ""

    def end(self) -> None:
        while alive := self.alive():
            for pid in alive:
                with contextlib.suppress(ProcessLookupError):  # its leash may be as quick
                    os.kill(pid, signal.SIGKILL)
        for process in self._started:
            process.communicate()


@pytest.fixture
def herd() -> Iterator[Herd]:
    """Ended with the test, whatever the test leaves."""
    made = Herd()
    yield made
    made.end()
