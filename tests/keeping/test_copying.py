"""`db copy`: what arrives on PostgreSQL is what was on SQLite, also after being killed on the way."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from sqlalchemy import select, text

from services import migrations
from services.db.session import Database
from services.engine.models import Entry, Matter
from services.engine.sweep import sweep
from services.keeping import copying, tables
from services.keeping.copying import copy_database
from services.keeping.errors import CopyDiffers, SourceInUse, TargetNotEmpty, WrongDatabase
from services.keeping.tables import digests
from services.runtime import Runtime
from tests.keeping.conftest import NOW

DIES = """
import os, signal, sys
from pathlib import Path
from config.settings import Settings
from services.keeping import copying, tables
from services.runtime import make_runtime
tables.AT_ONCE = 100
left, write = int(sys.argv[3]), copying._write
def dying(*given):
    global left
    if (left := left - 1) < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    write(*given)
copying._write = dying
copying.copy_database(make_runtime(Settings(home=Path(sys.argv[1]))), sys.argv[2])
"""


def test_a_demo_county_arrives_whole(works: Runtime, target: str, open_home: Callable[..., Runtime]) -> None:
    answer = copy_database(works, target)
    assert (answer["ok"], answer["resumed_at"], answer["check"]["files"]["missing"]) == (True, 0, [])
    assert answer["check"]["journal"]["entries"] > 500
    assert answer["check"]["key"] == {"not_signed_by_it": 0, "not_sealed_by_it": 0}
    moved = open_home(works.settings.home, database_url=target)
    assert migrations.is_current(moved.database)
    assert _counted(moved.database) == _counted(works.database)
    assert _values(moved.database) == _values(works.database)


def test_work_goes_on_where_it_was_copied_to(works: Runtime, target: str, open_home: Callable[..., Runtime]) -> None:
    """New rows are numbered after the copied ones, and a sweep finds the same due on both."""
    copy_database(works, target)
    moved = open_home(works.settings.home, database_url=target)
    later = NOW.replace(year=NOW.year + 1)
    here, there = sweep(works, later), sweep(moved, later)
    assert here == there
    assert here["fired"] > 0


def test_a_killed_copy_goes_on_and_is_equal(works: Runtime, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "AT_ONCE", 100)
    for survived in (0, 20):
        ran = subprocess.run(
            [sys.executable, "-c", DIES, str(works.settings.home), target, str(survived)],
            cwd=Path(__file__).parents[2], check=False, timeout=120,
        )  # fmt: skip
        assert ran.returncode == -signal.SIGKILL
    with contextlib.closing(Database(target)) as half:
        assert not migrations.is_current(half), "nobody works on half an installation"
    answer = copy_database(works, target)
    assert (answer["ok"], answer["resumed_at"] > 0) == (True, True)
    with contextlib.closing(Database(target)) as whole:
        assert migrations.is_current(whole)
        assert _counted(whole) == _counted(works.database)


def test_a_source_that_changed_since_is_not_mixed_in(
    works: Runtime, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(copying, "_finish", _fail)
        with pytest.raises(KeyboardInterrupt):
            copy_database(works, target)
    with works.database.write() as session:
        session.execute(text("UPDATE person SET name = '改名' WHERE id = 1"))
    with pytest.raises(TargetNotEmpty, match="--anew"):
        copy_database(works, target)
    assert copy_database(works, target, anew=True)["ok"]


def test_a_row_lost_on_the_way_is_noticed(works: Runtime, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "write_rows", lambda connection, table, rows: tables.write_rows(
        connection, table, rows[:-1] if table.name == "message" else rows
    ))  # fmt: skip
    with pytest.raises(CopyDiffers, match="message"):
        copy_database(works, target)
    with contextlib.closing(Database(target)) as half:
        assert not migrations.is_current(half)


def test_another_installation_is_not_touched(works: Runtime, target: str) -> None:
    copy_database(works, target)
    for anew in (False, True):
        with pytest.raises(TargetNotEmpty, match="journal: "):
            copy_database(works, target, anew=anew)


def test_a_database_of_something_else_is_not_touched(works: Runtime, target: str) -> None:
    with contextlib.closing(Database(target)) as other, other.write() as session:
        session.execute(text("CREATE TABLE flow_run_state (id integer)"))
    with pytest.raises(TargetNotEmpty, match="flow_run_state"):
        copy_database(works, target)


def test_another_schema_is_refused_on_both_sides(works: Runtime, target: str) -> None:
    migrations.upgrade(target)
    _set_version(target, "0000")
    with pytest.raises(WrongDatabase, match="0000"):
        copy_database(works, target)
    _set_version(works.settings.database_url, "0000")
    with pytest.raises(WrongDatabase, match="duban db upgrade"):
        copy_database(works, target)


@pytest.mark.parametrize("lock", ["serve.lock", "clock.lock"])
def test_a_source_in_use_is_refused(works: Runtime, target: str, lock: str) -> None:
    with FileLock(works.settings.home / lock), pytest.raises(SourceInUse, match="end it first"):
        copy_database(works, target)


def test_it_goes_only_one_way(works: Runtime) -> None:
    with pytest.raises(WrongDatabase, match="backup and restore"):
        copy_database(works, f"sqlite:///{works.settings.home}/other.db")


def test_a_file_that_is_gone_is_named(works: Runtime, target: str) -> None:
    gone = next((works.settings.home / "files").glob("??/??/*"))
    os.unlink(gone)
    answer = copy_database(works, target)
    assert not answer["ok"]
    assert [lost["sha256"] for lost in answer["check"]["files"]["missing"]] == [gone.name]


def _fail(*_: object) -> None:
    raise KeyboardInterrupt


def _counted(database: Database) -> dict[str, dict[str, object]]:
    with database.read() as session:
        return digests(session.connection())


def _values(database: Database) -> list[object]:
    """As the program sees them: booleans, documents, instants, days."""
    with database.read() as session:
        people = session.execute(text("SELECT id FROM person WHERE active ORDER BY id")).scalars().all()
        matters = session.execute(select(Matter.id, Matter.record, Matter.opened_at, Matter.event_on, Matter.due_at))
        entries = session.execute(select(Entry.seq, Entry.at, Entry.content).order_by(Entry.matter_id, Entry.seq))
        return [people, sorted(map(tuple, matters), key=lambda row: row[0]), list(map(tuple, entries))]


def _set_version(url: str, version: str) -> None:
    with contextlib.closing(Database(url)) as database, database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
