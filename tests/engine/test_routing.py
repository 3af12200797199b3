"""Whose turn it is: the nearest unit where somebody may act, past everyone excluded, at last the county office."""

import pytest

from config.calendar import local_date
from services.engine.models import Message
from services.engine.rerouting import reroute_stranded
from services.engine.routing import Turn, find_turn, path_of
from services.engine.sweep import sweep_all
from services.engine.work import claim
from services.identity.people import deactivate
from tests.support.cast import County
from tests.support.invariants import check, entries, rows_of, turn


def found(county: County, role: str, unit: str, *away: str) -> Turn:
    with county.database.read() as session:
        path = path_of(session, county.units[unit])
        return find_turn(session, role, path, local_date(county.now), {county.people[who] for who in away})


@pytest.mark.parametrize(
    ("unit", "away", "expected_unit", "expected"),
    [
        ("upper", [], "liuhe", ["township_leader"]),
        ("liuhe", ["township_leader"], "county", ["leader"]),
        ("baishi", [], "baishi", ["elsewhere"]),
        ("water", [], "county", ["leader"]),
    ],
)
def test_the_nearest_unit_counts(
    sqlite_county: County, unit: str, away: list[str], expected_unit: str, expected: list[str]
) -> None:
    county = sqlite_county
    got = found(county, "unit_leader", unit, *away)
    assert (got.unit_id, got.people, got.lost) == (
        county.units[expected_unit], tuple(county.people[w] for w in expected), False,
    )  # fmt: skip


def test_where_nobody_is_left_the_county_office_has_it(sqlite_county: County) -> None:
    got = found(sqlite_county, "unit_leader", "liuhe", "township_leader", "leader")
    assert (got.role, got.people, got.lost) == ("county_office", (sqlite_county.people["office"],), True)


def test_even_when_nobody_is_there_either(sqlite_county: County) -> None:
    got = found(sqlite_county, "unit_leader", "liuhe", "township_leader", "leader", "office")
    assert (got.role, got.unit_id, got.people, got.lost) == (
        "county_office", sqlite_county.units["county"], (), True,
    )  # fmt: skip


class TestRecusal:
    def test_the_item_goes_one_level_up(self, county: County) -> None:
        matter_id = county.walk("accept", "propose", "approve")
        assert (turn(county, matter_id)["role"], turn(county, matter_id)["unit_id"]) == (
            "handler", county.units["liuhe"],
        )  # fmt: skip
        for who in ("handler", "handler2"):
            county.act(matter_id, "recuse", "office", {"person": county.people[who], "reason": "亲属关系"})
        item, entry = turn(county, matter_id), entries(county, matter_id)[-1]
        assert (item["role"], item["unit_id"]) == ("county_office", county.units["county"])
        assert entry["content"]["routed_to_county_office"] is True
        check(county)

    def test_a_leader_above_takes_over_before_the_county_office_does(self, county: County) -> None:
        matter_id = county.open("township_clerk", unit="liuhe").matter_id
        county.act(matter_id, "accept", "township_clerk")
        county.act(matter_id, "propose", "township_clerk", county.usual("propose")[1])
        assert turn(county, matter_id)["unit_id"] == county.units["liuhe"]
        county.act(matter_id, "recuse", "office", {"person": county.people["township_leader"], "reason": "亲属关系"})
        item = turn(county, matter_id)
        assert (item["role"], item["unit_id"]) == ("unit_leader", county.units["county"])
        assert "routed_to_county_office" not in entries(county, matter_id)[-1]["content"]

    def test_who_has_claimed_it_keeps_it_when_somebody_else_steps_aside(self, county: County) -> None:
        matter_id = county.walk("accept", "propose", "approve")
        with county.database.write() as session:
            item = turn(county, matter_id)["id"]
            claim(session, county.engine, item, county.actor("handler", session), county.now)
        county.act(matter_id, "recuse", *county.usual("recuse"))
        assert turn(county, matter_id)["person_id"] == county.people["handler"]

    def test_who_has_claimed_it_loses_it_by_his_own_recusal(self, county: County) -> None:
        matter_id = county.walk("accept", "propose", "approve")
        with county.database.write() as session:
            item = turn(county, matter_id)["id"]
            claim(session, county.engine, item, county.actor("handler2", session), county.now)
        county.act(matter_id, "recuse", *county.usual("recuse"))
        assert turn(county, matter_id)["person_id"] is None
        check(county)


def test_nobody_named_is_reminded_or_told_by_a_rung(county: County) -> None:
    reported = [{"name": "某", "person": county.people[who]} for who in ("handler", "township_leader", "office")]
    matter_id = county.walk("accept", "propose", "approve", reported=reported)
    county.later(days=60)
    sweep_all(county.database, county.engine, county.now)
    with county.database.read() as session:
        told = {m["person_id"] for m in rows_of(session, Message, matter_id=matter_id)}
    assert told
    assert not told & {county.people[who] for who in ("handler", "township_leader", "office")}


def test_it_does_not_wait_for_one_who_is_kept_away(county: County) -> None:
    """Of the two who handle at the township one stepped aside and the other leaves."""
    matter_id = county.walk("accept", "propose", "approve", "recuse")
    assert turn(county, matter_id)["unit_id"] == county.units["liuhe"]
    with county.database.write() as session:
        deactivate(session, county.people["handler"], county.now)
    assert reroute_stranded(county.database, county.now) == 1
    assert turn(county, matter_id)["role"] == "county_office"
    assert reroute_stranded(county.database, county.now) == 0
    check(county)


def test_whoever_left_is_not_asked(county: County) -> None:
    with county.database.write() as session:
        deactivate(session, county.people["township_leader"], county.now)
    assert found(county, "unit_leader", "liuhe").people == (county.people["leader"],)
