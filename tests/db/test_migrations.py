"""Upgrading an empty database gives exactly what the models say, on both databases, and is safe to repeat."""

import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from services import migrations
from services.db.base import Base
from services.db.session import Database
from services.migrations.migrating import CannotMigrate
from services.tables import all_models


@pytest.fixture
def empty(database: Database) -> Database:
    """A database of either kind without a single table."""
    Base.metadata.drop_all(database.engine)
    return database


def test_the_upgraded_schema_is_what_the_models_say(empty: Database) -> None:
    all_models()
    before, after = migrations.upgrade(_url(empty))
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    assert (before, after) == (None, migrations.head())


def test_what_is_not_compared_comes_along(empty: Database) -> None:
    all_models()
    migrations.upgrade(_url(empty))
    migrated = _details(empty)
    with empty.write() as session:
        session.execute(text("DROP TABLE alembic_version"))
    Base.metadata.drop_all(empty.engine)
    Base.metadata.create_all(empty.engine)
    assert migrated == _details(empty)


def test_upgrading_again_changes_nothing(empty: Database) -> None:
    migrations.upgrade(_url(empty))
    assert migrations.upgrade(_url(empty)) == (migrations.head(), migrations.head())


def test_current_tells_whether_a_database_was_migrated(empty: Database) -> None:
    assert migrations.current(empty) is None
    assert not migrations.is_current(empty)
    migrations.upgrade(_url(empty))
    assert migrations.is_current(empty)


def test_two_upgrades_at_once_make_one(empty: Database) -> None:
    came_of: list[tuple[str | None, str]] = []
    threads = [threading.Thread(target=lambda: came_of.append(migrations.upgrade(_url(empty)))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(came_of, key=str) == [(migrations.head(), migrations.head()), (None, migrations.head())]


def test_a_database_of_a_newer_version_is_refused_and_left_alone(empty: Database) -> None:
    migrations.upgrade(_url(empty))
    with empty.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(CannotMigrate, match="9999"):
        migrations.upgrade(_url(empty))
    assert migrations.current(empty) == "9999"


def test_rows_that_point_nowhere_undo_the_whole_upgrade(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.closing(sqlite3.connect(str(sqlite.url.database))) as connection:  # foreign keys are off here
        connection.execute("INSERT INTO credential VALUES (1, 7, 'token', '', 'x', '[]', '', '', NULL, NULL)")
        connection.commit()

    def careless(config: Config, _target: str) -> None:
        config.attributes["connection"].exec_driver_sql("CREATE TABLE made_by_the_upgrade (id INTEGER)")

    monkeypatch.setattr("services.migrations.migrating.command.upgrade", careless)
    with pytest.raises(CannotMigrate, match="credential"):
        migrations.upgrade(_url(sqlite))
    assert not inspect(sqlite.engine).has_table("made_by_the_upgrade")


def test_every_revision_follows_the_one_before() -> None:
    files = sorted((Path(migrations.__file__).parent / "versions").glob("*.py"))
    assert files[-1].name.startswith(migrations.head())
    assert [file.name[:4] for file in files] == [f"{number:04d}" for number in range(1, len(files) + 1)]


def _url(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


def _details(database: Database) -> dict[str, object]:
    """What `compare_metadata` does not look at: checks, unique constraints, indexes with their conditions, triggers."""
    if database.engine.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
        also = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
    else:
        query = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname"
        also = (
            "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
            " UNION ALL SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1"
        )
    with database.read() as session:
        indexes = {name: " ".join(sql.split()) for name, sql in session.execute(text(query))}
        triggers = {name: " ".join(sql.split()) for name, sql in session.execute(text(also))}
    found = inspect(database.engine)
    names = [name for name in found.get_table_names() if name != "alembic_version"]
    checks = {name: sorted(c["name"] or "" for c in found.get_check_constraints(name)) for name in names}
    indexes.pop("alembic_version_pkc", None)
    assert "directory_changed" in triggers or "directory_unit_insert" in triggers
    return {"indexes": indexes, "checks": checks, "triggers": triggers}
