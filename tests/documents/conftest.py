"""A county whose process has a data folder."""

from pathlib import Path

import pytest

from config.settings import Settings
from services.identity.sealing import Vault
from services.runtime import Runtime
from tests.support.cast import County


@pytest.fixture
def runtime(sqlite_county: County, vault: Vault, tmp_path: Path) -> Runtime:
    """The process of `sqlite_county`, with its files below the test's own folder."""
    return Runtime(Settings(home=tmp_path / "home"), sqlite_county.database, vault)
