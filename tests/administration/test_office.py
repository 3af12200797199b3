"""Administrators at work: permission, what is kept in being, and the record of all of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from services.administration import people, record, units
from services.administration.models import Deed
from services.administration.office import COMMAND_LINE, Office
from services.db.errors import DubanError
from services.identity.access import Actor, load_actor
from services.identity.credentials import authenticate, change_password, open_session
from services.identity.errors import GrantRefused, NotPermitted, PersonRefused, UnitRefused, WeakPassword
from services.identity.models import Grant, Person, Unit, UnitKind
from services.identity.people import delegate, grant
from services.identity.units import create_unit
from tests.support.cast import County

LONG_AGO = date(2010, 1, 1)


@pytest.fixture
def admins(county: County) -> County:
    """`office` administers the county, `township_clerk` 柳河乡; in `spare` there is nobody."""
    with county.database.write() as session:
        spare = create_unit(session, "spare", "县备用局", UnitKind.DEPARTMENT, county.units["county"])
        county.units["spare"] = spare.id
        for who, unit in (("office", "county"), ("township_clerk", "liuhe")):
            grant(session, county.people[who], "admin", county.units[unit], LONG_AGO, None, "测试")
    return county


def work(county: County, who: str, deed: Callable[[Office], Any]) -> Any:
    with county.database.write() as session:
        return deed(Office(session, county.actor(who, session), county.now, county.engine.registry.pack.roles))


def deeds(county: County) -> list[Deed]:
    with county.database.read() as session:
        return list(session.scalars(select(Deed).order_by(Deed.seq)))


def holds(county: County) -> dict[str, Any]:
    with county.database.read() as session:
        return record.verify(session)


def everything(county: County) -> list[Callable[[Office], Any]]:
    """Every deed there is, each of which the county's administrator may do in 柳河乡 and its like."""
    u, p, today = county.units, county.people, county.today
    return [
        lambda at: units.add(at, "xia", "下河村", UnitKind.GRASSROOTS, u["baishi"]),
        lambda at: units.rename(at, u["baishi"], "白石乡"),
        lambda at: units.move(at, u["upper"], u["baishi"]),
        lambda at: units.move(at, u["spare"], u["baishi"]),
        lambda at: units.abolish(at, u["spare"], today),
        lambda at: units.restore(at, u["spare"]),
        lambda at: people.rename(at, p["elsewhere"], "卫新"),
        lambda at: people.give_password(at, p["elsewhere"]),
        lambda at: people.deactivate(at, p["elsewhere"]),
        lambda at: people.reactivate(at, p["elsewhere"]),
        lambda at: people.appoint(at, p["elsewhere"], u["baishi"], "书记", today),
        lambda at: people.grant(at, p["nobody"], "handler", u["baishi"], today, "分工"),
        lambda at: people.revoke(at, _grant_of(at, p["elsewhere"])),
        lambda at: people.lend(at, p["checker"], p["office"], today, today, "出差"),
    ]


def _grant_of(at: Office, person: int) -> int:
    return at.session.scalars(select(Grant.id).where(Grant.person_id == person).order_by(Grant.id)).first() or 0


def test_only_administrators_of_the_place_change_anything(admins: County) -> None:
    for deed in everything(admins):
        for who in ("leader", "township_clerk"):
            with pytest.raises(NotPermitted):
                work(admins, who, deed)
    assert deeds(admins) == []
    for deed in everything(admins):
        work(admins, "office", deed)
    found = deeds(admins)
    assert len(found) == len(everything(admins)) and holds(admins) == {"entries": len(found), "broken": [], "ok": True}
    assert {d.actor_name for d in found} == {"李主任"}


def test_a_deed_says_before_and_after_and_no_secret(admins: County) -> None:
    work(admins, "office", lambda at: units.rename(at, admins.units["liuhe"], "柳河镇"))
    work(admins, "office", lambda at: people.give_password(at, admins.people["handler"], "a first password"))
    renamed, password = deeds(admins)
    assert (renamed.action, renamed.content["before"]["name"], renamed.content["after"]["name"]) == (
        "unit_renamed", "柳河乡", "柳河镇",
    )  # fmt: skip
    assert (password.action, password.content["after"], password.person_id) == (
        "password_given", None, admins.people["handler"],
    )  # fmt: skip
    assert "argon2" not in str([d.content for d in (renamed, password)])


def test_what_changes_nothing_is_not_put_on_record(admins: County) -> None:
    work(admins, "office", lambda at: units.rename(at, admins.units["liuhe"], "柳河乡"))
    assert deeds(admins) == []


def test_a_refused_deed_leaves_neither_change_nor_record(admins: County) -> None:
    def both(at: Office) -> None:
        units.rename(at, admins.units["liuhe"], "柳河镇")
        units.move(at, admins.units["liuhe"], admins.units["upper"])

    with pytest.raises(UnitRefused):
        work(admins, "office", both)
    with admins.database.read() as session:
        assert session.get_one(Unit, admins.units["liuhe"]).name == "柳河乡"
    assert deeds(admins) == []


@pytest.mark.parametrize(
    ("tampering", "why"),
    [
        ("UPDATE deed SET actor_name = '无名' WHERE seq = 2", "content was changed"),
        ("DELETE FROM deed WHERE seq = 2", "entry missing"),
        ("DELETE FROM deed WHERE seq = 3", "last entry missing"),
    ],
)
def test_tampering_is_found(admins: County, tampering: str, why: str) -> None:
    for name in ("甲乡", "乙乡", "丙乡"):
        work(admins, "office", lambda at, name=name: units.rename(at, admins.units["liuhe"], name))
    with admins.database.write() as session:
        session.execute(text(tampering))
    assert (holds(admins)["ok"], holds(admins)["broken"][0]["why"]) == (False, why)


def test_a_unit_with_anything_left_is_not_abolished(admins: County) -> None:
    spare, today = admins.units["spare"], admins.today
    matter = admins.walk("accept", "propose", "approve")
    admins.act(matter, "reassign", "office", {"handler_unit": spare, "reason": "职责"})
    post = work(admins, "office", lambda at: people.appoint(at, admins.people["nobody"], spare, "科员", today).id)
    given = work(
        admins, "office", lambda at: people.grant(at, admins.people["nobody"], "handler", spare, today, "分工").id
    )
    with pytest.raises(UnitRefused) as refusal:
        work(admins, "office", lambda at: units.abolish(at, spare, today))
    for left in ("1 件未办结事项", "1 个在任职务", "1 项有效授权"):
        assert left in refusal.value.zh
    admins.act(matter, "reassign", "office", {"handler_unit": admins.units["liuhe"], "reason": "职责"})
    work(admins, "office", lambda at: people.end_post(at, post, today))
    work(admins, "office", lambda at: people.revoke(at, given))
    assert work(admins, "office", lambda at: units.abolish(at, spare, today).abolished_on) == today


def test_a_closed_unit_takes_nobody_in_until_it_is_restored(admins: County) -> None:
    spare, today = admins.units["spare"], admins.today

    def appoint(at: Office) -> Any:
        return people.appoint(at, admins.people["nobody"], spare, "科员", today)

    work(admins, "office", lambda at: units.abolish(at, spare, today))
    with pytest.raises(PersonRefused, match="abolished"):
        work(admins, "office", appoint)
    work(admins, "office", lambda at: units.restore(at, spare))
    work(admins, "office", appoint)


def test_the_last_administrator_stays(admins: County) -> None:
    admin = admins.people["office"]
    mine = work(admins, "office", lambda at: _grant_of_role(at, admin))
    for deed in (lambda at: people.deactivate(at, admin), lambda at: people.revoke(at, mine)):
        with pytest.raises(GrantRefused, match="nobody would be left"):
            work(admins, "office", deed)
    work(admins, "office", lambda at: people.grant(at, admins.people["leader"], "admin", admins.units["county"],
                                                   admins.today, "接任"))  # fmt: skip
    work(admins, "office", lambda at: people.revoke(at, mine))
    with pytest.raises(NotPermitted):
        work(admins, "office", lambda at: people.rename(at, admin, "甲"))


def _grant_of_role(at: Office, person: int) -> int:
    return at.session.scalars(select(Grant.id).where(Grant.person_id == person, Grant.role == "admin")).one()


def test_a_role_is_never_taken_back_for_days_gone_by(admins: County) -> None:
    given = work(admins, "office", lambda at: _grant_of(at, admins.people["handler"]))
    with pytest.raises(GrantRefused):
        work(admins, "office", lambda at: people.revoke(at, given, admins.today - timedelta(days=2)))
    assert work(admins, "office", lambda at: people.revoke(at, given, admins.today).valid_to) == admins.today


def test_a_given_password_has_to_be_changed_to_another(admins: County) -> None:
    handler, given = admins.people["handler"], "a first password"
    work(admins, "office", lambda at: people.give_password(at, handler, given))
    secret, _ = open_session(admins.database, "handler", given, admins.now)
    assert authenticate(admins.database, secret, admins.now).temporary
    with admins.database.write() as session, pytest.raises(WeakPassword, match="differ"):
        change_password(session, handler, given, admins.now)
    with admins.database.write() as session:
        change_password(session, handler, "one of my own", admins.now)
    secret, _ = open_session(admins.database, "handler", "one of my own", admins.now)
    assert not authenticate(admins.database, secret, admins.now).temporary


def test_somebody_let_in_again_needs_a_new_password(admins: County) -> None:
    handler = admins.people["handler"]
    work(admins, "office", lambda at: people.give_password(at, handler, "a first password"))
    work(admins, "office", lambda at: people.deactivate(at, handler))
    work(admins, "office", lambda at: people.reactivate(at, handler))
    with pytest.raises(DubanError, match="wrong"):
        open_session(admins.database, "handler", "a first password", admins.now)
    made = work(admins, "office", lambda at: people.give_password(at, handler))
    open_session(admins.database, "handler", made, admins.now)


def test_a_township_administrator_sees_the_deeds_of_his_township(admins: County) -> None:
    for unit in ("upper", "baishi"):
        work(admins, "office", lambda at, unit=unit: units.rename(at, admins.units[unit], f"新{unit}"))
    with admins.database.read() as session:
        within = frozenset({admins.units["liuhe"], admins.units["upper"]})
        found = record.find(session, record.Wanted(within=within), 10)
        assert [d.content["unit"] for d in found] == ["新upper"]


def test_the_command_line_may_do_everything_and_is_named(county: County) -> None:
    with county.database.write() as session:
        made = Office(session, COMMAND_LINE, county.now, county.engine.registry.pack.roles)
        people.add(made, "新人", "new")
    assert [(d.actor_id, d.actor_name, d.action) for d in deeds(county)] == [(None, "命令行", "person_added")]


def test_an_actor_with_a_lent_role_administers(admins: County) -> None:
    with admins.database.write() as session:
        delegate(session, admins.people["office"], admins.people["nobody"], admins.today, admins.today, "出差", None)
        actor: Actor = load_actor(session, admins.people["nobody"], admins.today)
        people.add(Office(session, actor, admins.now, {}), "新人")
        assert session.scalar(select(Person.name).order_by(Person.id.desc()).limit(1)) == "新人"


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_administrators_take_turns_whatever_they_change_first(county: County) -> None:
    """The first has changed the directory and then wants the tree; the second would have the tree by then."""

    def add(office: Office, name: str) -> None:
        units.add(office, name, f"{name}村", UnitKind.GRASSROOTS, county.units["liuhe"])

    def second() -> None:
        with county.database.write() as session:
            add(Office(session, COMMAND_LINE, county.now, {}), "n2")

    with ThreadPoolExecutor(1) as pool:
        with county.database.write() as session:
            office = Office(session, COMMAND_LINE, county.now, {})
            people.rename(office, county.people["handler"], "别名")
            other = pool.submit(second)
            while not somebody_waits(county):
                assert not other.done()
            add(office, "n1")
        other.result(30)
    assert [deed.content["unit"] for deed in deeds(county)] == [None, "n1村", "n2村"]
    assert holds(county)["ok"]


def somebody_waits(county: County) -> bool:
    """Asked in a transaction of its own: within one, PostgreSQL goes on saying what it said first."""
    with county.database.read() as session:
        return bool(session.scalar(text("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock')")))
