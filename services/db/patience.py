"""For what must be written down although the database is away just now: what was done outside cannot be undone."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog
from sqlalchemy.orm import Session

from services.db.failures import is_outage
from services.db.session import Database

T = TypeVar("T")
PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Seconds between tries: a restart of PostgreSQL is over long before they are used up."""

log = structlog.get_logger(__name__)


def persist(database: Database, work: Callable[[Session], T], pauses: Sequence[float] = PAUSES) -> T:
    """Do `work` in a transaction, again while the database is away; it may be done twice, so it has to be idempotent.

    Raises what the last try raised, and at once whatever is no outage.
    """
    for pause in pauses:
        try:
            with database.write() as session:
                return work(session)
        except Exception as problem:
            if not is_outage(problem):
                raise
            log.warning("database away, trying again", seconds=pause, why=type(problem).__name__)
            time.sleep(pause)
    with database.write() as session:
        return work(session)
