"""Long work in a few transactions at once: one is prepared here while PostgreSQL writes the other."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextvars import copy_context
from dataclasses import dataclass, field

from services.db.session import Database

LANES = 2


@dataclass(frozen=True, slots=True)
class Lane:
    """One of `of` threads at the same work, counted from 0; `alone` is held by one of them at a time.

    Once `stop` is set it ends after the transaction it is at.
    """

    number: int = 0
    of: int = 1
    alone: threading.Lock = field(default_factory=threading.Lock)
    stop: threading.Event = field(default_factory=threading.Event)


def in_lanes(database: Database, work: Callable[[Lane], None]) -> None:
    """Call `work` in each lane and wait for all; SQLite, which has one writer, has one lane.

    The first error stops the other lanes and is raised.
    """
    first = Lane()
    if database.engine.dialect.name != "postgresql":
        work(first)
        return
    with ThreadPoolExecutor(LANES, "lane") as pool:
        lanes = [Lane(number, LANES, first.alone, first.stop) for number in range(LANES)]
        running = [pool.submit(copy_context().run, work, lane) for lane in lanes]
        try:
            for done in as_completed(running):
                done.result()
        except BaseException:
            first.stop.set()
            raise
