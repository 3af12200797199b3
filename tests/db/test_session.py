"""read() and write() keep their promises on both databases."""

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.orm import Session

from services.db import session as module
from services.db.rows import insert_rows
from services.db.session import Database, DatabaseBusy, UnusableDatabase
from services.db.together import read_rows
from services.identity.models import Person

WAIT = 10.0


def person(name: str) -> Person:
    return Person(name=name, created_at=datetime(2016, 1, 1, tzinfo=UTC))


def row(name: str) -> dict[str, Any]:
    return {
        "name": name, "created_at": datetime(2016, 1, 1, tzinfo=UTC), "active": True, "password_temporary": False,
        "failed_count": 0,
    }  # fmt: skip


def names(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Person.name).order_by(Person.id)))


def test_write_commits_and_what_it_yields_outlives_it(database: Database) -> None:
    with database.write() as session:
        session.add(made := person("甲"))
    assert names(database) == ["甲"]
    assert made.name == "甲" and made.id is not None


def test_write_rolls_back_on_any_error(database: Database) -> None:
    with pytest.raises(KeyboardInterrupt), database.write() as session:
        session.add(person("甲"))
        session.flush()
        raise KeyboardInterrupt
    assert names(database) == []


def test_write_cannot_be_committed_halfway(database: Database) -> None:
    with pytest.raises(InvalidRequestError), database.write() as session:
        session.commit()
        session.add(person("甲"))
        session.flush()
    assert names(database) == []


def test_nor_rolled_back_with_the_rest_going_on(database: Database) -> None:
    with pytest.raises(InvalidRequestError), database.write() as session:
        insert_rows(session, Person, [row("甲")])
        session.rollback()
    assert names(database) == []


def test_a_session_of_its_own_begins_where_one_is_needed(database: Database) -> None:
    """What goes straight to the driver, through the session, and in savepoints is one transaction, seen by each."""
    with database.write() as session:
        insert_rows(session, Person, [row(name) for name in "甲乙"])
        assert not session.in_transaction()
        session.add(person("丙"))
        assert set(session.scalars(select(Person.name))) == set("甲乙丙")
        with pytest.raises(KeyError), session.begin_nested():
            insert_rows(session, Person, [row("丁")])
            raise KeyError
        insert_rows(session, Person, [row("戊")])
        assert {one["name"] for one in read_rows(session, select(Person.name), {})} == set("甲乙丙戊")
    with pytest.raises(KeyError), database.write() as session:
        insert_rows(session, Person, [row("己")])
        session.add(person("庚"))
        raise KeyError
    assert set(names(database)) == set("甲乙丙戊")


def test_a_transaction_left_open_is_ended_before_anybody_else_has_the_connection(postgres: Database) -> None:
    with postgres.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("CREATE TABLE thing (id INTEGER)")
    with postgres.engine.connect() as connection:
        assert connection.connection.driver_connection is driver
        assert connection.scalar(text("SELECT to_regclass('thing')")) is None


def test_read_refuses_statements_that_write(database: Database) -> None:
    with database.read() as session, pytest.raises(DBAPIError, match=r"read-?only"):
        session.execute(text("DELETE FROM person"))


def test_read_refuses_changes_left_in_the_session(database: Database) -> None:
    with pytest.raises(DBAPIError, match=r"read-?only"), database.read() as session:
        session.add(person("甲"))


def test_reading_does_not_spoil_the_connection_for_writing(database: Database) -> None:
    for number in range(3):
        assert len(names(database)) == number
        with database.write() as session:
            session.add(person(str(number)))


def test_readers_go_on_while_a_writer_works(database: Database) -> None:
    with database.write() as session:
        session.add(person("甲"))
        session.flush()
        assert names(database) == []
    assert names(database) == ["甲"]


def test_sqlite_is_set_up_for_durability(sqlite: Database) -> None:
    with sqlite.read() as session:
        found = {
            pragma: session.scalar(text(f"PRAGMA {pragma}"))
            for pragma in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 20_000}


def test_postgres_reads_committed(postgres: Database) -> None:
    with postgres.write() as session:
        assert session.scalar(text("SHOW transaction_isolation")) == "read committed"


def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(DBAPIError), database.write() as session:
        session.execute(
            text("INSERT INTO post (person_id, unit_id, title, head, held_from) VALUES (7, 7, '', true, '2016-01-01')")
        )


def test_a_sqlite_writer_is_the_only_one_from_its_first_moment(sqlite: Database) -> None:
    """A count read and written back is never lost, though many do it at once."""
    with sqlite.write() as session:
        session.add(person("0"))

    def add_one(_: int) -> None:
        with sqlite.write() as session:
            one = session.scalars(select(Person)).one()
            one.name = str(int(one.name) + 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_one, range(80)))
    assert names(sqlite) == ["80"]


def test_two_databases_of_one_file_share_the_turn(sqlite: Database) -> None:
    other = Database(sqlite.url)
    entered = threading.Event()

    def write_elsewhere() -> None:
        with other.write():
            entered.set()

    with sqlite.write():
        thread = threading.Thread(target=write_elsewhere)
        thread.start()
        assert not entered.wait(0.1)
    assert entered.wait(WAIT)
    thread.join()
    other.close()


def test_whoever_came_first_is_next(sqlite: Database) -> None:
    """Also before the one who has just had the turn and would have it again at once."""
    turn = module._Turn.of(module._file(sqlite.url))

    def write(name: str) -> None:
        with sqlite.write() as session:
            session.add(person(name))

    with ThreadPoolExecutor(3) as pool:
        with sqlite.write():
            waiting = []
            for place, name in enumerate("甲乙丙", 2):
                waiting.append(pool.submit(write, name))
                deadline = time.monotonic() + WAIT
                while len(turn._queue) < place and time.monotonic() < deadline:
                    time.sleep(0.001)  # a queue tells nobody that it has grown
        write("丁")
        for one in waiting:
            one.result(WAIT)
    assert names(sqlite) == ["甲", "乙", "丙", "丁"]


def test_a_turn_may_begin_and_end_in_different_threads(sqlite: Database) -> None:
    """A web framework enters in one worker thread, leaves in another, and uses the first meanwhile."""
    first, second = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
    turn = sqlite.write()
    session: Session = first.submit(turn.__enter__).result(WAIT)
    session.add(person("甲"))
    second.submit(turn.__exit__, None, None, None).result(WAIT)
    with sqlite.write() as again:
        assert again.scalar(select(func.count()).select_from(Person)) == 1
    first.shutdown()
    second.shutdown()


def test_write_inside_write_fails_at_once(sqlite: Database) -> None:
    started = time.monotonic()
    with sqlite.write() as session:
        session.add(person("甲"))
        with pytest.raises(RuntimeError, match="inside"), sqlite.write():
            pass
    assert time.monotonic() - started < module.BUSY_SECONDS / 2
    assert names(sqlite) == ["甲"]


def test_a_turn_that_does_not_come_says_so(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.05)

    def try_to_write() -> None:
        with sqlite.write():
            raise AssertionError("two writers at once")

    with sqlite.write(), ThreadPoolExecutor(1) as pool, pytest.raises(DatabaseBusy):
        pool.submit(try_to_write).result(WAIT)


def test_a_file_held_by_another_process_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.05)
    database = Database(f"sqlite:///{tmp_path / 'new' / 'folder' / 'duban.db'}")
    with database.write() as session:
        session.execute(text("CREATE TABLE thing (id INTEGER)"))
    other = sqlite3.connect(tmp_path / "new" / "folder" / "duban.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseBusy) as busy, database.write():
        pass
    assert (busy.value.status, busy.value.code) == (503, "database_busy")
    other.close()
    with database.write() as session:
        session.execute(text("INSERT INTO thing VALUES (1)"))
    database.close()


@pytest.mark.parametrize(
    "url", ["", "nonsense", "sqlite://", "sqlite:///:memory:", "mysql://h/d", "sqlite+aiosqlite:///x"]
)
def test_other_databases_are_refused_with_a_way_out(url: str) -> None:
    with pytest.raises(UnusableDatabase, match="write sqlite:///"):
        Database(url)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_psycopg_is_implied(scheme: str) -> None:
    assert Database(f"{scheme}://u:p@localhost/d").engine.driver == "psycopg"
