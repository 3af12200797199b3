"""Roles hold on the subtree they were given on, and delegation launders nothing."""

from datetime import UTC, date, datetime

import pytest

from services.identity.access import CLOCK, Actor, ActorGrant, load_actor, unit_ids_in_scope
from services.identity.errors import NotFound
from services.identity.people import deactivate, delegate, revoke_delegation
from services.identity.units import get_unit, move_unit

TODAY = date(2016, 3, 1)


def actor_of(county, person: int, on: date = TODAY) -> Actor:
    with county.database.read() as session:
        return load_actor(session, person, on)


def path_of(county, unit: str) -> str:
    with county.database.read() as session:
        return get_unit(session, getattr(county.units, unit)).path


def roles(county, person: int, unit: str, excluded=(), on: date = TODAY) -> frozenset[str]:
    return actor_of(county, person, on).roles_at(path_of(county, unit), excluded)


def lend(county, giver: int, taker: int, first: date = TODAY, last: date = TODAY) -> int:
    with county.database.write() as session:
        return delegate(session, giver, taker, first, last, "出差", None).id


def test_a_role_covers_its_units_subtree_and_nothing_else(county) -> None:
    county.grant(county.people.a, "clerk", county.units.town)
    covered = {unit for unit in vars(county.units) if roles(county, county.people.a, unit)}
    assert covered == {"town", "north", "south"}


def test_nobody_has_a_role_by_default(county) -> None:
    assert actor_of(county, county.people.a).grants == ()
    assert roles(county, county.people.a, "root") == frozenset()


def test_a_path_is_no_text_prefix() -> None:
    actor = Actor(1, "A", (ActorGrant("clerk", 2, "/1/2/", 1),))
    assert actor.roles_at("/1/2/30/") == {"clerk"}
    assert actor.roles_at("/1/20/") == frozenset()


@pytest.mark.parametrize(
    ("day", "holds"),
    [
        (date(2016, 2, 29), False),
        (date(2016, 3, 1), True),
        (date(2016, 3, 31), True),
        (date(2016, 4, 1), False),
    ],
)
def test_both_ends_of_a_grant_are_included(county, day: date, holds: bool) -> None:
    county.grant(county.people.a, "clerk", county.units.town, date(2016, 3, 1), date(2016, 3, 31))
    assert bool(roles(county, county.people.a, "town", on=day)) is holds


@pytest.mark.parametrize(
    ("day", "acts"),
    [
        (date(2016, 2, 29), False),
        (date(2016, 3, 1), True),
        (date(2016, 3, 3), True),
        (date(2016, 3, 4), False),
    ],
)
def test_a_delegate_acts_on_the_days_given(county, day: date, acts: bool) -> None:
    people = county.people
    county.grant(people.a, "leader", county.units.town)
    lend(county, people.a, people.b, date(2016, 3, 1), date(2016, 3, 3))
    assert bool(roles(county, people.b, "north", on=day)) is acts
    assert roles(county, people.a, "north", on=day) == {"leader"}


def test_what_is_lent_names_its_holder(county) -> None:
    people, units = county.people, county.units
    county.grant(people.a, "leader", units.town)
    county.grant(people.b, "clerk", units.town)
    lend(county, people.a, people.b)
    held = {grant.role: grant.holder_id for grant in actor_of(county, people.b).grants}
    assert held == {"leader": people.a, "clerk": people.b}


def test_what_is_lent_is_not_lent_on(county) -> None:
    people = county.people
    county.grant(people.a, "leader", county.units.town)
    lend(county, people.a, people.b)
    lend(county, people.b, people.c)
    assert roles(county, people.b, "town") == {"leader"}
    assert roles(county, people.c, "town") == frozenset()


def test_an_exclusion_is_not_laundered_by_delegation(county) -> None:
    people = county.people
    county.grant(people.a, "leader", county.units.town)
    county.grant(people.b, "clerk", county.units.town)
    lend(county, people.a, people.b)
    assert roles(county, people.b, "town") == {"leader", "clerk"}
    assert roles(county, people.b, "town", excluded=[people.a]) == {"clerk"}
    assert roles(county, people.b, "town", excluded=[people.b]) == frozenset()
    assert roles(county, people.b, "town", excluded=[people.c]) == {"leader", "clerk"}


def test_revoking_ends_a_delegation_at_once(county) -> None:
    people = county.people
    county.grant(people.a, "leader", county.units.town)
    key = lend(county, people.a, people.b)
    with county.database.write() as session:
        revoke_delegation(session, key, datetime(2016, 3, 1, 3, tzinfo=UTC))
    assert roles(county, people.b, "town") == frozenset()


def test_an_inactive_person_neither_acts_nor_lends(county, now: datetime) -> None:
    people = county.people
    county.grant(people.a, "leader", county.units.town)
    county.grant(people.b, "clerk", county.units.town)
    lend(county, people.a, people.b)
    lend(county, people.b, people.a)
    with county.database.write() as session:
        deactivate(session, people.a, now)
    assert roles(county, people.a, "town") == frozenset()
    assert roles(county, people.b, "town") == {"clerk"}


def test_roles_follow_a_unit_that_moves(county) -> None:
    county.grant(county.people.a, "clerk", county.units.bureau)
    with county.database.write() as session:
        move_unit(session, county.units.town, county.units.bureau)
    assert roles(county, county.people.a, "north") == {"clerk"}


def test_an_unknown_person(county) -> None:
    with pytest.raises(NotFound):
        actor_of(county, 99_999)


def test_the_clock_is_no_person(county) -> None:
    assert CLOCK.system and not actor_of(county, county.people.a).system
    assert CLOCK.roles_at("/1/", excluded=[1]) == {"system"}


def test_scopes_narrow_what_a_token_may_do() -> None:
    assert Actor(1, "A").allows("act")
    assert Actor(1, "A", scopes=frozenset({"read"})).allows("read")
    assert not Actor(1, "A", scopes=frozenset({"read"})).allows("act")


def test_scope_in_units(county) -> None:
    people, units = county.people, county.units
    county.grant(people.a, "clerk", units.town)
    county.grant(people.a, "reader", units.bureau)
    county.grant(people.b, "supervisor", units.root)
    lend(county, people.a, people.c)
    with county.database.read() as session:
        a, b, c, d = (load_actor(session, key, TODAY) for key in (people.a, people.b, people.c, people.d))
        assert unit_ids_in_scope(session, a) == {units.town, units.north, units.south, units.bureau}
        assert unit_ids_in_scope(session, a, ["reader"]) == {units.bureau}
        assert unit_ids_in_scope(session, a, ["supervisor"]) == set()
        assert unit_ids_in_scope(session, b) is None
        assert unit_ids_in_scope(session, b, ["clerk"]) == set()
        assert unit_ids_in_scope(session, c, ["clerk"]) == {units.town, units.north, units.south}
        assert unit_ids_in_scope(session, d) == set()
        assert unit_ids_in_scope(session, CLOCK) is None
