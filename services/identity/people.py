"""People, their posts, the roles they are given and lend to one another."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import chain

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from services.db.together import Row, read_rows
from services.identity.access import SYSTEM
from services.identity.credentials import revoke_all
from services.identity.errors import DelegationRefused, GrantRefused, NotFound, PersonRefused
from services.identity.models import Delegation, Grant, Person, Post
from services.identity.passwords import normal_login
from services.identity.units import ancestors, get_unit

_ROLE = re.compile(r"[a-z][a-z0-9_]*")


def get_person(session: Session, person_id: int) -> Person:
    """The person with this id; `NotFound` if there is none."""
    if (person := session.get(Person, person_id)) is None:
        raise NotFound(f"there is no person {person_id}", "没有这个人员。")
    return person


def id_of_login(session: Session, login: str) -> int | None:
    """The active person who logs in so, however the login is typed; None if there is nobody."""
    return session.scalar(select(Person.id).where(Person.login == normal_login(login), Person.active))


def create_person(session: Session, name: str, now: datetime, login: str | None = None) -> Person:
    """Add a person; without `login` one who never logs in. He has no password and no role yet."""
    name = name.strip()
    if not name:
        raise PersonRefused("a person needs a name", "姓名不能为空。", field="name")
    if login is not None:
        login = normal_login(login)
        if not login or " " in login or len(login) > 64:
            raise PersonRefused(
                "a login has 1 to 64 characters and no space", "用户名应为 1 至 64 个字符，不含空格。", field="login"
            )
        if session.scalar(select(Person.id).where(Person.login == login)) is not None:
            raise PersonRefused(f"login {login} is taken; choose another", f"用户名 {login} 已被使用。", field="login")
    person = Person(name=name, login=login, created_at=now)
    session.add(person)
    session.flush()
    return person


def deactivate(session: Session, person_id: int, now: datetime) -> Person:
    """Shut the person out at once: no log-in, no roles, no credentials. What he did stays his."""
    person = get_person(session, person_id)
    person.active = False
    revoke_all(session, person_id, now)
    session.flush()
    return person


def reactivate(session: Session, person_id: int) -> Person:
    """Let the person in again, with what posts and roles have not ended meanwhile; the old password is gone."""
    person = get_person(session, person_id)
    person.active, person.password_hash = True, None
    session.flush()
    return person


def rename_person(session: Session, person_id: int, name: str) -> Person:
    """Correct the person's name; what he did earlier stays under the name of that day."""
    person = get_person(session, person_id)
    if not name.strip():
        raise PersonRefused("a person needs a name", "姓名不能为空。", field="name")
    person.name = name.strip()
    session.flush()
    return person


def add_post(
    session: Session,
    person_id: int,
    unit_id: int,
    title: str,
    held_from: date,
    held_to: date | None = None,
    head: bool = False,
) -> Post:
    """Record what the person is in the unit; a post gives no role by itself."""
    get_person(session, person_id)
    get_unit(session, unit_id)
    if held_to is not None and held_to < held_from:
        raise PersonRefused("a post cannot end before it begins", "任职结束日期不能早于开始日期。", field="held_to")
    post = Post(person_id=person_id, unit_id=unit_id, title=title, head=head, held_from=held_from, held_to=held_to)
    session.add(post)
    session.flush()
    return post


def end_post(session: Session, post_id: int, last_day: date) -> Post:
    """Record the last day on which the post is held."""
    if (post := session.get(Post, post_id)) is None:
        raise NotFound(f"there is no post {post_id}", "没有这条任职记录。")
    if last_day < post.held_from:
        raise PersonRefused("a post cannot end before it begins", "任职结束日期不能早于开始日期。", field="on")
    post.held_to = last_day
    session.flush()
    return post


def grant(
    session: Session,
    person_id: int,
    role: str,
    unit_id: int,
    valid_from: date,
    granted_by: int | None,
    reason: str,
    valid_to: date | None = None,
) -> Grant:
    """Give the person a role on the unit and all below it; `granted_by` is None for the installation."""
    get_person(session, person_id)
    get_unit(session, unit_id)
    if not _ROLE.fullmatch(role) or role == SYSTEM:
        raise GrantRefused(f"{role!r} is no role that a person can hold", "该角色不能授予个人。")
    if valid_to is not None and valid_to < valid_from:
        raise GrantRefused("a grant cannot end before it begins", "授权结束日期不能早于开始日期。", field="valid_to")
    same = select(Grant.id).where(
        Grant.person_id == person_id,
        Grant.role == role,
        Grant.unit_id == unit_id,
        or_(Grant.valid_to.is_(None), Grant.valid_to >= valid_from),
        Grant.valid_from <= (valid_to or date.max),
        or_(Grant.valid_to.is_(None), Grant.valid_to >= Grant.valid_from),
    )
    if session.scalar(same.limit(1)) is not None:
        raise GrantRefused(
            "the person has this role there already on some of these days", "该时段内已有相同授权。", field="role"
        )
    given = Grant(
        person_id=person_id,
        role=role,
        unit_id=unit_id,
        valid_from=valid_from,
        valid_to=valid_to,
        granted_by=granted_by,
        reason=reason,
    )
    session.add(given)
    session.flush()
    return given


def revoke(session: Session, grant_id: int, on: date) -> Grant:
    """Take the role back as of that day: the day before is its last. Earlier ends stay as they are."""
    if (given := session.get(Grant, grant_id)) is None:
        raise NotFound(f"there is no grant {grant_id}", "没有这条授权。")
    last = on - timedelta(days=1)
    if given.valid_to is None or given.valid_to > last:
        given.valid_to = last
    session.flush()
    return given


def delegate(
    session: Session,
    from_id: int,
    to_id: int,
    starts_on: date,
    ends_on: date,
    reason: str,
    created_by: int | None,
) -> Delegation:
    """Lend all own roles of one person to another for these days, both included."""
    get_person(session, from_id)
    to = get_person(session, to_id)
    if from_id == to_id:
        raise DelegationRefused("one cannot delegate to oneself", "不能委托给本人。")
    if ends_on < starts_on:
        raise DelegationRefused("a delegation cannot end before it begins", "委托结束日期不能早于开始日期。")
    if not to.active:
        raise DelegationRefused(f"{to.name} is inactive; choose another", f"{to.name}已停用，不能接受委托。")
    overlapping = select(Delegation.id).where(
        Delegation.from_id == from_id,
        Delegation.to_id == to_id,
        Delegation.revoked_at.is_(None),
        Delegation.starts_on <= ends_on,
        Delegation.ends_on >= starts_on,
    )
    if session.scalar(overlapping.limit(1)) is not None:
        raise DelegationRefused("these days are delegated to this person already", "该时段内已委托给此人。")
    lent = Delegation(
        from_id=from_id,
        to_id=to_id,
        starts_on=starts_on,
        ends_on=ends_on,
        reason=reason,
        created_by=created_by,
    )
    session.add(lent)
    session.flush()
    return lent


def revoke_delegation(session: Session, delegation_id: int, now: datetime) -> Delegation:
    """End a delegation at once; revoking it again changes nothing."""
    if (lent := session.get(Delegation, delegation_id)) is None:
        raise NotFound(f"there is no delegation {delegation_id}", "没有这条委托。")
    lent.revoked_at = lent.revoked_at or now
    session.flush()
    return lent


_G, _P = Grant.__table__.c, Person.__table__.c
_HOLDING = (
    select(_G.unit_id, _G.person_id)
    .join_from(Grant.__table__, Person.__table__, _P.id == _G.person_id)
    .where(
        _G.role == bindparam("role"),
        _G.valid_from <= bindparam("day"),
        or_(_G.valid_to.is_(None), _G.valid_to >= bindparam("day")),
        _P.active,
    )
)
# Built once: every move of a matter asks this.
_HELD = _HOLDING.where(_G.unit_id.in_(bindparam("units", expanding=True)))


def holders(
    session: Session, role: str, unit_path: str, on: date, excluding: Collection[int] = ()
) -> tuple[int, list[int]] | None:
    """The nearest unit at or above the path where someone active, not excluded, holds the role; and all such.

    Returns `(unit_id, person_ids)`, ids ascending, or None if nobody up to the root does. Delegates are not
    listed: what waits for a holder also waits for whoever acts for him.
    """
    for unit_id, people in line_of_holders(session, role, unit_path, on):
        if left := people.difference(excluding):
            return unit_id, sorted(left)
    return None


Line = list[tuple[int, frozenset[int]]]
"""Units with the people there, the nearest first."""


def line_of_holders(session: Session, role: str, unit_path: str, on: date) -> Line:
    """Every unit at or above the path where somebody active holds the role, the nearest first, with all such."""
    return lines_of_holders(session, role, [unit_path], on)[unit_path]


def lines_of_holders(session: Session, role: str, unit_paths: Iterable[str], on: date) -> dict[str, Line]:
    """The same for each of these paths."""
    lines = {path: ancestors(path) for path in unit_paths}
    asked = {"role": role, "units": sorted(set(chain(*lines.values()))), "day": on}
    found = _by_unit(read_rows(session, _HELD, asked))
    return {path: _line(found, units) for path, units in lines.items()}


def _by_unit(rows: Iterable[Row]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for row in rows:
        found.setdefault(row["unit_id"], set()).add(row["person_id"])
    return found


def _line(found: Mapping[int, Collection[int]], units: Sequence[int]) -> Line:
    return [(unit_id, frozenset(found[unit_id])) for unit_id in reversed(units) if unit_id in found]
