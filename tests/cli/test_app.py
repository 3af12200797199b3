"""The command as a whole: it starts at once, and tells what is expected to go wrong in one line."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from services.cli import app
from services.runtime import runtime

HEAVY = ("prefect", "fastapi", "apprise", "apscheduler", "sqlalchemy", "alembic", "openpyxl", "httpx")


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name)


COMMANDS = list(_commands(typer.main.get_command(app)))


def test_every_command_of_the_product_is_there() -> None:
    assert {" ".join(words) for words in COMMANDS} == {
        "serve", "db upgrade", "db reset", "db copy", "backup", "restore", "backup-key", "demo load",
        "admin create", "sweep", "clock explain", "clock stuck", "clock retry", "clock confirm", "web", "worker",
        "watch", "flows deploy", "journal verify", "journal anchor",
        "procedures list", "procedures show", "procedures diagram", "procedures diff", "policy check", "policy rebind",
        "period", "people import", "people template",
        "petition import", "replay", "flows runs", "obligations list", "obligations open",
            "candidates list", "candidates propose", "scores compute", "simulate",
    }  # fmt: skip


def test_starting_imports_nothing_heavy() -> None:
    code = f"import services.cli, sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_it_runs_as_a_module(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", "period", "--anchor", "2016-01-07", "--budget", "1 month"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "2016-02-14" in done.stdout


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(duban: Callable[..., Any], words: tuple[str, ...]) -> None:
    shown = duban(*words, "--help")
    assert shown.exit_code == 0
    assert "Usage: duban" in shown.stdout


@pytest.mark.parametrize(
    "words",
    [("serve",), ("sweep",), ("journal", "verify"), ("flows", "runs"), ("clock", "explain", "1")],
    ids=" ".join,
)
def test_a_database_without_tables_is_refused(refusal: Callable[..., str], words: tuple[str, ...]) -> None:
    said = refusal(*words)
    assert said == "duban: not_migrated: the database is not at this version's schema; run: duban db upgrade\n"


def test_bad_settings_are_listed_at_once(refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUBAN_PORT", "none")
    monkeypatch.setenv("DUBAN_PAK", "tongcheng")
    said = refusal("sweep")
    assert said.startswith("duban: bad_settings: ")
    assert "DUBAN_PORT is no port" in said
    assert "did you mean DUBAN_PACK?" in said


def test_a_pack_that_is_not_there_is_named(refusal: Callable[..., str]) -> None:
    assert refusal("procedures", "list", "--pack", "atlantis").startswith("duban: bad_pack: there is no pack atlantis")


def test_a_database_that_does_not_answer_is_told(refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUBAN_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/duban?connect_timeout=2")
    said = refusal("db", "upgrade")
    assert said.startswith("duban: database_unusable: connection failed")
    assert said.count("\n") == 1


def test_a_defect_is_not_dressed_up_as_a_refusal(home_county: Any, duban: Callable[..., Any]) -> None:
    with runtime().database.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE flow_run RENAME COLUMN via TO gone")
    assert "no such column" in str(duban("flows", "runs").exception)
