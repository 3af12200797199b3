"""People, posts, grants, delegations, and who holds a role nearest."""

from datetime import date, datetime, timedelta

import pytest

from services.identity.errors import DelegationRefused, GrantRefused, NotFound, PersonRefused
from services.identity.people import (
    add_post,
    create_person,
    deactivate,
    delegate,
    end_post,
    get_person,
    grant,
    holders,
    revoke,
    revoke_delegation,
)
from services.identity.units import get_unit

TODAY = date(2016, 3, 1)


def nearest(county, unit: str, excluding=(), role: str = "leader", on: date = TODAY):
    with county.database.read() as session:
        path = get_unit(session, getattr(county.units, unit)).path
        return holders(session, role, path, on, excluding)


def test_logins_are_compared_as_typed_in_any_width_and_case(county, now: datetime) -> None:
    with county.database.write() as session:
        assert create_person(session, " 王五 ", now, " ＷangWu ").login == "wangwu"
        with pytest.raises(PersonRefused, match="taken"):
            create_person(session, "王六", now, "WANGWU")


def test_people_without_login_may_be_many(county, now: datetime) -> None:
    with county.database.write() as session:
        assert create_person(session, "甲", now).id != create_person(session, "甲", now).id


@pytest.mark.parametrize(("name", "login"), [("", None), ("甲", ""), ("甲", "a b"), ("甲", "x" * 65)])
def test_bad_names_and_logins(county, now: datetime, name: str, login: str | None) -> None:
    with county.database.write() as session, pytest.raises(PersonRefused):
        create_person(session, name, now, login)


def test_posts_run_from_to(county) -> None:
    with county.database.write() as session:
        post = add_post(session, county.people.a, county.units.town, "书记", TODAY, head=True)
        assert (post.held_to, post.head) == (None, True)
        assert end_post(session, post.id, TODAY).held_to == TODAY
        with pytest.raises(PersonRefused):
            end_post(session, post.id, TODAY - timedelta(days=1))
        with pytest.raises(PersonRefused):
            add_post(session, county.people.a, county.units.town, "书记", TODAY, TODAY - timedelta(days=1))
        with pytest.raises(NotFound):
            end_post(session, 99_999, TODAY)
        with pytest.raises(NotFound):
            add_post(session, 99_999, county.units.town, "书记", TODAY)


@pytest.mark.parametrize("role", ["system", "", "Clerk", "1st", "a-b", "办事员"])
def test_words_that_are_no_roles(county, role: str) -> None:
    with pytest.raises(GrantRefused):
        county.grant(county.people.a, role, county.units.town)


def test_a_grant_runs_forwards(county) -> None:
    with pytest.raises(GrantRefused):
        county.grant(county.people.a, "clerk", county.units.town, TODAY, TODAY - timedelta(days=1))


@pytest.mark.parametrize(
    ("first", "last", "refused"),
    [(1, 9, True), (10, 20, True), (20, None, True), (1, 10, True), (21, None, False), (1, 4, False)],
)
def test_the_same_grant_twice_at_once_is_refused(county, first: int, last: int | None, refused: bool) -> None:
    def day(number: int | None) -> date | None:
        return None if number is None else date(2016, 3, number)

    county.grant(county.people.a, "clerk", county.units.town, day(5), day(20))
    if refused:
        with pytest.raises(GrantRefused, match="already"):
            county.grant(county.people.a, "clerk", county.units.town, day(first), day(last))
    else:
        county.grant(county.people.a, "clerk", county.units.town, day(first), day(last))
    county.grant(county.people.a, "clerk", county.units.north, day(first), day(last))
    county.grant(county.people.b, "clerk", county.units.town, day(first), day(last))


def test_a_revoked_grant_ends_the_day_before_and_can_be_given_again(county) -> None:
    key = county.grant(county.people.a, "leader", county.units.town, TODAY)
    with county.database.write() as session:
        assert revoke(session, key, TODAY).valid_to == TODAY - timedelta(days=1)
    assert nearest(county, "town") is None
    county.grant(county.people.a, "leader", county.units.town, TODAY)
    assert nearest(county, "town") == (county.units.town, [county.people.a])


def test_revoking_late_does_not_lengthen_a_grant(county) -> None:
    key = county.grant(county.people.a, "leader", county.units.town, TODAY, TODAY)
    with county.database.write() as session:
        assert revoke(session, key, date(2017, 1, 1)).valid_to == TODAY
        with pytest.raises(NotFound):
            revoke(session, 99_999, TODAY)


def test_who_granted_and_why_is_kept(county) -> None:
    with county.database.write() as session:
        given = grant(session, county.people.a, "clerk", county.units.town, TODAY, county.people.e, "分工调整")
    assert (given.granted_by, given.reason) == (county.people.e, "分工调整")


def test_delegations_that_are_refused(county, now: datetime) -> None:
    a, b, c = county.people.a, county.people.b, county.people.c
    with county.database.write() as session:
        with pytest.raises(DelegationRefused, match="oneself"):
            delegate(session, a, a, TODAY, TODAY, "出差", a)
        with pytest.raises(DelegationRefused, match="before"):
            delegate(session, a, b, TODAY, TODAY - timedelta(days=1), "出差", a)
        first = delegate(session, a, b, TODAY, date(2016, 3, 5), "出差", a)
        with pytest.raises(DelegationRefused, match="already"):
            delegate(session, a, b, date(2016, 3, 5), date(2016, 3, 9), "出差", a)
        delegate(session, a, b, date(2016, 3, 6), date(2016, 3, 9), "出差", a)
        delegate(session, a, c, TODAY, date(2016, 3, 5), "出差", a)
        revoke_delegation(session, first.id, now)
        delegate(session, a, b, TODAY, date(2016, 3, 5), "出差", a)
        deactivate(session, c, now)
        with pytest.raises(DelegationRefused, match="inactive"):
            delegate(session, b, c, TODAY, TODAY, "出差", a)
        with pytest.raises(NotFound):
            delegate(session, a, 99_999, TODAY, TODAY, "出差", a)
        with pytest.raises(NotFound):
            revoke_delegation(session, 99_999, now)


def test_revoking_a_delegation_again_keeps_the_first_time(county, now: datetime) -> None:
    with county.database.write() as session:
        lent = delegate(session, county.people.a, county.people.b, TODAY, TODAY, "出差", None)
        revoke_delegation(session, lent.id, now)
        assert revoke_delegation(session, lent.id, now + timedelta(hours=1)).revoked_at == now


def test_the_nearest_holders_at_or_above(county) -> None:
    people, units = county.people, county.units
    county.grant(people.a, "leader", units.root)
    county.grant(people.c, "leader", units.town)
    county.grant(people.b, "leader", units.town)
    county.grant(people.d, "clerk", units.north)
    county.grant(people.e, "leader", units.south)
    assert nearest(county, "north") == (units.town, [people.b, people.c])
    assert nearest(county, "south") == (units.south, [people.e])
    assert nearest(county, "bureau") == (units.root, [people.a])
    assert nearest(county, "north", role="nobody") is None


def test_exclusion_goes_past_a_unit_only_when_nobody_is_left_there(county, now: datetime) -> None:
    people, units = county.people, county.units
    county.grant(people.a, "leader", units.root)
    county.grant(people.b, "leader", units.town)
    county.grant(people.c, "leader", units.town)
    assert nearest(county, "north", [people.b]) == (units.town, [people.c])
    assert nearest(county, "north", {people.b, people.c}) == (units.root, [people.a])
    assert nearest(county, "north", (people.a, people.b, people.c)) is None
    with county.database.write() as session:
        deactivate(session, people.c, now)
    assert nearest(county, "north", [people.b]) == (units.root, [people.a])


def test_holders_on_their_days_only(county) -> None:
    county.grant(county.people.a, "leader", county.units.town, TODAY, TODAY)
    assert nearest(county, "town", on=TODAY) is not None
    assert nearest(county, "town", on=TODAY + timedelta(days=1)) is None
    assert nearest(county, "town", on=TODAY - timedelta(days=1)) is None


def test_an_unknown_person(county) -> None:
    with county.database.read() as session, pytest.raises(NotFound):
        get_person(session, 99_999)
