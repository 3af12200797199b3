"""A whole replay of a small log: its figures, what stands in the database, and that stopping changes nothing."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from config.calendar import SHANGHAI
from services.db.session import Database
from services.engine.core import Engine
from services.engine.models import Clock, Entry, Matter
from services.engine.sweep import sweep_all, sweep_batch
from services.identity.models import Person
from services.identity.sealing import Vault
from services.migrations import is_current
from services.replay import walk
from tests.replay.logs import LASTING, OTHER, OTHER_LOG, LogFile, Place, figures, local


def test_the_whole_log(place: Place, log: Path) -> None:
    answer = place.replay(log)

    # the last event is of Monday 03-14; Tuesday is swept, and the clock stops with it: 11 working days
    assert answer["until"] == "2016-03-16T00:00:00+08:00"
    assert figures(answer) == (8, 6, 2, 2, 1, 1, 6, 13, 13, 11)
    assert answer["defect_counts"] == {"ends_before_start": 1, "event_before_start": 1, "event_after_end": 3}
    assert answer["defects"][0] == {
        "case": "ends-before-start", "kind": "ends_before_start", "at": "2016-03-03T11:00:00+08:00", "replayed": True
    }  # fmt: skip
    assert answer["journal_ok"] is True
    assert (answer["set_aside"], answer["failed_deeds"]) == (0, 0)


def test_the_rungs_of_the_ladder_fire_once_each(place: Place, log: Path) -> None:
    rungs = place.replay(log)["rungs"]

    # "late" (due Thursday 03-03, done 03-09) and "overdue" (due 03-03 at midnight, never done); "late-by-an-hour"
    # and "on-time" (due 03-08) are reminded on 03-03, and done before the evening of 03-08
    assert {name: n for name, n in rungs.items() if name.startswith("petition handling")} == {
        "petition handling -3 workday": 4,
        "petition handling 0": 2,
        "petition handling +1 workday": 2,
        "petition handling +3 workday": 2,
    }


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("2016-03-01T09:00", (0, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
        ("2016-03-01T09:31", (2, 0, 0, 2, 0, 0, 0, 0, 0, 0)),
        ("2016-03-03T12:00", (5, 0, 0, 5, 0, 0, 0, 6, 6, 2)),
        ("2016-03-03T12:01", (6, 1, 0, 5, 1, 0, 0, 6, 6, 2)),
        ("2016-03-03T18:01", (6, 1, 0, 5, 1, 1, 1, 7, 7, 3)),
        ("2016-03-05T00:00", (6, 2, 0, 4, 2, 2, 2, 7, 7, 4)),
        ("2016-03-09T00:00", (8, 3, 1, 5, 2, 2, 3, 11, 11, 6)),
    ],
)
def test_as_it_stood_at_an_instant(
    new_place: Callable[[], Place], log: Path, until: str, expected: tuple[int, ...]
) -> None:
    assert figures(new_place().replay(log, until=local(until))) == expected


def test_real_people_act_and_the_given_instant_is_kept(place: Place, log: Path) -> None:
    place.replay(log)

    database = Database(place.url)
    with database.read() as session:
        matter = session.scalars(select(Matter).where(Matter.external_ref == "event-after-end")).one()
        told = session.execute(
            select(Entry.action, Person.name, Entry.at)
            .join(Person, Person.id == Entry.actor_id)
            .where(Entry.matter_id == matter.id)
            .order_by(Entry.seq)
        ).all()
        due = session.scalars(select(Clock.due_at).where(Clock.matter_id == matter.id, Clock.name == "handling")).one()
    database.close()

    assert [(action, name, at.astimezone(SHANGHAI).strftime("%d %H:%M")) for action, name, at in told] == [
        ("open", "登记岗", "07 13:00"),
        ("accept", "登记岗", "07 13:00"),
        ("propose", "登记岗", "07 13:00"),
        ("approve", "审批岗", "07 13:00"),
        ("note_progress", "Wang", "08 12:30"),
        ("complete", "Zhou", "09 11:00"),
        ("note_progress", "Li", "10 12:30"),
        ("note_progress", "Chen", "14 12:30"),
        ("archive", "登记岗", "14 12:30"),
    ]
    assert due == local("2016-03-31T12:00")
    assert matter.state == "archived"


def test_a_deadline_at_midnight_is_an_instant_and_no_day(new_place: Callable[[], Place], tmp_path: Path) -> None:
    made = LogFile().case("c", "2016-03-01 09:00", "2016-03-04 00:00", "2016-03-04 00:01", (("2016-03-01 10:00", "A"),))

    assert new_place().replay(made.write(tmp_path / "log.csv"))["ended_late"] == 1


def test_sweeping_more_often_changes_nothing(
    new_place: Callable[[], Place], log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once, often = new_place(), new_place()
    expected = once.replay(log)

    def thrice(*args: Any) -> dict[str, Any]:
        served = sweep_batch(*args)
        again = [sweep_batch(*args) for _ in range(2)]
        assert [(a["due"], a["fired"]) for a in again] == [(0, 0), (0, 0)]
        return served

    monkeypatch.setattr(walk, "sweep_batch", thrice)
    assert often.replay(log) == expected
    assert often.tables("fired_rung", "journal") == once.tables("fired_rung", "journal")

    database = Database(often.url)
    last = local("2016-03-15T18:00")
    fired = sweep_all(database, Engine.of("tongcheng", Vault(often.key_file)), last)["fired"]
    database.close()
    assert fired == 0


@pytest.fixture
def whole(new_place: Callable[[], Place], log: Path) -> tuple[Place, dict[str, Any]]:
    """A replay that nothing interrupted, and its report."""
    place = new_place()
    return place, place.replay(log)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 15 * 24 * 60), max_size=5).map(sorted))
def test_wherever_it_is_stopped_and_resumed_it_ends_the_same(
    new_place: Callable[[], Place], log: Path, whole: tuple[Place, dict[str, Any]], cuts: list[int]
) -> None:
    cut = new_place()

    for minutes in cuts:
        cut.replay(log, until=local("2016-03-01T00:00") + timedelta(minutes=minutes), resume=True)

    assert cut.replay(log, resume=True) == whole[1]
    assert cut.tables(*LASTING) == whole[0].tables(*LASTING)


def test_another_log_needs_another_profile_and_no_code(place: Place, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(OTHER, encoding="utf-8")
    (tmp_path / "other.csv").write_text(OTHER_LOG, encoding="utf-8")

    answer = place.replay(tmp_path / "other.csv", profile=str(tmp_path / "other.toml"))

    assert figures(answer) == (1, 1, 1, 0, 0, 0, 1, 2, 2, 5)


def test_its_database_is_one_of_this_version(place: Place, log: Path) -> None:
    place.replay(log)

    database = Database(place.url)
    assert is_current(database)
    database.close()


def test_the_report_is_json(new_place: Callable[[], Place], log: Path) -> None:
    answer = new_place().replay(log)

    assert json.loads(json.dumps(answer)) == answer
