"""What a replay refuses, and that it then leaves nothing half done."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect

from config.packs import BadPack
from services.db.session import Database
from services.replay import walk
from services.replay.errors import DatabaseUnfit, ReplayRefused
from services.replay.profile import PROFILES
from tests.replay.logs import FIGURES, LASTING, Place, defective, figures, local
from tests.support.cast import County


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
