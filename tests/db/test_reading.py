"""Queries straight to SQLite's driver answer as SQLAlchemy does, and within its transactions."""

from datetime import date, datetime

import pytest
from sqlalchemy import bindparam, select, text
from sqlalchemy.exc import DBAPIError

from services.db.base import Base
from services.db.reading import read
from services.db.session import Database
from services.db.together import read_rows
from services.engine.models import Clock, Entry, Matter, WorkItem
from tests.support.cast import County

TABLES = (Matter, Clock, WorkItem, Entry)


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_those_of_sqlalchemy(sqlite_county: County, table: type[Base]) -> None:
    sqlite_county.open()
    key = next(iter(table.__table__.primary_key))
    wanted = select(*table.__table__.columns).where(key.in_(bindparam("ids", expanding=True))).limit(5)
    for ids in ([], [1], [1, 2, 3]):
        with sqlite_county.database.read() as session:
            expected = session.connection().execute(wanted, {"ids": ids}).mappings().all()
            assert read_rows(session, wanted, {"ids": ids}) == [dict(row) for row in expected]
    assert expected


def test_values_are_given_as_columns_keep_them(sqlite_county: County) -> None:
    sqlite_county.open()
    with sqlite_county.database.read() as session:
        (matter,) = session.scalars(select(Matter))
        for column in (Matter.event_on, Matter.opened_at, Matter.number):
            wanted = select(Matter.id).where(column == bindparam("given", type_=column.type))
            given = {"given": getattr(matter, column.key)}
            assert isinstance(given["given"], date | datetime | str)
            assert read_rows(session, wanted, given) == [{"id": matter.id}]


def test_what_the_driver_refuses_is_told_as_by_sqlalchemy(sqlite: Database) -> None:
    with sqlite.read() as session, pytest.raises(DBAPIError):
        read(session.connection().connection.driver_connection, text("SELECT * FROM nowhere"), {})


def test_after_a_change_reading_refuses_changes_again(sqlite: Database) -> None:
    """On one connection: the pool gives the one that came back last as long as nobody else asks."""
    for _ in range(3):
        with sqlite.write() as session:
            session.execute(text("CREATE TABLE IF NOT EXISTS note (text)"))
            session.execute(text("INSERT INTO note VALUES ('kept')"))
        with pytest.raises(DBAPIError, match="readonly"), sqlite.read() as session:
            session.execute(text("INSERT INTO note VALUES ('lost')"))
    with sqlite.read() as session:
        assert session.execute(text("SELECT text FROM note")).scalars().all() == ["kept"] * 3
