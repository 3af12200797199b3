"""Straight to PostgreSQL's driver, with statements that were built and compiled once: what the hot path is made of.

Several queries or changes go in one round trip, by the driver's pipeline. SQLite, which knows no trips, runs them one
by one, queries by its driver as well (`reading`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.rows import RowFactory, RowMaker, namedtuple_row
from sqlalchemy import Connection, Dialect, Insert, Select, Table, Update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from services.db import bulk, reading
from services.db.trips import one_trip

Row = dict[str, Any]
Statement = Select[Any] | ReturningUpdate[Any]
Query = tuple[Statement, Mapping[str, Any]]
"""A statement that is built once, and the values it is run with; a list for an expanding parameter."""
Change = tuple[Insert | Update, list[Row]]


def read_rows(session: Session, query: Statement, values: Mapping[str, Any]) -> list[Row]:
    """Run one query and return its rows by column name."""
    connection = session.connection()
    if by_driver(connection):
        with _errors(connection):
            return _start(connection, query, values).fetchall()
    if isinstance(query, Select) and not _listened_to(connection):
        return reading.read(connection, query, values)
    return [dict(row) for row in connection.execute(query, values).mappings()]


def read_together(session: Session, *queries: Query) -> list[list[Row]]:
    """Run queries in this order and return the rows of each.

    Each sees what is committed when its own turn comes, so one that waits for a lock is followed by fresh ones.
    """
    connection = session.connection()
    if not by_driver(connection):
        return [read_rows(session, query, values) for query, values in queries]
    with _errors(connection):
        with one_trip(_driver(connection)):
            cursors = [_start(connection, query, values) for query, values in queries]
        return [cursor.fetchall() for cursor in cursors]  # not before: each would ask the server for its answer


def change_together(session: Session, changes: Sequence[Change]) -> None:
    """Make changes in this order; none of them is asked what it did."""
    connection = session.connection()
    if not by_driver(connection):
        for statement, rows in changes:
            connection.execute(statement, rows)
        return
    with _errors(connection), one_trip(_driver(connection)) if len(changes) > 1 else nullcontext():
        for statement, rows in changes:
            _change(connection, statement, rows)


def insert_returning(session: Session, statement: ReturningInsert[Any], rows: list[Row]) -> list[int]:
    """Insert rows at once and return the id of each, in their order."""
    connection = session.connection()
    if not by_driver(connection):
        return list(connection.execute(statement, rows).scalars())
    text, processors = _prepared(statement, connection.dialect, tuple(rows[0]))
    cursor = _driver(connection).cursor()
    with _errors(connection):
        if len(rows) == 1:
            return [found for (found,) in cursor.execute(text, _processed(rows[0], processors))]
        cursor.executemany(text, [_processed(row, processors) for row in rows], returning=True)
        return [found for made in cursor.results() for (found,) in made]


def insert_one(connection: Connection, statement: Insert, row: Row) -> list[Any]:
    """Insert a row that leaves nothing to defaults, on PostgreSQL; return what the statement returns.

    SQLAlchemy keeps no compiled text of an insert that minds conflicts.
    """
    text, processors = _prepared(statement, connection.dialect, tuple(row))
    with _errors(connection):
        cursor = _driver(connection).cursor(row_factory=namedtuple_row)
        cursor.execute(text, _processed(row, processors))
        return cursor.fetchall() if cursor.description else []


def _listened_to(connection: Connection) -> bool:
    """Traces listen to SQLAlchemy: then everything goes through it, slower and one by one."""
    return bool(connection.dispatch.before_cursor_execute)


def by_driver(connection: Connection) -> bool:
    """Whether statements go to PostgreSQL's driver itself."""
    return connection.dialect.name == "postgresql" and not _listened_to(connection)


def _change(connection: Connection, statement: Insert | Update, rows: list[Row]) -> None:
    columns = tuple(rows[0])
    if len(rows) >= bulk.AT_LEAST:
        assert isinstance(statement.table, Table)
        make: Any = bulk.insert_many if isinstance(statement, Insert) else bulk.update_many
        connection.execute(make(statement.table, columns), bulk.as_json(statement.table, rows))
        return
    text, processors = _prepared(statement, connection.dialect, columns)
    cursor, given = _driver(connection).cursor(), [_processed(row, processors) for row in rows]
    if len(given) == 1:
        cursor.execute(text, given[0])
    else:
        cursor.executemany(text, given)


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def _start(connection: Connection, query: Statement, values: Mapping[str, Any]) -> psycopg.Cursor[Row]:
    text, constants, by_name = _compiled(query, connection.dialect)
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    return _driver(connection).cursor(row_factory=by_name).execute(text, {**constants, **given})


@lru_cache(maxsize=512)
def _compiled(query: Statement, dialect: Dialect) -> tuple[str, Row, RowFactory[Row]]:
    """Return the text, the values that the query brings along, and what makes a row of its answer.

    A list stays one value, however long it is.
    """
    compiled = query.compile(dialect=dialect)
    text = reading.LISTED.sub(r"= ANY(%(\1)s)", str(compiled))
    return text, {name: value for name, value in compiled.params.items() if value is not None}, _by_name()


def _by_name() -> RowFactory[Row]:
    """Return what psycopg's `dict_row` is, but it asks for the columns' names once: those of a query never change."""
    names: tuple[str, ...] = ()

    def of(cursor: psycopg.Cursor[Any]) -> RowMaker[Row]:
        nonlocal names
        names = names or tuple(column.name for column in cursor.description or ())
        return lambda values: dict(zip(names, values, strict=True))

    return of


@lru_cache(maxsize=512)
def _prepared(
    statement: Insert | Update | ReturningInsert[Any], dialect: Dialect, columns: tuple[str, ...]
) -> tuple[str, Row]:
    """Return the text, and what turns a value of ours into the driver's, for the columns that need it."""
    compiled = statement.compile(dialect=dialect, column_keys=list(columns))
    assert isinstance(compiled, SQLCompiler)
    found = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in compiled.binds.items()}
    return str(compiled), {name: process for name, process in found.items() if process is not None}


def _processed(row: Row, processors: Row) -> Row:
    return row | {name: process(row[name]) for name, process in processors.items()}


@contextmanager
def _errors(connection: Connection) -> Iterator[None]:
    """Raise what the driver raises as SQLAlchemy would have."""
    try:
        yield
    except psycopg.Error as error:
        dialect, driver = connection.dialect, connection.connection.driver_connection
        broken = dialect.is_disconnect(error, driver, None)  # type: ignore[arg-type]
        if broken:
            connection.invalidate(error)
        raise DBAPIError.instance(
            None, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=broken, dialect=dialect
        ) from error
