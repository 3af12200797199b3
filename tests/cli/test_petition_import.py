"""`duban petition import`: what it prints, where, and how it exits."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from config.settings import load_settings
from services.cli import petitions
from services.cli.edge import Refusing
from services.runtime import Runtime
from tests.support.cast import County
from tests.support.ledgers import HEADINGS, NOW, dump, named, row, staff, write_csv

duban = typer.Typer(cls=Refusing)
duban.add_typer(petitions.app, name="petition")
duban.command("other")(lambda: None)


@pytest.fixture
def office(sqlite_county: County, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> County:
    settings = load_settings({"DUBAN_HOME": str(tmp_path)})
    made = Runtime(settings, sqlite_county.database, sqlite_county.engine.vault)
    monkeypatch.setattr(petitions, "migrated_runtime", lambda: made)
    monkeypatch.setattr(petitions, "clock_now", lambda: NOW)
    return staff(sqlite_county)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    rows = [HEADINGS, row(1, **named()), row(2, 件类="特急件", **named()), row(3, 办结日期="2016-05-01")]
    return write_csv(tmp_path / "台账.csv", rows)


def run(*words: object) -> Result:
    return CliRunner().invoke(duban, ["petition", "import", *map(str, words)], env={"COLUMNS": "200"})


def answer(*words: object) -> dict[str, Any]:
    return dict(json.loads(run(*words, "--json").stdout))


def test_a_dry_run_tells_all_and_keeps_nothing(office: County, ledger: Path) -> None:
    before = dump(office.database)
    result = run(ledger, "--dry-run", "--json")
    assert (result.exit_code, result.stderr) == (1, "")
    told = json.loads(result.stdout)
    assert told == {
        "dry_run": True, "rows": 3, "importable": 2, "rejected": 1, "reasons": {"unknown_class": 1},
        "out_of_scope": 0, "anonymous": 1, "ended": 1, "imported": 2, "already_there": 0,
        "states": {"filing": 1, "handling": 1}, "escalating": 2,
        "acted": {"registrar": ["赵信访"], "approver": ["孙领导"], "handler": ["王承办"]},
        "rejections": told["rejections"], "notes": [],
    }  # fmt: skip
    [rejection] = told["rejections"]
    assert (rejection["line"], rejection["code"]) == (4, "unknown_class")
    assert "特急件" in rejection["zh"] and "not on the list" in rejection["en"]
    assert dump(office.database) == before
    assert "欧阳举报" not in result.stdout


def test_the_import_itself_twice(office: County, ledger: Path) -> None:
    assert (answer(ledger)["imported"], answer(ledger)["imported"]) == (2, 0)
    assert answer(ledger)["already_there"] == 2


def test_a_clean_ledger_exits_0(office: County, tmp_path: Path) -> None:
    assert run(write_csv(tmp_path / "好.csv", [HEADINGS, row(1)])).exit_code == 0


def test_for_people_it_says_what_was_done_and_by_whom(office: County, ledger: Path) -> None:
    shown = run(ledger).stdout
    for part in ("3 rows: 2 importable, 1 rejected", "2 imported", "2 of them escalate", "孙领导", "unknown_class"):
        assert part in shown


def test_the_rejected_rows_are_for_their_owner_only(office: County, ledger: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        result = run(ledger, "--rejected", tmp_path / "退回.xlsx")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "退回.xlsx").stat().st_mode) == 0o600
    assert "names complainants in clear" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--unit", "nowhere"), "import_refused: there is no unit with the code 'nowhere'"),
        (("--as", "handler"), "import_refused: the person named"),
        (("--as", "office", "--approver", "office"), "import_refused: whoever registers"),
        (("--rejected", "missing/out.xlsx"), "bad_argument: --rejected"),
        (("--rejected", "out.csv"), "bad_argument: --rejected"),
    ],
)
def test_bad_arguments_exit_2_and_change_nothing(
    office: County, ledger: Path, words: tuple[str, ...], said: str
) -> None:
    before = dump(office.database)
    result = run(ledger, *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"duban: {said}")
    assert dump(office.database) == before


def test_a_file_that_is_no_ledger_exits_2(office: County, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    for name, code in (("x.csv", "no ledger"), ("none.csv", "")):
        result = run(tmp_path / name)
        assert (result.exit_code, result.stdout) == (2, ""), code
        assert result.stderr.startswith("duban: ledger_unreadable: ")


def test_it_does_not_write_over_the_ledger(office: County, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "台账.xlsx", [HEADINGS, row(1)])
    result = run(path, "--rejected", path)
    assert result.exit_code == 2 and "would replace the file" in result.stderr
    assert path.read_text(encoding="utf-8").startswith("清河县")
