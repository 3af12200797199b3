"""All that a database holds, as plain values: two dumps are equal when nothing changed in between."""

from typing import Any

from sqlalchemy import select

from services.db.base import Base
from services.db.session import Database

Dump = dict[str, list[tuple[Any, ...]]]


def dump(database: Database) -> Dump:
    """Every row of every table, in the order of the keys."""
    with database.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key.columns))]
            for table in Base.metadata.sorted_tables
        }
