"""`duban sweep` and `duban clock …`."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from services.engine.models import Clock
from services.engine.sweep import sweep_all
from services.runs.health import watch
from services.runs.timekeeping import confirm
from tests.support.cast import County

ROOT = Path(__file__).parents[2]


@pytest.fixture
def screening(home_county: County) -> int:
    """The id of the screening clock of a petition received on 2016-03-01: due on 2016-03-16."""
    matter_id = home_county.open().matter_id
    with home_county.database.read() as session:
        clock_id = session.scalar(select(Clock.id).where(Clock.matter_id == matter_id, Clock.name == "screening"))
    assert clock_id is not None
    return clock_id


def test_a_sweep_fires_what_is_due_then_and_nothing_twice(screening: int, answer: Callable[..., Any]) -> None:
    first = answer("sweep", "--as-of", "2016-03-16T18:00")
    assert first["as_of"] == "2016-03-16T18:00:00+08:00"
    assert (first["due"], first["fired"], first["by_rung"]) == (1, 2, {"screening -3 workday": 1, "screening 0": 1})
    again = answer("sweep", "--as-of", "2016-03-16T18:00")
    assert (again["due"], again["fired"]) == (0, 0)


def test_a_sweep_before_the_first_rung_fires_nothing(screening: int, answer: Callable[..., Any]) -> None:
    assert answer("sweep", "--as-of", "2016-03-02")["fired"] == 0


def test_a_sweep_without_a_time_is_of_now(screening: int, answer: Callable[..., Any]) -> None:
    assert answer("sweep")["fired"] == 3


def test_a_sweep_of_now_is_on_record_and_watched_deadlines_are_no_alarm(
    screening: int, answer: Callable[..., Any], home_county: County
) -> None:
    answer("sweep", "--as-of", "2016-03-02")
    assert answer("flows", "runs") == []  # as if it were another day: nobody has watched today's deadlines
    assert answer("sweep")["fired"] == 3
    (run,) = answer("flows", "runs")
    told = {name: run[name] for name in ("flow", "state", "via", "error")}
    assert told == {"flow": "escalate_overdue", "state": "completed", "via": "hand", "error": None}
    assert run["result"]["fired"] == 3 and run["started_at"] <= run["ended_at"]
    with home_county.database.read() as session:
        assert not watch(session, datetime.now(UTC)).overdue


def test_a_sweep_that_fails_is_on_record_as_failed(
    screening: int, answer: Callable[..., Any], duban: Callable[..., Any], home_county: County,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def broken(*_: object) -> None:
        raise ZeroDivisionError("rules")

    monkeypatch.setattr("services.engine.sweep.reroute_stranded", broken)
    assert isinstance(duban("sweep").exception, ZeroDivisionError)
    (run,) = answer("flows", "runs")
    assert (run["state"], run["via"], run["error"]) == ("failed", "hand", "ZeroDivisionError('rules')")
    with home_county.database.read() as session:
        assert watch(session, datetime.now(UTC)).overdue


def test_an_unreadable_time_is_refused(home_county: County, refusal: Callable[..., str]) -> None:
    assert 'bad_argument: --as-of "tomorrow" is no instant' in refusal("sweep", "--as-of", "tomorrow")


def test_a_clock_tells_its_dates_and_its_ladder(screening: int, answer: Callable[..., Any]) -> None:
    answer("sweep", "--as-of", "2016-03-11")
    told = answer("clock", "explain", str(screening))
    assert (told["clock"], told["state"], told["nominal_due"], told["effective_due"]) == (
        "screening", "running", "2016-03-16", "2016-03-16",
    )  # fmt: skip
    assert [step["kind"] for step in told["steps"]][:2] == ["rule", "anchor"]
    assert [(rung["at"], rung["fired_at"] is not None) for rung in told["ladder"]] == [
        ("-3 workday", True), ("0", False), ("+1 workday", False),
    ]  # fmt: skip


def test_it_reads_well_too(screening: int, duban: Callable[..., Any]) -> None:
    shown = duban("clock", "explain", str(screening)).stdout
    assert "登记甄别期限" in shown
    assert "due 2016-03-16" in shown


def test_an_unknown_clock_is_refused(home_county: County, refusal: Callable[..., str]) -> None:
    assert refusal("clock", "explain", "4711") == "duban: bad_argument: there is no clock 4711\n"


def test_what_is_stuck_is_listed_with_its_reason_and_tried_again(
    home_county: County, screening: int, answer: Callable[..., Any], duban: Callable[..., Any]
) -> None:
    assert answer("clock", "stuck") == [] and "nothing is set aside" in duban("clock", "stuck").stdout
    for name, fired in (("lost", 0), ("screening", 3)):
        with home_county.database.write() as session:
            session.execute(update(Clock).where(Clock.id == screening).values(name=name))
        assert sweep_all(home_county.database, home_county.engine, datetime.now(UTC))["fired"] == fired
        if name == "lost":
            (row,) = answer("clock", "stuck")
            assert (row["clock"], row["why"]) == ("lost", "the policy of this matter has no clock lost")
            assert answer("clock", "retry") == {"tried_again": 1}
    assert answer("clock", "stuck") == []


def test_a_sweep_at_a_time_that_cannot_be_is_refused_until_somebody_says_it_is_right(
    home_county: County, screening: int, answer: Callable[..., Any], refusal: Callable[..., str]
) -> None:
    with home_county.database.write() as session:
        confirm(session, home_county.now)
    assert "duban clock confirm" in refusal("sweep")
    answer("clock", "confirm")
    assert answer("sweep")["fired"] == 3


def test_what_is_logged_spoils_no_json(home_county: County, screening: int) -> None:
    with home_county.database.write() as session:
        session.execute(update(Clock).where(Clock.id == screening).values(name="lost"))
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", "sweep", "--json"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["set_aside"] == 1 and "clock set aside" in done.stderr
