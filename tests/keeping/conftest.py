"""A demo county in a data folder of its own, and an empty PostgreSQL database to move to."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.settings import Settings
from services import demo
from services.db.base import Base
from services.db.session import Database
from services.migrations import upgrade
from services.runtime import Runtime, make_runtime

NOW = datetime(2026, 11, 26, 10, tzinfo=UTC)


@pytest.fixture(scope="session")
def _demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("demo") / "home"
    made = make_runtime(Settings(home=home))
    upgrade(made.settings.database_url)
    demo.load(made, NOW)
    made.database.close()
    return home


@pytest.fixture
def open_home() -> Iterator[Callable[..., Runtime]]:
    """Open a data folder; its database is closed at the end of the test."""
    opened: list[Runtime] = []

    def open_it(home: Path, **more: object) -> Runtime:
        opened.append(made := make_runtime(Settings.model_validate({"home": home, **more})))
        return made

    yield open_it
    for made in opened:
        made.database.close()


@pytest.fixture
def works(_demo_home: Path, tmp_path: Path, open_home: Callable[..., Runtime]) -> Runtime:
    """The demo county on SQLite, with attachments and its key file."""
    shutil.copytree(_demo_home, tmp_path / "home")
    return open_home(tmp_path / "home")


@pytest.fixture
def target(postgres: Database) -> Iterator[str]:
    """The URL of a PostgreSQL database without a single table."""
    Base.metadata.drop_all(postgres.engine)
    yield postgres.url.render_as_string(hide_password=False)
    Base.metadata.create_all(postgres.engine)  # what the next test expects to find emptied
