"""One round trip to PostgreSQL for several statements, with one call of the system to send them.

psycopg's own pipeline sends each statement as it comes, and waits for what opens the transaction; on short statements
that costs more than all the rest. This one differs in nothing but when it sends.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.abc import PQGen
from psycopg.generators import send


class _Trip(psycopg.Pipeline):
    """Leaves statements in libpq's buffer until the end, when all go out with the sync."""

    def _communicate_gen(self) -> PQGen[None]:
        while self.command_queue:
            self.command_queue.popleft()()
        yield from ()

    def _sync_gen(self) -> PQGen[None]:
        yield from self._communicate_gen()

    def _exit_gen(self) -> PQGen[None]:
        try:
            self._enqueue_sync()
            yield from self._communicate_gen()
            yield from send(self.pgconn)
        finally:
            yield from self._fetch_gen(flush=False)


@contextmanager
def one_trip(driver: psycopg.Connection[Any]) -> Iterator[None]:
    """Send what is executed inside when the block ends; an error of any of it is raised then, the first one first."""
    driver._pipeline = _Trip(driver)
    with driver.pipeline():
        yield
