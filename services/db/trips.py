"""One round trip to PostgreSQL for several statements, each of them prepared once on a connection, by libpq itself.

psycopg's cursors are made for any statement with any values; on short statements that are known beforehand they cost
more than twice this. What psycopg knows of values stays its own: its adapters write parameters and read answers here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
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
_BEGIN, _FORGET, _CALL = "begin", "forget", "call"
_Asked = str | tuple[bytes, bytes]
"""What an answer is to: one of these, or a statement prepared under a name."""


class Trips:
    """A connection's way to the server, and what is prepared there. It is no more shared by threads than these are.

    Nothing else may prepare on the connection: psycopg throws away all that is prepared when it throws away its own.
    """

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self._driver = driver
        self._adapt: Any = Transformer(driver)
        self._prepared: dict[bytes, bytes] = {}

    def run(self, calls: Sequence[Call], *, alone: bool = False) -> list[PGresult]:
        """Send all and return what came of each, in a transaction that is begun if there is none.

        `alone` leaves that out: what is sent is a transaction of its own, ended with the trip. Each statement sees
        what is committed when its own turn comes. Raises what psycopg raises for the first that fails; those after it
        are not tried.
        """
        write = self._adapt.dump_sequence
        given = [write([values[name] for name in text.names], text.formats) for text, values in calls]
        pgconn = self._driver.pgconn
        try:
            pgconn.enter_pipeline_mode()
            asked = self._ask(pgconn, [text for text, _ in calls], given, alone)
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

    def rows(self, result: PGresult) -> list[tuple[Any, ...]]:
        """Return the rows of an answer as psycopg reads them."""
        self._adapt.set_pgresult(result)
        return self._adapt.load_rows(0, result.ntuples, tuple)  # type: ignore[no-any-return]

    def _ask(self, pgconn: PGconn, texts: Sequence[Text], given: Sequence[Any], alone: bool) -> list[_Asked]:
        """Leave everything in libpq's buffer; return what each answer will be to."""
        asked: list[_Asked] = []
        if not alone and pgconn.transaction_status == pq.TransactionStatus.IDLE:
            pgconn.send_query_params(_begin(self._driver.isolation_level, self._driver.read_only), None)
            asked.append(_BEGIN)
        names = self._prepared.copy()
        if len(names) >= PREPARED_AT_MOST:
            names = {}
            pgconn.send_query_params(b"DEALLOCATE ALL", None)
            asked.append(_FORGET)
        for text, values in zip(texts, given, strict=True):
            name = names.get(text.sql)
            if name is None:
                name = names[text.sql] = b"duban_%d" % len(names)
                pgconn.send_prepare(name, text.sql)
                asked.append((text.sql, name))
            pgconn.send_query_prepared(name, values)
            asked.append(_CALL)
        pgconn.pipeline_sync()
        return asked


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
