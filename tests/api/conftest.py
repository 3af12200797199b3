"""Fixtures of the API's tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.db.session import Database
from services.engine.core import Engine
from services.identity.sealing import Vault
from tests.api.web import TestClient, Web, make_admin, serve
from tests.support.cast import County, build_county


@pytest.fixture
def web(sqlite_county: County, vault: Vault, tmp_path: Path) -> Web:
    """A county on SQLite behind its API."""
    return serve(sqlite_county, vault, tmp_path)


@pytest.fixture
def any_web(county: County, vault: Vault, tmp_path: Path) -> Web:
    """The same on both kinds of database."""
    return serve(county, vault, tmp_path)


@pytest.fixture
def admin(web: Web) -> TestClient:
    """An administrator of the whole county."""
    return make_admin(web, "office", "county")


@pytest.fixture(scope="module")
def shared_web(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """One county on SQLite for a whole module, for tests that change nothing in it."""
    home = tmp_path_factory.mktemp("web")
    database = Database(f"sqlite:///{shutil.copy(_sqlite_template, home / 'duban.db')}")
    vault = Vault.create_if_missing(home / "secret.key")
    yield serve(build_county(database, Engine.of("tongcheng", vault)), vault, home, lasts="of a module")
    database.close()
