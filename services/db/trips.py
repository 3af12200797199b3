"""One round trip to PostgreSQL for several statements, each of them prepared once on a connection, by libpq itself.

Changes whose answer nobody needs wait for the next trip, the last ones for that of COMMIT.

psycopg's cursors are made for any statement with any values; on short statements that are known beforehand they cost
more than twice this. What psycopg knows of values stays its own: its adapters write parameters and read answers here.
"""

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from typing import Any

import psycopg
from psycopg import pq
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.generators import send
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Wait

Row = dict[str, Any]
_NAMED = re.compile(r"%\((\w+)\)s")


PREPARED_AT_MOST = 1000
"""On one connection: a few dozen statements are asked all day, lists by the roles of whoever asks."""
HELD_AT_MOST = 100
"""So many changes wait at most, else a long transaction would gather them all in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A statement as the server takes it, `$1` for the first of `names`."""

    sql: bytes
    names: tuple[str, ...]
    formats: tuple[PyFormat, ...]

    @classmethod
    def of(cls, named: str) -> "Text":
        """Read a statement with psycopg's marks, `%(name)s`."""
        names = tuple(dict.fromkeys(_NAMED.findall(named)))
        numbered = _NAMED.sub(lambda mark: f"${names.index(mark[1]) + 1}", named).replace("%%", "%")
        # as text and of no type: the statement itself says what it takes each value for
        return cls(numbered.encode(), names, (PyFormat.TEXT,) * len(names))


Call = tuple[Text, Row]
"""A statement and its values by name; there may be more than it takes."""
_DONE, _FORGET, _CALL = "done", "forget", "call"
_Asked = str | tuple[bytes, bytes]
"""What an answer is to: one of these, or a statement prepared under a name."""
_Written = tuple[Text, Sequence[Any]]
"""A statement, and its values as they are sent."""


class Trips:
    """A connection's way to the server, and what is prepared there. It is no more shared by threads than these are.

    Nothing else may prepare on the connection: psycopg throws away all that is prepared when it throws away its own.
    """

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self._driver = driver
        self._prepared: dict[bytes, bytes] = {}
        self._held: list[_Written] = []

    @cached_property
    def _adapt(self) -> Any:
        """Made late: SQLAlchemy tells a new connection how it wants JSON."""
        return Transformer(self._driver)

    def hold(self, calls: Iterable[Call]) -> None:
        """Let these go out before anything else does; raise at once for a value that cannot be sent."""
        self._held += self._written(calls)
        if len(self._held) > HELD_AT_MOST:
            self.send()

    def send(self, *, commit: bool = False) -> bool:
        """Send what is held, and COMMIT behind it; return whether anything was."""
        if not self._held:
            return False
        self._run([], alone=False, commit=commit)
        return True

    def forget(self) -> None:
        """Never send what is held: what it belongs to is rolled back."""
        self._held.clear()

    def run(self, calls: Sequence[Call], *, alone: bool = False) -> list[PGresult]:
        """Send what is held and all these, return what came of these, in a transaction that is begun if there is none.

        `alone` leaves that out: what is sent is a transaction of its own, ended with the trip. Each statement sees
        what is committed when its own turn comes. Raises what psycopg raises for the first that fails; those after it
        are not tried.
        """
        return self._run(self._written(calls), alone=alone, commit=False)

    def rows(self, result: PGresult) -> list[tuple[Any, ...]]:
        """Return the rows of an answer as psycopg reads them."""
        self._adapt.set_pgresult(result)
        return self._adapt.load_rows(0, result.ntuples, tuple)  # type: ignore[no-any-return]

    def _written(self, calls: Iterable[Call]) -> list[_Written]:
        write = self._adapt.dump_sequence
        return [(text, write([values[name] for name in text.names], text.formats)) for text, values in calls]

    def _run(self, written: list[_Written], *, alone: bool, commit: bool) -> list[PGresult]:
        pgconn, held = self._driver.pgconn, self._held
        self._held = []
        try:
            pgconn.enter_pipeline_mode()
            asked: list[_Asked] = []
            if not alone and pgconn.transaction_status == pq.TransactionStatus.IDLE:
                pgconn.send_query_params(_begin(self._driver.isolation_level, self._driver.read_only), None)
                asked.append(_DONE)
            asked += self._ask(pgconn, held, written)
            if commit:
                pgconn.send_query_params(b"COMMIT", None)
                asked.append(_DONE)
            pgconn.pipeline_sync()
            came = self._driver.wait(_answers(pgconn))
            pgconn.exit_pipeline_mode()
        except BaseException:
            self._driver.close()  # what is still under way would be taken for the answer to something else
            raise
        found = []
        for what, result in zip(asked, came, strict=True):
            if result.status == pq.ExecStatus.FATAL_ERROR:
                raise psycopg.errors.error_from_result(result)
            if what is _CALL:
                found.append(result)
            elif what is _FORGET:
                self._prepared.clear()
            elif isinstance(what, tuple):
                self._prepared[what[0]] = what[1]
        return found

    def _ask(self, pgconn: PGconn, held: list[_Written], written: list[_Written]) -> list[_Asked]:
        """Leave everything in libpq's buffer; return what each answer will be to."""
        asked: list[_Asked] = []
        names = self._prepared.copy()
        if len(names) >= PREPARED_AT_MOST:
            names = {}
            pgconn.send_query_params(b"DEALLOCATE ALL", None)
            asked.append(_FORGET)
        for nth, (text, values) in enumerate(chain(held, written)):
            name = names.get(text.sql)
            if name is None:
                name = names[text.sql] = b"duban_%d" % len(names)
                pgconn.send_prepare(name, text.sql)
                asked.append((text.sql, name))
            pgconn.send_query_prepared(name, values)
            asked.append(_CALL if nth >= len(held) else _DONE)
        return asked


class Driver(psycopg.Connection[Any]):
    """psycopg's connection, with `trips` of its own: what these hold goes out before anything else on it.

    `rests_since` is when it was last given back to the pool, by `time.monotonic`.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.trips = Trips(self)
        self.rests_since = time.monotonic()

    def cursor(self, *given: Any, **named: Any) -> Any:
        self.trips.send()
        return super().cursor(*given, **named)

    def commit(self) -> None:
        if not self.trips.send(commit=True):
            super().commit()

    def rollback(self) -> None:
        """Roll back what there is; the pool asks for it whenever it gets a connection back."""
        self.trips.forget()
        self.rests_since = time.monotonic()
        if self.pgconn.transaction_status != pq.TransactionStatus.IDLE:
            super().rollback()


@cache
def _begin(level: psycopg.IsolationLevel | None, read_only: bool | None) -> bytes:
    words = ["BEGIN"]
    if level is not None:
        words += ["ISOLATION LEVEL", psycopg.IsolationLevel(level).name.replace("_", " ")]
    if read_only:
        words.append("READ ONLY")
    return " ".join(words).encode()


def _answers(pgconn: PGconn) -> PQGen[list[PGresult]]:
    yield from send(pgconn)
    found: list[PGresult] = []
    while True:
        while pgconn.is_busy():
            while not (yield Wait.R):
                continue
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:  # behind every answer
            continue
        if result.status == pq.ExecStatus.PIPELINE_SYNC:
            return found
        found.append(result)
