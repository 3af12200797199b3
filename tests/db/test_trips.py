"""Statements sent to PostgreSQL by libpq itself: what fails, what stays prepared, what is left behind."""

from typing import Any

import psycopg
import pytest
from psycopg import pq
from sqlalchemy import bindparam, literal_column, select
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

from services.db import trips
from services.db.failures import CommitLost
from services.db.rows import insert_rows, next_id
from services.db.session import Database
from services.db.together import ask_along, read_rows, read_together
from services.db.upsert import insert_missing
from services.identity.models import Person
from tests.db.test_rows import NOW, people, person

_PEOPLE = Person.__table__.c
_BY_ID = select(_PEOPLE.id, _PEOPLE.name).where(_PEOPLE.id == bindparam("wanted"))
_OF = select(_PEOPLE.name).where(_PEOPLE.created_at == bindparam("at")).order_by(_PEOPLE.login)
_HALF = select((_PEOPLE.failed_count / bindparam("by", type_=_PEOPLE.failed_count.type)).label("half"))


def driver(session: Session) -> psycopg.Connection[Any]:
    found = session.connection().connection.driver_connection
    assert isinstance(found, psycopg.Connection)
    return found


def cut_off(session: Session) -> None:
    """Let the server end this session's connection."""
    pid = driver(session).info.backend_pid
    other = Database(session.get_bind().engine.url)
    with other.write() as killing:
        killing.connection().exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 5000)")
    other.close()


def test_the_first_that_fails_is_raised_and_none_after_it_is_tried(postgres: Database) -> None:
    with postgres.write() as session:
        insert_rows(session, Person, [person(2)])
    with pytest.raises(IntegrityError) as refused, postgres.write() as session:
        insert_rows(session, Person, [person(1)])
        insert_rows(session, Person, [person(2)])
        insert_rows(session, Person, [{**person(3), "name": None}])
    assert "login" in str(refused.value.orig)
    with postgres.read() as session:
        assert set(people(session, 1, 2, 3)) == {person(2)["name"]}


def test_a_query_that_fails_fails_as_sqlalchemy_would(postgres: Database) -> None:
    with postgres.write() as session:
        insert_rows(session, Person, [person(2)])
    with postgres.read() as session, pytest.raises(DataError):
        read_together(session, (_HALF, {"by": 2}), (_HALF, {"by": 0}), (_HALF, {"by": 1}))
    with postgres.read() as session:
        assert [row["half"] for row in read_rows(session, _HALF, {"by": 2})] == [1]


def test_what_is_prepared_outlives_rollbacks(postgres: Database) -> None:
    """psycopg throws away all that is prepared on a rollback, if it has prepared anything itself."""
    for _ in range(8):  # more often than it takes psycopg to prepare by default
        with pytest.raises(ZeroDivisionError), postgres.write() as session:
            session.execute(select(Person.name).where(Person.login == "p1")).all()
            people(session, 1)
            with pytest.raises(ZeroDivisionError), session.begin_nested():
                people(session, 2)
                raise ZeroDivisionError
            people(session, 3)
            raise ZeroDivisionError
    with postgres.read() as session:
        people(session, 1)
        kept = session.connection().exec_driver_sql("SELECT name FROM pg_prepared_statements").scalars().all()
    assert kept == ["duban_0"]


def test_no_connection_keeps_more_than_so_many_prepared(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trips, "PREPARED_AT_MOST", 3)
    queries = [select(_PEOPLE.name, literal_column(str(number)).label("n")) for number in range(8)]
    with postgres.write() as session:
        insert_rows(session, Person, [person(1)])
        for number in (*range(8), *range(8)):
            assert [row["n"] for row in read_rows(session, queries[number], {})] == [number]
        together = read_together(session, *((query, {}) for query in queries))
        assert [rows[0]["n"] for rows in together] == list(range(8))
        people(session, 1)
        kept = session.connection().exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar_one()
    assert kept == 1


def test_what_is_asked_alone_leaves_no_transaction(database: Database) -> None:
    with database.write() as session:
        insert_rows(session, Person, [person(1)])
        (made,) = people(session, 1).values()
    assert database.ask(_BY_ID, {"wanted": made["id"]}) == [{"id": made["id"], "name": made["name"]}]
    assert database.ask(_BY_ID, {"wanted": made["id"] + 1}) == []
    if database.engine.dialect.name == "postgresql":
        with database.engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, psycopg.Connection)
            assert raw.info.transaction_status == pq.TransactionStatus.IDLE


def test_what_will_be_asked_goes_with_the_next_trip_and_comes_once(postgres: Database, trips_made: list[bool]) -> None:
    with postgres.write() as session:
        insert_rows(session, Person, [person(number) | {"created_at": NOW} for number in (1, 2)])
    trips_made.clear()
    with postgres.read() as session:
        ask_along(session, (_HALF, {"by": 2}))
        ask_along(session, (_OF, {"at": NOW}))
        assert read_rows(session, _BY_ID, {"wanted": 0}) == []
        named = [{"name": person(number)["name"]} for number in (1, 2)]
        assert read_rows(session, _OF, {"at": NOW}) == named
        assert trips_made == [False]
        assert len(read_rows(session, _HALF, {"by": 1})) == 2  # another question than that which went along
        assert trips_made == [False, False]
        assert len(read_rows(session, _HALF, {"by": 2})) == 2
        assert trips_made == [False, False]
        assert read_rows(session, _OF, {"at": NOW}) == named
        assert trips_made == [False, False, False]


def test_nothing_is_asked_before_its_time_where_something_changes(postgres: Database) -> None:
    with postgres.write() as session:
        ask_along(session, (_OF, {"at": NOW}))
        assert read_rows(session, _BY_ID, {"wanted": 0}) == []
        insert_rows(session, Person, [person(1) | {"created_at": NOW}])
        assert len(read_rows(session, _OF, {"at": NOW})) == 1


def test_a_value_that_cannot_be_sent_harms_nothing(postgres: Database) -> None:
    with postgres.write() as session:
        insert_rows(session, Person, [person(1)])
        with pytest.raises(DataError):
            insert_rows(session, Person, [{**person(2), "name": "a\x00b"}])
        assert len(people(session, 1, 2)) == 1
    with postgres.read() as session:
        assert len(people(session, 1, 2)) == 1


def test_a_connection_cut_during_a_trip_is_given_up(postgres: Database) -> None:
    with pytest.raises(OperationalError) as cut, postgres.read() as session:
        people(session, 1)
        cut_off(session)
        people(session, 1)
    assert cut.value.connection_invalidated
    with postgres.read() as session:
        assert people(session, 1) == {}


def test_a_trip_that_is_broken_off_gives_its_connection_up(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was sent is still being answered: the next statement would take it for its own."""

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), postgres.read() as session:
        people(session, 1)
        with monkeypatch.context() as patch:
            patch.setattr(psycopg.Connection, "wait", interrupted)
            people(session, 2)
    with postgres.write() as session:
        insert_rows(session, Person, [person(1)])
        assert len(people(session, 1)) == 1


def test_changes_travel_with_what_comes_next(postgres: Database, trips_made: list[bool]) -> None:
    with postgres.write() as session:
        for number in range(3):
            insert_rows(session, Person, [person(number)])
        assert trips_made == []
        assert len(people(session, 0, 1, 2)) == 3
        assert trips_made == [False]
        insert_rows(session, Person, [person(3)])
        insert_rows(session, Person, [person(4)])
    assert trips_made == [False, True]
    with postgres.read() as session:
        assert len(people(session, *range(5))) == 5


def test_a_long_transaction_does_not_gather_its_changes(postgres: Database, trips_made: list[bool]) -> None:
    with postgres.write() as session:
        for number in range(2 * trips.HELD_AT_MOST + 10):
            insert_rows(session, Person, [person(number)])
    assert trips_made == [False, False, True]


def test_a_connection_cut_as_it_commits_is_told_as_such(postgres: Database) -> None:
    """With the last changes goes COMMIT: who hears nothing of it cannot know."""
    with pytest.raises(CommitLost), postgres.write() as session:
        people(session, 1)
        cut_off(session)
        insert_rows(session, Person, [person(1)])
    with postgres.read() as session:
        assert people(session, 1) == {}


def test_a_claim_is_had_once(database: Database) -> None:
    with database.write() as session:
        assert insert_missing(session, Person, [person(2)], ["login"], [Person.login])
    with database.write() as session:
        assert not insert_missing(session, Person, [person(2)], ["login"], [Person.login])
        assert insert_missing(session, Person, [person(3)], ["login"], [Person.login])
    with database.read() as session:
        assert len(people(session, 2, 3)) == 2


def test_the_next_id_is_the_one_a_row_then_has(database: Database) -> None:
    with database.write() as session:
        ((first,),) = ([row["id"] for row in read_rows(session, *next_id(session, Person))],)
        insert_rows(session, Person, [{**person(1), "id": first}])
        insert_rows(session, Person, [person(2)])
    with database.read() as session:
        found = people(session, 1, 2)
    assert found[person(1)["name"]]["id"] == first
    assert found[person(2)["name"]]["id"] == first + 1


def test_rows_of_instants_and_many_are_read_as_they_were_written(database: Database) -> None:
    with database.write() as session:
        insert_rows(session, Person, [{**person(n), "created_at": NOW} for n in range(3)])
    with database.read() as session:
        assert [row["name"] for row in read_rows(session, _OF, {"at": NOW})] == [person(n)["name"] for n in range(3)]
        assert read_rows(session, _BY_ID, {"wanted": -1}) == []
