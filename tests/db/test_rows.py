"""Rows straight to the driver: the same on both databases, one or many."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.db import session as sessions
from services.db.rows import insert_ids, insert_rows, update_rows
from services.db.session import Database
from services.db.together import read_rows, read_together
from services.db.upsert import insert_missing
from services.identity.models import Person

NOW = datetime(2016, 3, 1, 2, 0, 0, 123456, tzinfo=UTC)
_PEOPLE = Person.__table__.c
_NAMED = select(_PEOPLE.id, _PEOPLE.name, _PEOPLE.created_at, _PEOPLE.locked_until).where(
    _PEOPLE.login.in_(bindparam("logins", expanding=True))
)


def person(number: int) -> dict[str, Any]:
    """Return a row with text that needs care, and with what is sometimes missing."""
    return {
        "name": f"人“{number}”\\:x", "login": f"p{number}", "password_hash": None,
        "password_temporary": number % 2 == 0, "failed_count": number, "active": True,
        "locked_until": NOW if number % 3 == 0 else None, "created_at": NOW + timedelta(days=number),
    }  # fmt: skip


def people(session: Session, *numbers: int) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in read_rows(session, _NAMED, {"logins": [f"p{n}" for n in numbers]})}


@pytest.mark.parametrize("many", [1, 3, 50])
def test_what_is_written_is_read(database: Database, many: int) -> None:
    """Fifty go as one value on PostgreSQL; nothing may be lost on that way."""
    with database.write() as session:
        insert_rows(session, Person, [person(n) for n in range(many)])
    with database.read() as session:
        found = people(session, *range(many))
        assert people(session) == {}
    assert set(found) == {person(n)["name"] for n in range(many)}
    for n in range(many):
        wanted, row = person(n), found[person(n)["name"]]
        assert (row["created_at"], row["locked_until"]) == (wanted["created_at"], wanted["locked_until"])


@pytest.mark.parametrize("many", [3, 50])
def test_updates_meet_their_own_rows(database: Database, many: int) -> None:
    with database.write() as session:
        ids = insert_ids(session, Person, [person(n) for n in range(many)])
        changed = {key: {"failed_count": n * 7, "locked_until": None} for n, key in enumerate(ids)}
        update_rows(session, Person, changed)
    with database.read() as session:
        rows = session.connection().execute(select(_PEOPLE.id, _PEOPLE.failed_count, _PEOPLE.locked_until)).all()
    assert {row.id: (row.failed_count, row.locked_until) for row in rows} == {
        key: (columns["failed_count"], None) for key, columns in changed.items()
    }


@pytest.mark.parametrize("many", [3, 50])
def test_only_what_is_missing_is_inserted(database: Database, many: int) -> None:
    with database.write() as session:
        insert_rows(session, Person, [person(1)])
        made = insert_missing(session, Person, [person(n) for n in range(many)], ["login"], [Person.login])
    assert {row.login for row in made} == {f"p{n}" for n in range(many) if n != 1}


def _by_rows(session: Session) -> int:
    return len(people(session, 0, 1))


def _by_core(session: Session) -> int:
    return int(session.connection().execute(select(func.count()).select_from(Person)).scalar_one())


def _by_orm(session: Session) -> int:
    return len(session.scalars(select(Person)).all())


def _by_flush(session: Session) -> int:
    session.add(Person(name="x", login="x", created_at=NOW))
    session.flush()
    return session.query(Person).count() - 1


@pytest.mark.parametrize("asked", [_by_rows, _by_core, _by_orm, _by_flush])
def test_whatever_is_asked_next_sees_what_was_changed(database: Database, asked: Callable[[Session], int]) -> None:
    with database.write() as session:
        (key,) = insert_ids(session, Person, [person(0)])
        insert_rows(session, Person, [person(1)])
        update_rows(session, Person, {key: {"failed_count": 9}})
        assert asked(session) == 2
        update_rows(session, Person, {key: {"failed_count": 8}})
    with database.read() as session:
        assert session.get(Person, key).failed_count == 8  # type: ignore[union-attr]


def test_a_collision_of_changes_changes_nothing(database: Database) -> None:
    with pytest.raises(IntegrityError), database.write() as session:
        insert_rows(session, Person, [person(4)])
        insert_rows(session, Person, [person(5)])
        insert_rows(session, Person, [person(5)])
    with database.write() as session:  # and the connection is good for more
        assert people(session, 4, 5) == {}


def test_a_block_that_fails_takes_its_changes_along(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as session:
        insert_rows(session, Person, [person(1)])
        raise ZeroDivisionError
    with database.write() as session:
        assert people(session, 1) == {}


def test_what_fails_in_a_savepoint_fails_there(database: Database) -> None:
    with database.write() as session:
        insert_rows(session, Person, [person(1)])
        with pytest.raises(IntegrityError), session.begin_nested():
            insert_rows(session, Person, [person(2)])
            insert_rows(session, Person, [person(1)])
        insert_rows(session, Person, [person(3)])
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            insert_rows(session, Person, [person(4)])
            raise ZeroDivisionError
        with session.begin_nested():
            insert_rows(session, Person, [person(5)])
            with pytest.raises(ZeroDivisionError), session.begin_nested():
                insert_rows(session, Person, [person(6)])
                raise ZeroDivisionError
            insert_rows(session, Person, [person(7)])
    with database.read() as session:
        assert set(people(session, *range(9))) == {person(n)["name"] for n in (1, 3, 5, 7)}


def test_a_connection_cut_while_it_rested_is_not_used(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "PING_AFTER", 0.0)
    with postgres.read() as session:
        pid = session.connection().exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    other = Database(postgres.url)
    with other.write() as session:
        session.connection().exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 5000)")
    other.close()
    with postgres.read() as session:
        assert people(session, 1) == {}


def test_a_trip_may_be_longer_than_what_fits_between_us_and_the_server(database: Database) -> None:
    """Both could wait for the other to read: the server to be rid of its answers, we of our questions."""
    long = "长" * 200_000
    with database.write() as session:
        for number in range(12):
            insert_rows(session, Person, [{**person(number), "name": f"{long}{number}"}])
        everyone = {"logins": [*(f"p{number}" for number in range(12)), *(f"{long}{number}" for number in range(6))]}
        answers = read_together(session, *[(_NAMED, everyone)] * 6)
    assert [len(rows) for rows in answers] == [12] * 6
    assert {row["name"] for row in answers[-1]} == {f"{long}{number}" for number in range(12)}


def test_what_is_read_often_stays_prepared(postgres: Database) -> None:
    for _ in range(8):
        with postgres.read() as session:
            people(session, 1)
    with postgres.read() as session:
        kept = session.connection().exec_driver_sql("SELECT statement FROM pg_prepared_statements").scalars().all()
    assert any("FROM person" in statement for statement in kept)


def test_a_session_that_begins_anew_uses_the_connection_of_its_new_transaction(database: Database) -> None:
    with database.write() as session:
        insert_rows(session, Person, [person(1)])
    with Session(database.engine) as session:
        for _ in range(3):
            assert len(people(session, 1)) == 1
            session.commit()
        people(session, 1)
        session.rollback()
        assert len(people(session, 1)) == 1


def test_what_is_written_in_savepoints_goes_back_with_them(database: Database) -> None:
    """SQLAlchemy sets one where it is first asked for the connection, which is not asked for each statement."""
    with database.write() as session:
        insert_rows(session, Person, [person(1)])
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            insert_rows(session, Person, [person(2)])
            with session.begin_nested():
                insert_rows(session, Person, [person(3)])
            with pytest.raises(KeyError), session.begin_nested():
                insert_rows(session, Person, [person(4)])
                raise KeyError
            assert len(people(session, 1, 2, 3, 4)) == 3
            raise ZeroDivisionError
        insert_rows(session, Person, [person(5)])
        with session.begin_nested():
            insert_rows(session, Person, [person(6)])
    with database.read() as session:
        assert set(people(session, *range(1, 7))) == {person(n)["name"] for n in (1, 5, 6)}
