"""Keeps a few child processes alive, each on its leash, and ends them all when told to."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import structlog

from services.serving.signals import StopSignals

log = structlog.get_logger()

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before a dead child is started again: doubled each time, up to the longest."""

HEALTHY_AFTER = 60.0
"""A child that lived this many seconds starts again with the first pause."""

LEASH_MARGIN = 5.0
"""Seconds a leash gets beyond its child's grace to end what the child left behind."""

LARGEST_LOG = 5 * 1024 * 1024
"""Bytes after which a child's log file is set aside at its next start; one older file is kept."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A command to keep running. `grace`: seconds from SIGTERM to SIGKILL; `log_file`: None for our own output;
    `wait`: seconds before its first start, in which the children before it have the machine to themselves."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    grace: float
    log_file: Path | None = None
    wait: float = 0.0


@dataclass(slots=True)
class _Child:
    spec: ChildSpec
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    failures: int = 0
    started_at: float = 0.0
    start_at: float = field(default_factory=time.monotonic)

    def start(self, lifeline: int) -> None:
        leash = (sys.executable, "-m", "services.serving.leash", str(self.spec.grace))
        with _output(self.spec.log_file) as output:
            self.process = subprocess.Popen(
                leash + self.spec.command,
                stdin=lifeline,
                stdout=output,
                stderr=output,
                env=self.spec.environ,
                start_new_session=True,
            )
        self.starts += 1
        self.started_at = time.monotonic()
        log.info("child_started", child=self.spec.name, pid=self.process.pid, starts=self.starts)

    def note_end(self, code: int) -> None:
        """It ended by itself: plan its next start."""
        lived = time.monotonic() - self.started_at
        self.failures = 1 if lived >= HEALTHY_AFTER else self.failures + 1
        pause = min(FIRST_PAUSE * 2 ** (self.failures - 1), LONGEST_PAUSE)
        self.start_at = time.monotonic() + pause
        self._kill_group()
        self.process = None
        log.warning("child_ended", child=self.spec.name, code=code, lived_s=round(lived, 1), again_in_s=pause)

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(self.spec.grace + LEASH_MARGIN)
        except subprocess.TimeoutExpired:
            log.warning("child_killed", child=self.spec.name)
        self._kill_group()
        self.process.wait()
        self.process = None

    def _kill_group(self) -> None:
        """A leash that was itself killed could not clean up."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


class Supervisor:
    """Runs its children until SIGTERM, SIGINT or SIGHUP; ends them in the order given, leaving no process."""

    def __init__(self, specs: Sequence[ChildSpec]) -> None:
        self._children = [_Child(spec, start_at=time.monotonic() + spec.wait) for spec in specs]

    def run(self) -> None:
        """Start all, start again what dies, end all. Main thread only; returns when nothing is left."""
        # Only this process holds the writing end; its end, however it comes, is what the leashes wait for.
        lifeline, held = os.pipe2(os.O_CLOEXEC)
        try:
            with StopSignals() as signals:
                while not signals.stopped:
                    self._start_due(lifeline)
                    signals.wait(self._pause())
                    self._note_ended()
                for child in self._children:
                    child.stop()
        finally:
            os.close(lifeline)
            os.close(held)

    def _start_due(self, lifeline: int) -> None:
        for child in self._children:
            if child.process is None and child.start_at <= time.monotonic():
                child.start(lifeline)

    def _note_ended(self) -> None:
        for child in self._children:
            if child.process is not None and (code := child.process.poll()) is not None:
                child.note_end(code)

    def _pause(self) -> float | None:
        """Seconds until the next start that is planned; None if all run."""
        planned = [child.start_at for child in self._children if child.process is None]
        return max(0.0, min(planned) - time.monotonic()) if planned else None


def _output(log_file: Path | None) -> contextlib.AbstractContextManager[IO[bytes] | None]:
    if log_file is None:
        return contextlib.nullcontext()
    log_file.parent.mkdir(parents=True, exist_ok=True)
    if log_file.exists() and log_file.stat().st_size > LARGEST_LOG:
        log_file.replace(log_file.with_name(f"{log_file.name}.1"))
    return log_file.open("ab")
