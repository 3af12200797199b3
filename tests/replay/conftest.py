"""Empty places to replay to, on both kinds of database, and the log with every defect."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tests.replay.logs import Place, defective

_numbers = count(1)


@pytest.fixture
def new_place(tmp_path: Path) -> Callable[[], Place]:
    """Make another empty SQLite place with each call."""

    def make() -> Place:
        name = f"replay-{next(_numbers)}"
        return Place(f"sqlite:///{tmp_path / name}.db", tmp_path / f"{name}.key")

    return make


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path, new_place: Callable[[], Place]) -> Iterator[Place]:
    """An empty place on each kind of database."""
    if request.param == "sqlite":
        yield new_place()
        return
    server: str = request.getfixturevalue("_postgres_template")
    name = f"replay_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield Place(server.replace("/postgres?", f"/{name}?"), tmp_path / "postgres.key")
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The log with one of every defect."""
    return defective().write(tmp_path / "log.csv")
