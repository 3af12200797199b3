"""What is kept of the directory is never older than the database: every change, whoever makes it, is a new edition."""

import contextlib
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Table, event, select, text
from sqlalchemy.orm import Session
from sqlalchemy.sql import visitors

from services.db.errors import DubanError
from services.db.session import Database
from services.db.together import read_rows
from services.engine import routing
from services.identity import access, people, units
from services.identity.access import load_actor, somebody
from services.identity.credentials import change_password, open_session
from services.identity.editions import EDITION, edition_of, known
from services.identity.errors import WrongLogin
from services.identity.models import Person, UnitKind

TODAY = date(2016, 3, 1)
_PERSON = Person.__table__
WATCHED = {"unit", "person", "role_grant", "delegation"}


def edition(database: Database) -> str:
    with database.read() as session:
        found = edition_of(session)
    assert found is not None
    return found


def a_grant(session: Session, county: Any) -> int:
    return people.grant(session, county.people.a, "clerk", county.units.town, date(2010, 1, 1), None, "x").id


CHANGES: dict[str, Callable[[Session, Any, Any], object]] = {
    "a unit is made": lambda s, c, now: units.create_unit(s, "N", "新村", UnitKind.GRASSROOTS, c.units.town),
    "a unit is renamed": lambda s, c, now: units.rename_unit(s, c.units.town, "新名乡"),
    "a unit is moved": lambda s, c, now: units.move_unit(s, c.units.north, c.units.bureau),
    "a unit is abolished": lambda s, c, now: units.abolish_unit(s, c.units.north, TODAY),
    "a person is made": lambda s, c, now: people.create_person(s, "新人", now),
    "a person is renamed": lambda s, c, now: people.rename_person(s, c.people.a, "别名"),
    "a person is shut out": lambda s, c, now: people.deactivate(s, c.people.a, now),
    "a role is given": lambda s, c, now: a_grant(s, c),
    "a role is lent": lambda s, c, now: people.delegate(
        s, c.people.a, c.people.b, TODAY, TODAY + timedelta(days=3), "x", None
    ),
    "a role is ended in SQL": lambda s, c, now: s.execute(text("UPDATE role_grant SET valid_to = '2015-01-01'")),
    "roles are deleted in SQL": lambda s, c, now: s.execute(text("DELETE FROM role_grant")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_change_is_a_new_edition(county, now, change) -> None:
    with county.database.write() as session:
        people.grant(session, county.people.e, "leader", county.units.root, date(2010, 1, 1), None, "x")
    before = edition(county.database)
    with county.database.write() as session:
        change(session, county, now)
        within = edition_of(session)
        assert within != before
    assert edition(county.database) == within


def test_what_ends_is_a_new_edition(county, now) -> None:
    with county.database.write() as session:
        granted = a_grant(session, county)
        lent = people.delegate(session, county.people.a, county.people.b, TODAY, TODAY, "x", None).id
        people.deactivate(session, county.people.c, now)
    seen = {edition(county.database)}
    for end in (
        lambda s: people.revoke(s, granted, TODAY),
        lambda s: people.revoke_delegation(s, lent, now),
        lambda s: people.reactivate(s, county.people.c),
    ):
        with county.database.write() as session:
            end(session)
        seen.add(edition(county.database))
    assert len(seen) == 4


def test_rows_that_are_emptied_or_copied_in_are_a_new_edition(postgres: Database) -> None:
    with postgres.write() as session:
        assert edition_of(session) is None
        driver: Any = session.connection().connection.driver_connection
        with driver.cursor() as cursor, cursor.copy("COPY unit (id, code, name, kind, path) FROM STDIN") as into:
            into.write_row((1, "C", "县", "county", "/1/"))
        copied = edition_of(session)
        session.execute(text("TRUNCATE unit CASCADE"))
        assert copied is not None
        assert edition_of(session) not in (None, copied)


def test_to_log_in_or_fail_to_changes_no_edition(county, now) -> None:
    with county.database.write() as session:
        change_password(session, county.people.a, "a-long-enough-password", now)
    before = edition(county.database)
    with pytest.raises(WrongLogin):
        open_session(county.database, "a", "wrong", now)
    open_session(county.database, "a", "a-long-enough-password", now)
    assert edition(county.database) == before


def test_a_change_counts_where_it_was_made_and_nowhere_before_it_is_committed(county, now) -> None:
    """And never where it was rolled back, though the number of changes is then the same."""

    def held(session: Session) -> set[str]:
        return {grant.role for grant in load_actor(session, county.people.a, TODAY).grants}

    before = edition(county.database)
    with pytest.raises(ZeroDivisionError), county.database.write() as session:
        a_grant(session, county)
        assert held(session) == {"clerk"}
        with county.database.read() as other:
            assert held(other) == set()
        raise ZeroDivisionError
    assert edition(county.database) == before
    with county.database.write() as session:
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            a_grant(session, county)
            assert held(session) == {"clerk"}
            raise ZeroDivisionError
        assert held(session) == set()
        people.grant(session, county.people.a, "leader", county.units.town, date(2010, 1, 1), None, "x")
        assert held(session) == {"leader"}
    with county.database.read() as session:
        assert held(session) == {"leader"}


def test_a_role_taken_elsewhere_is_gone_for_the_next_who_asks(county, now) -> None:
    """By another process, which knows nothing of what is kept in this one."""
    with county.database.write() as session:
        a_grant(session, county)
    with county.database.read() as session:
        assert load_actor(session, county.people.a, TODAY).grants
    elsewhere = Database(county.database.url)
    with elsewhere.engine.begin() as connection:
        connection.execute(text("DELETE FROM role_grant"))
    elsewhere.close()
    with county.database.read() as session:
        assert load_actor(session, county.people.a, TODAY).grants == ()


def test_somebody_is_asked_about_once_an_edition(county) -> None:
    with county.database.write() as session:
        for unit in vars(county.units).values():
            people.grant(session, county.people.a, "clerk", unit, date(2010, 1, 1), None, "x")
    statements: list[str] = []
    for asked in (2, 1, 1):
        statements.clear()
        with county.database.read() as session:
            event.listen(session.connection(), "before_cursor_execute", lambda *given: statements.append(given[2]))
            assert len(load_actor(session, county.people.a, TODAY).grants) == 5
        assert len(statements) == asked


def test_without_an_edition_nothing_is_kept() -> None:
    answers = iter((1, 2))
    assert [known(None, ("x",), lambda: next(answers)) for _ in range(2)] == [1, 2]


@pytest.mark.parametrize("query", [access._SOMEBODY, people._HELD, units._UNIT])
def test_what_is_kept_is_read_from_watched_tables(query: Any) -> None:
    """A query that comes to look at another table has to watch that as well."""
    columns = {part.name for part in visitors.iterate(query) if isinstance(part, Column) and part.table is _PERSON}
    assert columns <= {"id", "name", "active"}
    read = {part.name for part in visitors.iterate(query) if isinstance(part, Table)}
    edition_itself = {part.name for part in visitors.iterate(select(EDITION)) if isinstance(part, Table)}
    assert read - edition_itself
    assert read - edition_itself <= WATCHED


class _Over(Exception):
    """Ends an example, and with it all it changed."""


def _steps() -> st.SearchStrategy[list[tuple[str, int, int]]]:
    kinds = ("grant", "revoke", "lend", "end", "shut", "open", "move", "abolish", "rename")
    return st.lists(st.tuples(st.sampled_from(kinds), st.integers(0, 4), st.integers(0, 4)), max_size=12)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_steps())
def test_what_is_kept_says_what_the_database_says(county, now, steps: list[tuple[str, int, int]]) -> None:
    who, where = list(vars(county.people).values()), list(vars(county.units).values())

    def change(session: Session, kind: str, one: int, other: int) -> object:
        made = {
            "grant": lambda: people.grant(session, who[one], "clerk", where[other], date(2010, 1, 1), None, "x"),
            "revoke": lambda: people.revoke(session, one * 5 + other + 1, TODAY),
            "lend": lambda: people.delegate(session, who[one], who[other], TODAY, TODAY, "x", None),
            "end": lambda: people.revoke_delegation(session, one * 5 + other + 1, now),
            "shut": lambda: people.deactivate(session, who[one], now),
            "open": lambda: people.reactivate(session, who[one]),
            "move": lambda: units.move_unit(session, where[one], where[other]),
            "abolish": lambda: units.abolish_unit(session, where[one], TODAY),
            "rename": lambda: people.rename_person(session, who[one], f"名{other}"),
        }
        return made[kind]()

    def said(session: Session, edition: str | None) -> tuple[Any, ...]:
        actors = [somebody(edition, one, TODAY, partial(read_rows, session)) for one in who]
        places = [routing.place_of(session, edition, unit, TODAY) for unit in where]
        lines = [routing.holding_at(session, edition, place.path, TODAY)("leader") for place in places]
        return actors, [(place.path, place.holding("clerk")) for place in places], lines

    with pytest.raises(_Over), county.database.write() as session:
        people.grant(session, who[0], "leader", where[0], date(2010, 1, 1), None, "x")
        for step in steps:
            said(session, edition_of(session))
            with contextlib.suppress(DubanError):
                change(session, *step)
            assert said(session, edition_of(session)) == said(session, None)
        raise _Over
