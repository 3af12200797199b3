"""Reading straight from SQLite's driver, with statements built and compiled once: all around it costs more than it."""

import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import Executable

from services.db.base import JSON_BY, to_json

Row = dict[str, Any]
Process = Callable[[Any], Any]
_DIALECT = SQLiteDialect_pysqlite(paramstyle="named", **JSON_BY)
LISTED = re.compile(r"IN \(__\[POSTCOMPILE_(\w+)\]\)")
"""Where SQLAlchemy would write out a list, once for each length."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """`given` turns values of ours into the driver's, `read` those of columns (by place) into ours."""

    text: str
    constants: Row
    given: tuple[tuple[str, Process], ...]
    names: tuple[str, ...]
    read: tuple[tuple[int, Process], ...]


def read(driver: sqlite3.Connection, query: Executable, values: Mapping[str, Any]) -> list[Row]:
    """Run a query within the transaction of this connection and return its rows by column name."""
    prepared = _prepare(query)
    given = {**prepared.constants, **values}
    for name, process in prepared.given:
        given[name] = process(given[name])
    try:
        found = driver.execute(prepared.text, given).fetchall()
    except sqlite3.Error as error:
        raise DBAPIError.instance(None, None, error, sqlite3.Error, hide_parameters=True, dialect=_DIALECT) from error
    return [_row(prepared, values) for values in found]


def _row(prepared: _Prepared, values: tuple[Any, ...]) -> Row:
    row = dict(zip(prepared.names, values, strict=True))
    for place, process in prepared.read:
        row[prepared.names[place]] = process(values[place])
    return row


@lru_cache(maxsize=4096)
def _prepare(query: Executable) -> _Prepared:
    compiled = query.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
    assert isinstance(compiled, SQLCompiler)
    text = str(compiled)
    listed = frozenset(LISTED.findall(text))
    binds = {name: bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT) for name, bind in compiled.binds.items()}
    given = {name: process for name, process in binds.items() if process is not None}
    given |= {name: _as_list(given.get(name)) for name in listed}
    columns = [
        (c.keyname, c.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None)) for c in compiled._result_columns
    ]
    return _Prepared(
        LISTED.sub(r"IN (SELECT value FROM json_each(:\1))", text),  # however many: one text
        {name: value for name, value in compiled.params.items() if value is not None},
        tuple(given.items()), tuple(name for name, _ in columns),
        tuple((place, process) for place, (_, process) in enumerate(columns) if process is not None),
    )  # fmt: skip


def _as_list(process: Process | None) -> Process:
    return lambda values: to_json([process(value) if process else value for value in values])
