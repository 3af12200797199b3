"""The command as a user meets it, over a data folder of the test's own."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.cli import app
from services.engine.core import engine_for
from services.runtime import runtime
from tests.support.cast import County, build_county

Duban = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder that does not exist yet; commands of this test work on it."""
    monkeypatch.setenv("DUBAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
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


@pytest.fixture
def answer(duban: Duban) -> Callable[..., Any]:
    """Run `duban … --json`, expect it to go well, and return what it says."""

    def run(*arguments: str, typed: str | None = None) -> Any:
        result = duban(*arguments, "--json", typed=typed)
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    return run


@pytest.fixture
def refusal(duban: Duban) -> Callable[..., str]:
    """Run `duban`, expect it to refuse with exit code 2 and without a traceback; return what stands on stderr."""

    def run(*arguments: str, typed: str | None = None) -> str:
        result = duban(*arguments, typed=typed)
        assert (result.exit_code, result.stdout.count("Traceback")) == (2, 0), result.output
        assert isinstance(result.exception, SystemExit)
        return result.stderr

    return run


@pytest.fixture
def home_county(answer: Callable[..., Any]) -> County:
    """The usual cast, in the database that the commands of this test work on."""
    answer("db", "upgrade")
    return build_county(runtime().database, engine_for(runtime()))
