"""Insert that leaves existing rows alone, the same on both databases."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from services.db.base import Base


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
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(model.__table__).on_conflict_do_nothing(index_elements=list(unique))
    if not returning:
        session.execute(statement, list(rows))
        return []
    return list(session.execute(statement.returning(*returning).values(list(rows))))
