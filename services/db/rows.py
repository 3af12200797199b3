"""Plain inserts and updates of the hot paths: statements built once, so that a call costs little but its round trip."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Insert, Table, Update, bindparam, insert, update
from sqlalchemy.orm import Session

from services.db.base import Base

Row = Mapping[str, Any]


def insert_rows(session: Session, model: type[Base], rows: Sequence[Row]) -> None:
    """Insert rows that all have the same keys; none is fine."""
    if rows:
        session.connection().execute(_insert(_table(model)), [dict(row) for row in rows])


def insert_ids(session: Session, model: type[Base], rows: Sequence[Row]) -> list[int]:
    """Insert rows and return their ids in the same order."""
    if not rows:
        return []
    statement = _insert_returning(_table(model))
    return list(session.connection().execute(statement, [dict(row) for row in rows]).scalars())


def update_row(session: Session, model: type[Base], row_id: int, columns: Row) -> None:
    session.connection().execute(_update(_table(model)), {"row_id": row_id, **columns})


def update_rows(session: Session, model: type[Base], rows: Mapping[int, Row]) -> None:
    """Update rows by id; all have the same columns. One round of `executemany`, in the order of the ids."""
    if rows:
        listed = [{"row_id": row_id, **rows[row_id]} for row_id in sorted(rows)]
        session.connection().execute(_update(_table(model)), listed)


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


@cache
def _insert(table: Table) -> Insert:
    return insert(table)


@cache
def _insert_returning(table: Table) -> Any:
    return insert(table).returning(table.c.id, sort_by_parameter_order=True)


@cache
def _update(table: Table) -> Update:
    return update(table).where(table.c.id == bindparam("row_id"))
