"""The whole database, as it is at one moment, in a new SQLite file."""

from pathlib import Path
from typing import Any

from services.db.session import Database, refuse_changes
from services.keeping.errors import CopyDiffers
from services.keeping.progress import Progress, silent
from services.keeping.tables import Counted, digests, fill
from services.migrations import upgrade


def snapshot(database: Database, file: Path, progress: Progress = silent) -> Counted:
    """Write the database into the file while everybody goes on working; return what its tables hold."""
    if database.engine.dialect.name == "sqlite":
        _vacuum_into(database, file)
        return _digests_of(file, progress)
    source = database.engine.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with source, source.begin():
        taken = digests(source, progress, "rows read")
        upgrade(f"sqlite:///{file}")
        file.chmod(0o600)
        staged = Database(f"sqlite:///{file}")
        with staged.write() as session:
            fill(source, session.connection(), progress)
        staged.close()
    if _digests_of(file, progress) != taken:
        raise CopyDiffers("the copy for the backup differs from the database; report this")
    return taken


def _vacuum_into(database: Database, file: Path) -> None:
    """Outside any transaction; it reads like everybody else and holds no writer up."""
    raw = database.engine.raw_connection()
    try:
        driver: Any = raw.driver_connection
        refuse_changes(driver, raw.info, False)
        driver.execute("VACUUM INTO ?", [str(file)])
    finally:
        raw.close()
    file.chmod(0o600)


def _digests_of(file: Path, progress: Progress) -> Counted:
    staged = Database(f"sqlite:///{file}")
    try:
        with staged.read() as session:
            return digests(session.connection(), progress, "rows compared")
    finally:
        staged.close()
