"""Telling a run that takes long from one whose process died.

The process of a run adds one to `FlowRun.beats` every few seconds, from a thread of its own, however long its work
takes. Whoever watches does not read clocks, which differ between machines and are set now and then: a run is dead when
its count has stood still for `DEAD_AFTER` by the watcher's own stopwatch. While the database cannot be read nothing is
known, so the stopwatch starts anew after that.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from services.db.errors import DubanError
from services.db.session import Database
from services.runs.models import FlowRun, RunState

BEAT_EVERY = timedelta(seconds=10)
DEAD_AFTER = timedelta(seconds=90)
"""Nine beats: a busy machine, or one writer ahead in the queue, delays some of them."""

DIED = "its process ended during this run; the next one catches up"
log = structlog.get_logger()


@contextmanager
def beating(database: Database, run_id: int) -> Iterator[None]:
    """Add to the run's beats from a thread until left; a beat that cannot be written is left out."""
    ended = threading.Event()
    thread = threading.Thread(target=_beat, args=(database, run_id, ended), name="beats", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _beat(database: Database, run_id: int, ended: threading.Event) -> None:
    counted = update(FlowRun).where(FlowRun.id == run_id).values(beats=FlowRun.beats + 1)
    while not ended.wait(BEAT_EVERY.total_seconds()):
        try:
            with database.write() as session:
                session.execute(counted)
        except (SQLAlchemyError, DubanError) as error:
            log.warning("beat_missed", run=run_id, error=type(error).__name__)


def beats_of_running(session: Session) -> dict[int, int]:
    """Return the counts of all runs said to be running, by their id."""
    running = select(FlowRun.id, FlowRun.beats).where(FlowRun.state == RunState.RUNNING)
    return {row.id: row.beats for row in session.execute(running)}


def crash(session: Session, runs: Mapping[int, int], now: datetime) -> list[int]:
    """Mark these runs crashed unless they ended or beat after the counts given; return those marked."""
    marked: list[int] = []
    for run_id, beats in runs.items():
        still = FlowRun.id == run_id, FlowRun.state == RunState.RUNNING, FlowRun.beats == beats
        died = update(FlowRun).where(*still).values(state=RunState.CRASHED, ended_at=now, error=DIED)
        marked += session.scalars(died.returning(FlowRun.id)).all()
    return marked


class Stopwatch:
    """Remembers since when each run's count has stood still; times are of a clock that is never set (monotonic)."""

    def __init__(self, dead_after: timedelta) -> None:
        self._dead_after = dead_after.total_seconds()
        self._seen: dict[int, tuple[int, float]] = {}

    def stood_still(self, counts: Mapping[int, int], at: float) -> dict[int, int]:
        """Look at the counts; return those that have not moved for too long, with their counts."""
        self._seen = {
            run: self._seen[run] if run in self._seen and self._seen[run][0] == beats else (beats, at)
            for run, beats in counts.items()
        }
        return {run: beats for run, (beats, since) in self._seen.items() if at - since >= self._dead_after}

    def forget(self) -> None:
        """Start anew: for a while the counts could not be read."""
        self._seen = {}
