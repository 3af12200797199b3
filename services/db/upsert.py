"""Insert that leaves existing rows alone, the same on both databases."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Table, and_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from services.db import bulk
from services.db.base import Base
from services.db.together import insert_prepared, way_of


def insert_missing(
    session: Session,
    model: type[Base],
    rows: Sequence[dict[str, Any]],
    unique: Sequence[str],
    returning: Sequence[ColumnElement[Any] | Any] = (),
) -> list[Any]:
    """Insert rows that collide with none on the `unique` columns; return those inserted (the `returning` columns).

    The insert is the claim: of two at once exactly one gets a row back.
    """
    if not rows:
        return []
    way, table = way_of(session), model.__table__
    assert isinstance(table, Table)
    if many := way.postgres and len(rows) >= bulk.AT_LEAST:
        statement = _insert_many(table, tuple(rows[0]), tuple(unique), tuple(returning))
    else:
        statement = _insert_or_leave(table, tuple(unique), tuple(returning), postgres=way.postgres)
    if way.trips is not None and (many or (len(rows) == 1 and _is_whole(table, tuple(rows[0])))):
        return insert_prepared(way, statement, {"rows": rows} if many else rows[0])
    made = way.connection.execute(statement, {"rows": rows} if many else list(rows))
    return list(made) if returning else []


@cache
def _is_whole(table: Table, columns: tuple[str, ...]) -> bool:
    """Whether these columns leave nothing to defaults of ours."""
    return not any(column.default is not None and column.name not in columns for column in table.columns)


@cache
def _insert_many(table: Table, columns: tuple[str, ...], unique: tuple[str, ...], returning: tuple[Any, ...]) -> Any:
    made = bulk.insert_many_missing(table, columns, unique)
    return made.returning(*returning) if returning else made


@cache
def _insert_or_leave(table: Table, unique: tuple[str, ...], returning: tuple[Any, ...] = (), *, postgres: bool) -> Any:
    """Return the statement: it inserts nothing where these columns are taken, by rows that have them at all."""
    made = postgresql.insert(table) if postgres else sqlite.insert(table)
    filled = [table.c[name].is_not(None) for name in unique if table.c[name].nullable]
    made = made.on_conflict_do_nothing(index_elements=list(unique), index_where=and_(*filled) if filled else None)
    return made.returning(*returning) if returning else made.inline()
