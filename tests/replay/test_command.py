"""`duban replay`: what it prints, where it puts things, and how it refuses."""

import json
import tempfile
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from services.cli.edge import Refusing
from services.cli.replay import replay

app = typer.Typer(cls=Refusing, pretty_exceptions_enable=False)
app.command()(replay)
app.callback()(lambda: None)


def run(log: Path, *options: str | Path) -> Result:
    return CliRunner().invoke(app, ["replay", str(log), *map(str, ("--profile", "coselog", *options))])


def test_prints_json_and_leaves_nothing_in_the_temporary_folder(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))

    result = run(log, "--until", "2016-03-05T00:00+08:00", "--json")

    answer = json.loads(result.stdout)
    assert (answer["started"], answer["open"], answer["open_overdue"]) == (6, 4, 2)
    assert (result.exit_code, result.stderr) == (0, "")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_keeps_the_database_and_its_keys_where_told_and_goes_on_there(log: Path, tmp_path: Path) -> None:
    file = tmp_path / "kept.db"
    run(log, "--until", "2016-03-05T00:00+08:00", "--database", file)

    result = run(log, "--database", f"sqlite:///{file}", "--resume", "--json")

    assert json.loads(result.stdout)["started"] == 8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.db", "kept.db.key", "log.csv"]
    assert (tmp_path / "kept.db.key").stat().st_mode & 0o077 == 0


def test_prints_a_table(log: Path) -> None:
    result = run(log)

    assert result.exit_code == 0
    for shown in ("escalated overdue", "rung: petition handling 0", "defect: event after end"):
        assert shown in result.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--until", "tomorrow"], '--until "tomorrow" is no instant; write it as'),
        (["--until", "2016-03-05"], "has no UTC offset; write it as"),
        (["--profile", "nowhere"], "there is no profile 'nowhere'; there are coselog"),
        (["--pack", "nowhere"], "there is no pack nowhere"),
        (["--resume"], "--resume needs --database"),
        (["--database", "mysql://somewhere/x"], "mysql is not supported"),
        (["--database", "log.csv"], "the database cannot be opened: file is not a database"),
        (["--database", "log.csv/x.db"], "the database's folder cannot be made"),
    ],
)
def test_refuses_in_one_clear_line(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    content = log.read_bytes()

    result = run(log, *options)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("duban: ")
    assert said in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]
    assert log.read_bytes() == content


def test_refuses_a_log_that_is_missing(tmp_path: Path) -> None:
    result = run(tmp_path / "missing.csv")

    assert result.exit_code == 2
    assert "missing.csv cannot be replayed" in result.stderr
