"""Failures of database and disk are told apart: nothing was changed, or nobody can know."""

import errno
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError, OperationalError

from services.db.failures import CommitLost, explain, is_outage
from services.db.patience import persist
from services.db.session import Database


class Cause(Exception):
    sqlstate: str | None = None


def _cause(words: str, sqlstate: str | None = None) -> Cause:
    made = Cause(words)
    made.sqlstate = sqlstate
    return made


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OperationalError("", {}, _cause("database or disk is full")), "disk_full"),
        (OperationalError("", {}, _cause("could not extend file", "53100")), "disk_full"),
        (OSError(errno.ENOSPC, "no space"), "disk_full"),
        (OSError(errno.EDQUOT, "quota"), "disk_full"),
        (OperationalError("", {}, _cause("connection refused")), "database_unavailable"),
        (CommitLost("gone"), "outcome_unknown"),
        (OSError(errno.ENOENT, "no such file"), None),
        (IntegrityError("", {}, _cause("unique")), None),
        (KeyError("steps"), None),
    ],
)
def test_each_has_its_code(error: Exception, code: str | None) -> None:
    meaning = explain(error)
    assert (meaning.code if meaning else None) == code
    assert is_outage(error) == (code is not None)
    assert meaning is None or ("未生效" in meaning.zh and is_outage(meaning))


def _cut(postgres: Database, moment: str) -> Any:
    """Let the server end this very connection at a moment of its transaction."""

    def cut(connection: Any, *_: Any) -> None:
        pid = connection.connection.driver_connection.info.backend_pid
        with postgres.engine.connect() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 10000)")

    event.listen(postgres.engine, moment, cut, once=True)


def test_a_connection_that_breaks_during_the_commit_leaves_the_outcome_open(postgres: Database) -> None:
    with postgres.write() as session:
        session.execute(text("CREATE TABLE thing (id INTEGER)"))
    for _ in range(5):
        with pytest.raises(CommitLost), postgres.write() as session:
            session.execute(text("INSERT INTO thing VALUES (1)"))
            _cut(postgres, "commit")
        with postgres.read() as session:  # and the pool has noticed
            assert session.scalar(text("SELECT count(*) FROM thing")) == 0


def test_one_that_breaks_before_has_changed_nothing(postgres: Database) -> None:
    with pytest.raises(OperationalError) as lost, postgres.write() as session:
        pid = session.scalar(text("SELECT pg_backend_pid()"))
        with postgres.engine.connect() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 10000)")
        session.execute(text("SELECT 1"))
    meaning = explain(lost.value)
    assert meaning is not None and meaning.code == "database_unavailable"


def test_a_commit_that_fails_leaves_no_transaction_behind(database: Database) -> None:
    def fail(_: Any) -> None:
        raise KeyError

    event.listen(database.engine, "commit", fail, once=True)
    with pytest.raises(KeyError), database.write() as session:
        session.execute(text("CREATE TABLE thing (id INTEGER)"))
    for _ in range(3):
        with database.write() as session:
            session.execute(text("CREATE TABLE IF NOT EXISTS other (id INTEGER)"))
        with database.read() as session:
            session.execute(text("SELECT * FROM other"))


def test_what_must_be_written_waits_for_the_database(postgres: Database) -> None:
    tries = []

    def work(session: Any) -> int:
        tries.append(1)
        if len(tries) < 3:
            _cut(postgres, "commit")
        session.execute(text("CREATE TABLE IF NOT EXISTS thing (id INTEGER)"))
        return len(tries)

    assert persist(postgres, work, (0.0, 0.0, 0.0)) == 3
    with pytest.raises(KeyError):
        persist(postgres, lambda _: {}["x"], (0.0,))
