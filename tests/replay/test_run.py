"""A whole replay of a small log: its figures, what stands in the database, and that stopping changes nothing."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, select

from config.calendar import SHANGHAI
from config.packs import BadPack
from services.db.session import Database
from services.engine.core import Engine
from services.engine.models import Clock, Entry, Matter
from services.engine.sweep import sweep_all, sweep_batch
from services.identity.models import Person
from services.identity.sealing import Vault
from services.migrations import is_current
from services.replay import walk
from services.replay.errors import DatabaseUnfit, ReplayRefused
from services.replay.profile import PROFILES
from tests.replay.logs import LASTING, OTHER, OTHER_LOG, LogFile, Place, defective
from tests.support.cast import County

FIGURES = (
    "started", "ended", "ended_late", "open", "open_overdue", "escalated_overdue", "archived", "events", "notes",
    "sweeps",
)  # fmt: skip


def figures(answer: dict[str, Any]) -> tuple[int, ...]:
    return tuple(answer[name] for name in FIGURES)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


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


def test_a_database_that_is_not_empty_is_refused_and_left_alone(place: Place, log: Path) -> None:
    place.replay(log)
    before = place.tables(*LASTING)

    with pytest.raises(DatabaseUnfit, match="not empty"):
        place.replay(log)

    assert place.tables(*LASTING) == before


def test_only_its_own_log_is_resumed(new_place: Callable[[], Place], log: Path, tmp_path: Path) -> None:
    place = new_place()
    place.replay(log, until=local("2016-03-05T00:00"))
    other = defective().case("one more", "2016-03-01 09:00", "2016-03-08 12:00", "", (("2016-03-01 10:00", "Wang"),))

    with pytest.raises(DatabaseUnfit, match="another log, profile or pack"):
        place.replay(other.write(tmp_path / "other.csv"), resume=True)
    with pytest.raises(DatabaseUnfit, match="another log, profile or pack"):
        place.replay(log, resume=True, pack="national")
    with pytest.raises(ReplayRefused, match="has passed 2016-03-04"):
        place.replay(log, resume=True, until=local("2016-03-04T00:00"))


def test_a_county_in_use_is_no_replay_to_resume(sqlite_county: County, log: Path, tmp_path: Path) -> None:
    place = Place(sqlite_county.database.url.render_as_string(), tmp_path / "secret.key")

    with pytest.raises(DatabaseUnfit, match="holds no replay"):
        place.replay(log, resume=True)


def test_two_replays_do_not_walk_in_one_database(
    new_place: Callable[[], Place], log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_place()
    expected = new_place().replay(log)
    taken = walk.Walk._take
    begun: list[object] = []

    def take(self: walk.Walk, session: Any, step: Any) -> None:
        if step.case.id == "event-before-start" and not begun:
            begun.append(step)
            self.position = walk.Position(
                self.position.made_from, local("2016-03-01T10:00"), self.position.totals, self.position.house
            )
        taken(self, session, step)

    monkeypatch.setattr(walk.Walk, "_take", take)
    with pytest.raises(DatabaseUnfit, match="another replay is at work"):
        place.replay(log)
    assert place.replay(log, resume=True) == expected


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("other_discipline", "gossip"),
            r"case on-time \(line 2\), start .*problem_fields: 'gossip' is not in the list",
        ),
        (('roles = ["unit_leader", "county_leader"]', 'roles = ["supervisor"]'), "approve needs one of the roles"),
        (('"transferred"', '"forgotten"'), "end at .*result: 'forgotten' is not in the list"),
    ],
)
def test_what_the_engine_refuses_leaves_nothing_behind(
    place: Place, log: Path, tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    text = (PROFILES / "coselog.toml").read_text(encoding="utf-8").replace(*change)
    (tmp_path / "wrong.toml").write_text(text, encoding="utf-8")
    before = sorted(tmp_path.iterdir())

    with pytest.raises(ReplayRefused, match=said):
        place.replay(log, profile=str(tmp_path / "wrong.toml"))

    if place.url.startswith("sqlite"):
        assert sorted(tmp_path.iterdir()) == before
    database = Database(place.url)
    assert inspect(database.engine).get_table_names() == []
    database.close()


def test_a_clock_beyond_the_calendar_is_refused_before_anything_is_made(
    new_place: Callable[[], Place], log: Path, tmp_path: Path
) -> None:
    before = sorted(tmp_path.iterdir())

    with pytest.raises(ReplayRefused, match="outside the calendar"):
        new_place().replay(log, until=local("2300-01-01T00:00"))

    assert sorted(tmp_path.iterdir()) == before


def test_a_clock_before_the_log_sees_nothing(new_place: Callable[[], Place], log: Path) -> None:
    place = new_place()

    assert figures(place.replay(log, until=local("2015-01-01T00:00"))) == (0,) * len(FIGURES)
    assert place.replay(log, resume=True)["started"] == 8


def test_an_unknown_pack_makes_nothing(new_place: Callable[[], Place], log: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())

    with pytest.raises(BadPack):
        new_place().replay(log, pack="nowhere")

    assert sorted(tmp_path.iterdir()) == before


def test_its_database_is_one_of_this_version(place: Place, log: Path) -> None:
    place.replay(log)

    database = Database(place.url)
    assert is_current(database)
    database.close()


def test_the_report_is_json(new_place: Callable[[], Place], log: Path) -> None:
    answer = new_place().replay(log)

    assert json.loads(json.dumps(answer)) == answer
