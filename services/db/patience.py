"""For what must be written down although the database is away just now: what was done outside cannot be undone."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog
from sqlalchemy.orm import Session
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_chain, wait_fixed

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

    def once() -> T:
        with database.write() as session:
            return work(session)

    return Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, Exception) and is_outage(error)),
        wait=wait_chain(*map(wait_fixed, pauses)), stop=stop_after_attempt(len(pauses) + 1),
        before_sleep=_tell, reraise=True,
    )(once)  # fmt: skip


def _tell(tried: RetryCallState) -> None:
    assert tried.outcome is not None and tried.next_action is not None
    why = type(tried.outcome.exception()).__name__
    log.warning("database away, trying again", seconds=tried.next_action.sleep, why=why)
