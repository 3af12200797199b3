"""Straight to the database's driver, with statements that were built and compiled once: what the hot path is made of.

Several queries go to PostgreSQL in one round trip, and changes with whatever comes next (`trips`). SQLite, which knows
none, runs them one by one, queries by its driver as well (`reading`).
"""

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from itertools import chain, islice
from typing import Any, TypeVar

import psycopg
from psycopg.pq.abc import PGresult
from sqlalchemy import CompoundSelect, Connection, Dialect, Engine, Insert, Select, SelectBase, Table, Update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from services.db import bulk, reading
from services.db.trips import Call, Driver, Text, Trips

Row = dict[str, Any]
Statement = Select[Any] | CompoundSelect[Any] | ReturningUpdate[Any]
Query = tuple[Statement, Mapping[str, Any]]
"""A statement that is built once, and the values it is run with; a list for an expanding parameter."""
Come = TypeVar("Come")
_WAY = "way"
_ALONG, _CAME = "along", "came"
READS = "reads"
"""In the `info` of a session that only reads: what it has read stays as it is."""


def read_rows(session: Session, query: Statement, values: Mapping[str, Any]) -> list[Row]:
    """Run one query and return its rows by column name."""
    return read_together(session, (query, values))[0]


def ask_along(session: Session, *queries: Query) -> None:
    """Say what a session that only reads will ask soon, each by itself: where trips cost, they go with the next one.

    Whoever then asks is given what came, once. In a session that changes something, nothing is asked before its time.
    """
    if session.info.get(READS):
        session.info[_ALONG] = (*session.info.get(_ALONG, ()), *queries)


def read_together(session: Session, *queries: Query) -> list[list[Row]]:
    """Run queries in this order and return the rows of each.

    Each sees what is committed when its own turn comes, so one that waits for a lock is followed by fresh ones.
    """
    if not queries:
        return []
    way = way_of(session)
    if way.trips is None:
        return [_read(way, query, values) for query, values in queries]
    came: dict[Statement, tuple[Mapping[str, Any], list[Row]]] = session.info.get(_CAME) or {}
    if came and all(query in came and came[query][0] == values for query, values in queries):
        return [came.pop(query)[1] for query, _ in queries]
    along: tuple[Query, ...] = session.info.pop(_ALONG, ())
    asked = (*queries, *along)
    known = [_compiled(query, way.connection.dialect) for query, _ in asked]
    calls = [(one.text, one.given(values)) for one, (_, values) in zip(known, asked, strict=True)]
    results = way.run(calls)
    answers = [one.rows(way.trips, result) for one, result in zip(known, results, strict=True)]
    if along:
        behind = zip(along, answers[len(queries) :], strict=True)
        session.info[_CAME] = came | {query: (values, rows) for (query, values), rows in behind}
    return answers[: len(queries)]


def read_in_parts(session: Session, *parts: Sequence[Query]) -> list[list[list[Row]]]:
    """Run queries that were put together in several places; return the rows of each, part by part."""
    answers = iter(read_together(session, *chain.from_iterable(parts)))
    return [list(islice(answers, len(part))) for part in parts]


def read_alone(engine: Engine, query: Select[Any], values: Mapping[str, Any]) -> list[Row]:
    """Run one query in a transaction of its own; on PostgreSQL both are one round trip."""
    with engine.connect() as connection:
        if (way := Way.by(connection)).trips is None:
            return _read(way, query, values)
        known = _compiled(query, connection.dialect)
        (result,) = way.run([(known.text, known.given(values))], alone=True)
        return known.rows(way.trips, result)


def change(session: Session, statement: Insert | Update, rows: list[Row]) -> None:
    """Insert or update rows with the same columns; on PostgreSQL before the next that is asked, or with COMMIT.

    What is wrong with them is raised then, but a value that cannot be sent at once.
    """
    way = way_of(session)
    if way.trips is None:
        way.connection.execute(statement, rows)
    else:
        way.hold(_calls(way.connection, statement, rows))


@contextmanager
def sent_within(session: Session) -> Iterator[None]:
    """Send the changes of this block before it ends, or none of them where it fails: for a savepoint."""
    way = way_of(session)
    try:
        yield
        way.send()
    except BaseException:
        way.forget()
        raise


def insert_returning(session: Session, statement: ReturningInsert[Any], rows: list[Row]) -> list[int]:
    """Insert rows at once and return the id of each, in their order."""
    way = way_of(session)
    if way.trips is None:
        return list(way.connection.execute(statement, rows).scalars())
    results = way.run(_one_by_one(way.connection, statement, rows))
    return [made for result in results for (made,) in way.trips.rows(result)]


def insert_prepared(way: "Way", statement: Insert, row: Row) -> list[Any]:
    """Insert a row that leaves nothing to defaults, or `bulk`'s rows, by `trips`; return what is returned.

    SQLAlchemy keeps no compiled text of an insert that minds conflicts.
    """
    assert way.trips is not None
    (result,) = way.run(_one_by_one(way.connection, statement, [row]))
    return [_made(_names(result))(*values) for values in way.trips.rows(result)]


def _read(way: "Way", query: Statement, values: Mapping[str, Any]) -> list[Row]:
    if isinstance(query, SelectBase) and way.sqlite is not None:
        return reading.read(way.sqlite, query, values)
    return [dict(row) for row in way.connection.execute(query, values).mappings()]


@dataclass(frozen=True, slots=True)
class Way:
    """A session's way to its database, the same until its transaction ends or a savepoint within begins or ends.

    `trips` make it to PostgreSQL, and queries go straight to `sqlite`. Where somebody listens, as traces do, there is
    neither: everything goes through SQLAlchemy, slower and one by one.
    """

    connection: Connection
    within: SessionTransaction | None
    postgres: bool
    sqlite: sqlite3.Connection | None
    trips: Trips | None

    @classmethod
    def by(cls, connection: Connection, within: SessionTransaction | None = None) -> "Way":
        listened_to = bool(connection.dispatch.before_cursor_execute)
        driver = None if listened_to else connection.connection.driver_connection
        sqlite = driver if isinstance(driver, sqlite3.Connection) else None
        trips = driver.trips if isinstance(driver, Driver) else None
        return cls(connection, within, connection.dialect.name == "postgresql", sqlite, trips)

    def run(self, calls: Sequence[Call], *, alone: bool = False) -> list[PGresult]:
        assert self.trips is not None
        return self._by(partial(self.trips.run, calls, alone=alone))

    def hold(self, calls: Sequence[Call]) -> None:
        assert self.trips is not None
        self._by(partial(self.trips.hold, calls))

    def send(self) -> None:
        """Send what is held."""
        if self.trips is not None:
            self._by(self.trips.send)

    def forget(self) -> None:
        """Never send what is held."""
        if self.trips is not None:
            self.trips.forget()

    def _by(self, go: Callable[[], Come]) -> Come:
        """Raise what the driver raises as SQLAlchemy would have."""
        try:
            return go()
        except psycopg.Error as error:
            driver, dialect = self.connection.connection.driver_connection, self.connection.dialect
            broken = dialect.is_disconnect(error, driver, None)  # type: ignore[arg-type]
            if broken:
                self.connection.invalidate(error)
            raise DBAPIError.instance(
                None, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=broken, dialect=dialect
            ) from error
        except BaseException as problem:
            driver = self.connection.connection.driver_connection
            if driver is not None and driver.closed:  # broken off; else the rollback would fail in its stead
                self.connection.invalidate(problem)
            raise


def way_of(session: Session) -> Way:
    """Return it, found once a transaction: SQLAlchemy's own looking up costs as much as a small query.

    Once a savepoint as well: SQLAlchemy sets it where it is first asked for the connection within.
    """
    way: Way | None = session.info.get(_WAY)
    savepoint = session.get_nested_transaction()
    if way is None or way.within is not savepoint or way.connection.closed:
        given = session.bind if savepoint is None else None  # a session's own transaction is begun for a savepoint only
        connection = given if isinstance(given, Connection) else session.connection()
        way = session.info[_WAY] = Way.by(connection, savepoint)
    return way


def _calls(connection: Connection, statement: Insert | Update, rows: list[Row]) -> list[Call]:
    if len(rows) < bulk.AT_LEAST:
        return _one_by_one(connection, statement, rows)
    assert isinstance(statement.table, Table)
    make: Any = bulk.insert_many if isinstance(statement, Insert) else bulk.update_many
    whole = make(statement.table, tuple(rows[0]))
    return _one_by_one(connection, whole, [{"rows": rows}])


def _one_by_one(connection: Connection, statement: Insert | Update, rows: list[Row]) -> list[Call]:
    text, processors = _prepared(statement, connection.dialect, tuple(rows[0]))
    return [(text, row | {name: process(row[name]) for name, process in processors.items()}) for row in rows]


@dataclass(slots=True)
class _Known:
    """A query as it is sent, the values it brings along, and (after its first answer) the names of its columns."""

    text: Text
    constants: Row
    lists: tuple[str, ...]
    columns: tuple[str, ...] = ()

    def given(self, values: Mapping[str, Any]) -> Row:
        given = {**self.constants, **values}
        return given | {name: list(given[name]) for name in self.lists}

    def rows(self, trips: Trips, result: PGresult) -> list[Row]:
        self.columns = self.columns or _names(result)
        return [dict(zip(self.columns, values, strict=True)) for values in trips.rows(result)]


@cache
def _made(names: tuple[str, ...]) -> Any:
    return namedtuple("Made", names)


def _names(result: PGresult) -> tuple[str, ...]:
    return tuple((result.fname(place) or b"").decode() for place in range(result.nfields))


@lru_cache(maxsize=4096)
def _compiled(query: Statement, dialect: Dialect) -> _Known:
    """Compile a query; a list stays one value, however long it is."""
    compiled = query.compile(dialect=dialect)
    text, constants = str(compiled), {name: value for name, value in compiled.params.items() if value is not None}
    lists = tuple(reading.LISTED.findall(text))
    return _Known(Text.of(reading.LISTED.sub(r"= ANY(%(\1)s)", text)), constants, lists)


@lru_cache(maxsize=512)
def _prepared(
    statement: Insert | Update | ReturningInsert[Any], dialect: Dialect, columns: tuple[str, ...]
) -> tuple[Text, Row]:
    """Return the text, and what turns a value of ours into the driver's, for the columns that need it."""
    compiled = statement.compile(dialect=dialect, column_keys=list(columns))
    assert isinstance(compiled, SQLCompiler)
    found = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in compiled.binds.items()}
    return Text.of(str(compiled)), {name: process for name, process in found.items() if process is not None}
