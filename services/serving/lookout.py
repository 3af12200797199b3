"""The web's own look at the sweep, once a minute: what became of the clock, the clock cannot tell."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from services.notifications.outbox import deliver
from services.runs.alarms import is_late, tell_that_late
from services.runtime import Runtime

LOOK_EVERY = 60.0
"""Seconds between two looks."""

SETTLED_AFTER = 300.0
"""Seconds after its start in which nothing is told: a clock that starts beside it catches up first."""

log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    """The present."""
    return datetime.now(UTC)


class Lookout:
    """A thread of the web process; several web processes look, one of them tells."""

    def __init__(self, runtime: Runtime, now: Callable[[], datetime] = utc_now) -> None:
        self._runtime, self._now = runtime, now
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End it; a mail that is just leaving is not waited for."""
        self._ended.set()

    def look(self) -> bool:
        """Look once; return whether somebody was told. Reading comes first: nobody writes each minute for nothing."""
        now = self._now()
        with self._runtime.database.read() as session:
            late = is_late(session, now)
        if not late:
            return False
        with self._runtime.database.write() as session:
            told = tell_that_late(session, now)
        if told:
            log.error("sweep_late", mend="start the clock; see the page 自动任务")
            deliver(self._runtime, now)  # it is the clock that else does so
        return told

    def _run(self) -> None:
        started = time.monotonic()
        while not self._ended.wait(LOOK_EVERY):
            if time.monotonic() - started < SETTLED_AFTER:
                continue
            try:
                self.look()
            except Exception as error:  # whatever it is, it must not end the looking
                log.warning("lookout_failed", error=repr(error))
