"""Brings a database to the newest schema: programmatically, without an alembic.ini."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, event, text

from services.db.errors import DubanError
from services.db.session import Database

FOLDER = Path(__file__).parent
_LOCK = 0x647562616E  # "duban": of two upgrades at once, PostgreSQL lets the second wait


class CannotMigrate(DubanError):
    """The database was made by another version, or its rows break what a revision asks for; nothing was changed."""

    code: ClassVar[str] = "cannot_migrate"
    status: ClassVar[int] = 500


def upgrade(database_url: str) -> tuple[str | None, str]:
    """Bring the database to the newest schema in one transaction; return the revisions before and after.

    A database that is there already is left alone. Raises `CannotMigrate`, `DatabaseBusy`, `UnusableDatabase`.
    """
    with _alone(database_url) as connection:
        before = _revision_of(connection)
        if before != head():
            try:
                command.upgrade(_config(connection), "head")
            except CommandError as error:
                raise CannotMigrate(f"{error}; use the version of Duban that made this database, or newer") from error
            _refuse_dangling(connection)
        return before, head()


def empty(database_url: str) -> int:
    """Drop every table, whichever version made it; return how many there were."""
    with _alone(database_url) as connection:
        found = MetaData()
        found.reflect(connection)
        found.drop_all(connection)
        return len(found.tables)


def current(database: Database) -> str | None:
    """The revision this database is at; None for one that was never migrated."""
    with database.read() as session:
        return _revision_of(session.connection())


def is_current(database: Database) -> bool:
    """Whether the database has the schema this version works with."""
    return current(database) == head()


@cache
def head() -> str:
    """The newest revision there is."""
    newest = ScriptDirectory.from_config(_config(None)).get_current_head()
    if newest is None:
        raise CannotMigrate(f"{FOLDER / 'versions'} holds no revision; install Duban anew")
    return newest


def revision(message: str) -> Path:
    """Write what the models changed since the newest revision into a new one; return its file."""
    versions = len(list((FOLDER / "versions").glob("*.py")))
    with tempfile.TemporaryDirectory() as folder, _alone(f"sqlite:///{folder}/empty.db") as connection:
        config = _config(connection)
        command.upgrade(config, "head")
        made: Any = command.revision(config, message, autogenerate=True, rev_id=f"{versions + 1:04d}")
        return Path(made.path)


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _alone(database_url: str) -> Iterator[Connection]:
    """One transaction that no other writer or upgrade shares, committed at the end."""
    database = Database(database_url)
    if database.engine.dialect.name == "sqlite":
        # SQLite alters a table by copying and dropping it, which would delete the rows that point to it
        event.listen(database.engine, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys = OFF"))
    try:
        with database.write() as session:
            if database.engine.dialect.name == "postgresql":
                session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            yield session.connection()
    finally:
        database.close()


def _revision_of(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_dangling(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    if found := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
        tables = ", ".join(sorted({row[0] for row in found}))
        raise CannotMigrate(f"rows of {tables} point nowhere after the upgrade; restore a backup and report this")
