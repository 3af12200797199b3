"""Many rows in one statement on PostgreSQL: they travel as one JSON value, `rows`, and become rows there.

The text does not depend on how many there are, so it is compiled, and prepared by the server, once.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Insert, Table, TableValuedAlias, Update, bindparam, column, func, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert

AT_LEAST = 20
"""Fewer rows go one by one, which costs no more."""


@cache
def insert_many(table: Table, columns: tuple[str, ...]) -> Insert:
    return insert(table).from_select(list(columns), select(_given(table, columns)), include_defaults=False)


@cache
def insert_many_missing(table: Table, columns: tuple[str, ...], unique: tuple[str, ...]) -> Any:
    """Like `insert_many`, but leaves rows alone that are there already."""
    given = select(_given(table, columns))
    made = insert(table).from_select(list(columns), given, include_defaults=False)
    return made.on_conflict_do_nothing(index_elements=list(unique))


@cache
def update_many(table: Table, columns: tuple[str, ...]) -> Update:
    """`columns` begin with `row_id`, the id of the row."""
    given = _given(table, columns)
    return update(table).where(table.c.id == given.c.row_id).values({name: given.c[name] for name in columns[1:]})


def _given(table: Table, columns: Sequence[str]) -> TableValuedAlias:
    typed = [column(name, table.c["id" if name == "row_id" else name].type) for name in columns]
    rows = func.jsonb_to_recordset(bindparam("rows", type_=JSONB))
    return rows.table_valued(*typed, name="given").render_derived(with_types=True)
