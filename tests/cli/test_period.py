"""`duban period`, by itself, over packs made here."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import config.packs
from services.cli.period import period

app = typer.Typer()
app.command()(period)

PACKS = {
    "tongcheng": 'title = "桐城"',
    "strict": 'default_roll = "none"\n[calendar.rest]\n"2016-02-15" = "县庆"',
    "broken": '[calendar.rest]\n"2016-02-31" = "县庆"',
}


@pytest.fixture(autouse=True)
def packs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, text in PACKS.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "pack.toml").write_text(text, encoding="utf-8")
    load_pack = config.packs.load_pack
    monkeypatch.setattr(config.packs, "load_pack", lambda name: load_pack(name, tmp_path))
    monkeypatch.delenv("DUBAN_PACK", raising=False)


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, words)
    return result.exit_code, result.stdout, result.stderr


def answer(*words: str) -> dict[str, object]:
    code, out, err = run(*words, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_json_says_when_and_why() -> None:
    said = answer("--anchor", "2016-01-07", "--budget", "1 month")
    assert (said["nominal_due"], said["effective_due"], said["provisional"]) == (
        "2016-02-07",
        "2016-02-14",
        False,
    )
    steps = said["steps"]
    assert isinstance(steps, list)
    assert [step["kind"] for step in steps] == ["rule", "anchor", "budget", "skipped", "made_up", "roll"]
    assert steps[3] == {
        "kind": "skipped",
        "day": "2016-02-07",
        "zh": "02-07至02-13 春节，休息，跳过",
        "en": "02-07 to 02-13 春节: rest, passed over",
    }


def test_the_roll_asked_for_wins_over_the_packs() -> None:
    words = ("--anchor", "2016-01-07", "--budget", "1 month")
    assert answer(*words, "--roll", "none")["effective_due"] == "2016-02-07"
    assert answer(*words, "--pack", "strict")["effective_due"] == "2016-02-07"
    assert answer(*words, "--pack", "strict", "--roll", "next_workday")["effective_due"] == "2016-02-14"


def test_the_pack_comes_from_the_environment_and_brings_its_calendar(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("--anchor", "2016-02-14", "--budget", "1 workday")
    assert answer(*words)["effective_due"] == "2016-02-15"
    monkeypatch.setenv("DUBAN_PACK", "strict")
    said = answer(*words)
    assert (said["pack"], said["effective_due"]) == ("strict", "2016-02-16")


def test_a_date_beyond_the_horizon_says_so() -> None:
    assert answer("--anchor", "2090-01-05", "--budget", "15日")["provisional"] is True


def test_the_table_shows_the_dates_and_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = run("--anchor", "2016-01-07", "--budget", "1 month")
    assert code == 0
    assert "due 2016-02-14 (nominal 2016-02-07)" in out
    assert "02-07至02-13 春节，休息，跳过" in out
    assert "provisional" not in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--anchor", "2016-13-01", "--budget", "1 month"),
            '"2016-13-01" is not a date; write it as 2016-01-07',
        ),
        (
            ("--anchor", "2016-01-07", "--budget", "soon"),
            'cannot read the period "soon"; write e.g. "1 month"',
        ),
        (("--anchor", "2016-01-07", "--budget", "1 day", "--roll", "up"), "use one of next_workday, none"),
        (
            ("--anchor", "2016-01-07", "--budget", "1 day", "--pack", "mars"),
            "there is no pack mars: pack.toml is missing; name a pack with --pack",
        ),
        (("--anchor", "2016-01-07", "--budget", "1 day", "--pack", "broken"), "rest.2016-02-31"),
        (("--anchor", "0216-01-07", "--budget", "1 month"), "outside the calendar"),
    ],
)
def test_bad_input_is_one_clear_line(words: tuple[str, ...], said: str) -> None:
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
