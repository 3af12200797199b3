"""The command as a user meets it, over a data folder of the test's own."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from services.cli import app
from services.runtime import runtime

Duban = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder that does not exist yet; commands of this test work on it."""
    monkeypatch.setenv("DUBAN_HOME", str(tmp_path / "home"))
    runtime.cache_clear()
    yield tmp_path / "home"
    if runtime.cache_info().currsize:
        runtime().database.close()
    runtime.cache_clear()


@pytest.fixture
def duban(home: Path) -> Duban:
    """Run `duban` with these arguments; `typed` is what comes in on standard input."""

    def run(*arguments: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=typed)

    return run


def answer_of(result: Result) -> Any:
    """What a command that went well said with --json."""
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)
