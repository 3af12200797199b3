"""The rows of all tables, read and written alike on both databases."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from psycopg import sql
from sqlalchemy import JSON, Connection, String, Table, collate, func, insert, inspect, select, text

from services.db.base import BY_TRIGGERS, Base
from services.keeping.progress import Progress, silent
from services.tables import all_models

AT_ONCE = 2000
"""Rows that are read, written and committed together."""

VERSION = "alembic_version"
_MODULUS = 2**256
Counted = dict[str, dict[str, Any]]
"""Per table {"rows": how many, "digest": of all they say, whatever their order}."""


def all_tables() -> Sequence[Table]:
    """Return every table that holds something of its own, each after those it points to."""
    all_models()
    return [table for table in Base.metadata.sorted_tables if BY_TRIGGERS not in table.info]


def strangers(connection: Connection) -> list[str]:
    """Return tables in this database that are none of ours."""
    ours = {*Base.metadata.tables, VERSION}
    return sorted(set(inspect(connection).get_table_names()) - ours)


def filled(connection: Connection) -> dict[str, int]:
    """Return how many rows each of our tables has, of those that exist and have any."""
    there = set(inspect(connection).get_table_names())
    counts = {table.name: count(connection, table) for table in all_tables() if table.name in there}
    return {name: rows for name, rows in counts.items() if rows}


def count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def chunks(connection: Connection, table: Table, skip: int = 0) -> Iterator[Sequence[Mapping[str, Any]]]:
    """Yield the rows by primary key, `AT_ONCE` at a time, after the first `skip`.

    A table that points to itself comes in one piece: a row may stand before the one it points to.
    """
    itself = any(key.column.table is table for key in table.foreign_keys)
    asked = select(table).order_by(*_by_key(connection, table)).offset(skip)
    if itself:
        if rows := [dict(row) for row in connection.execute(asked).mappings()]:
            yield rows
        return
    found = connection.execute(asked, execution_options={"yield_per": AT_ONCE})
    for part in found.mappings().partitions():
        yield [dict(row) for row in part]


def write_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows with their ids; PostgreSQL checks what they point to once all are in."""
    if connection.dialect.name == "postgresql":
        _copy_in(connection, table, rows)
    else:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        connection.execute(insert(table), [dict(row) for row in rows])


def fill(source: Connection, target: Connection, progress: Progress = silent) -> None:
    """Copy all rows into empty tables, in the target's one transaction, and let numbering go on after them."""
    with progress("rows copied", sum(count(source, table) for table in all_tables())) as done:
        for table in all_tables():
            for rows in chunks(source, table):
                write_rows(target, table, rows)
                done(len(rows))
            number_on(target, table)


def number_on(connection: Connection, table: Table) -> None:
    """Let the next row be numbered after the last: SQLite does so by itself."""
    key = table.autoincrement_column
    if connection.dialect.name == "postgresql" and key is not None:
        sequence = func.pg_get_serial_sequence(f'"{table.name}"', key.name)
        last = select(func.max(key)).scalar_subquery()
        connection.execute(select(func.setval(sequence, func.coalesce(last, 1), last.is_not(None))))


def digests(connection: Connection, progress: Progress = silent, label: str = "rows read") -> Counted:
    """Count every table and digest what its rows say."""
    tables = all_tables()
    with progress(label, sum(count(connection, table) for table in tables)) as done:
        return {table.name: _digest(connection, table, done) for table in tables}


def schema_version(connection: Connection) -> str | None:
    """Return what stands in the version table, None where there is none."""
    if not inspect(connection).has_table(VERSION):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION}")).scalar()  # noqa: S608 - a constant


def set_schema_version(connection: Connection, version: str) -> None:
    """Say which schema this is; one that no program knows keeps the database from being used."""
    connection.execute(text(f"UPDATE {VERSION} SET version_num = :version"), {"version": version})  # noqa: S608


def _digest(connection: Connection, table: Table, done: Any) -> dict[str, Any]:
    """A sum does not ask for an order: the two databases sort texts differently."""
    rows, total = 0, 0
    for part in chunks(connection, table):
        for row in part:
            said = json.dumps([_plain(row[c.name]) for c in table.columns], sort_keys=True, ensure_ascii=False)
            total += int.from_bytes(hashlib.sha256(said.encode()).digest())
        rows += len(part)
        done(len(part))
    return {"rows": rows, "digest": f"{total % _MODULUS:064x}"}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value


def _by_key(connection: Connection, table: Table) -> list[Any]:
    """The primary key, texts by their bytes: so the order is the same on every server."""
    bytewise = connection.dialect.name == "postgresql"
    return [collate(c, "C") if bytewise and isinstance(c.type, String) else c for c in table.primary_key]


def _copy_in(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """COPY, some ten times as quick as inserts."""
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    command = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), names)
    documents = {column.name for column in table.columns if isinstance(column.type, JSON)}
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(command) as into:
        for row in rows:
            into.write_row([_sent(row[c.name], c.name in documents) for c in table.columns])


def _sent(value: Any, document: bool) -> Any:
    return json.dumps(value, ensure_ascii=False) if document and value is not None else value
