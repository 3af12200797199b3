"""Plain inserts and updates of the hot paths: statements built once, which on PostgreSQL cost no trip of their own."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Insert, Select, Table, Update, bindparam, func, insert, select, update
from sqlalchemy.orm import Session
from sqlalchemy.schema import Sequence as IdSequence

from services.db.base import Base
from services.db.together import Query, change, insert_returning, way_of

Row = Mapping[str, Any]


def insert_rows(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> None:
    """Insert rows that all have the same keys; none is fine. They are this function's from then on."""
    if rows:
        change(session, _insert(_table(model)), rows)


def insert_ids(session: Session, model: type[Base], rows: Sequence[Row]) -> list[int]:
    """Insert rows at once and return their ids in the same order."""
    if not rows:
        return []
    return insert_returning(session, _insert_returning(_table(model)), [dict(row) for row in rows])


def next_id(session: Session, model: type[Base]) -> Query:
    """Return the query for the id of the next row, for whoever has to know it before he writes the row with it."""
    return _next_id(_table(model), postgres=way_of(session).postgres), {}


def update_row(session: Session, model: type[Base], row_id: int, columns: Row) -> None:
    change(session, _update(_table(model)), [{"row_id": row_id, **columns}])


def update_rows(session: Session, model: type[Base], rows: Mapping[int, Row]) -> None:
    """Update rows by id; all have the same columns."""
    if rows:
        changed = [{"row_id": row_id, **rows[row_id]} for row_id in sorted(rows)]
        change(session, _update(_table(model)), changed)


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


@cache
def _insert(table: Table) -> Insert:
    return insert(table).inline()  # else the new key is asked for, which nobody wants here


@cache
def _insert_returning(table: Table) -> Any:
    return insert(table).returning(table.c.id, sort_by_parameter_order=True)


@cache
def _next_id(table: Table, *, postgres: bool) -> Select[Any]:
    if postgres:
        return select(IdSequence(f"{table.name}_id_seq").next_value().label("id"))
    return select((func.coalesce(func.max(table.c.id), 0) + 1).label("id"))  # nobody else writes meanwhile


@cache
def _update(table: Table) -> Update:
    return update(table).where(table.c.id == bindparam("row_id"))
