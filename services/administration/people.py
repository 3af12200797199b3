"""People, their posts, the roles they are given and lend: changed by administrators, put on record."""

from datetime import date, timedelta

from sqlalchemy import or_, select

from services.administration.office import Office
from services.administration.rights import (
    ADMIN,
    administered_unit,
    refuse_unless_admin,
    refuse_unless_admin_of,
)
from services.identity import people
from services.identity.credentials import change_password
from services.identity.errors import GrantRefused, NotFound, PersonRefused
from services.identity.models import Delegation, Grant, Person, Post, Unit
from services.identity.passwords import first_password
from services.identity.people import get_person


def add(office: Office, name: str, login: str | None = None) -> Person:
    """Add a person, who has no role and no password yet (administrators)."""
    refuse_unless_admin(office.actor)
    person = people.create_person(office.session, name, office.now, login)
    office.added("person_added", person, person=person)
    return person


def rename(office: Office, person_id: int, name: str) -> Person:
    """Correct a name (administrators of everything he holds)."""
    person = _in_charge_of(office, person_id)
    with office.changing("person_renamed", person, person=person):
        people.rename_person(office.session, person_id, name)
    return person


def give_password(office: Office, person_id: int, password: str | None = None) -> str:
    """Give somebody a password that he has to change first thing; his sessions end. Return it.

    Without one given it is made here. For administrators of everything he holds.
    """
    person = _in_charge_of(office, person_id)
    if person.login is None:
        raise PersonRefused("a person without log-in needs no password", "该人员没有用户名，不能登录，无需密码。")
    password = password or first_password()
    change_password(office.session, person_id, password, office.now, temporary=True)
    office.happened("password_given", person=person)
    return password


def deactivate(office: Office, person_id: int) -> Person:
    """Shut somebody out at once (administrators of everything he holds)."""
    person = _in_charge_of(office, person_id)
    with office.changing("person_deactivated", person, person=person):
        people.deactivate(office.session, person_id, office.now)
    if office.session.scalar(select(Grant.id).where(Grant.person_id == person_id, Grant.role == ADMIN).limit(1)):
        _refuse_without_admin(office, office.today)
    return person


def reactivate(office: Office, person_id: int) -> Person:
    """Let somebody in again; he needs a new password (administrators of everything he holds)."""
    person = _in_charge_of(office, person_id)
    with office.changing("person_reactivated", person, person=person):
        people.reactivate(office.session, person_id)
    return person


def appoint(
    office: Office,
    person_id: int,
    unit_id: int,
    title: str,
    held_from: date,
    held_to: date | None = None,
    head: bool = False,
) -> Post:
    """Record a post (administrators of its unit)."""
    unit = _living(office, unit_id)
    post = people.add_post(office.session, person_id, unit_id, title, held_from, held_to, head)
    office.added("post_added", post, unit=unit, person=get_person(office.session, person_id))
    return post


def end_post(office: Office, post_id: int, last_day: date) -> Post:
    """Record the last day of a post (administrators of its unit)."""
    if (post := office.session.get(Post, post_id)) is None:
        raise NotFound(f"there is no post {post_id}", "没有这条任职记录。")
    unit = administered_unit(office.session, office.actor, post.unit_id)
    with office.changing("post_ended", post, unit=unit, person=get_person(office.session, post.person_id)):
        people.end_post(office.session, post_id, last_day)
    return post


def grant(
    office: Office,
    person_id: int,
    role: str,
    unit_id: int,
    valid_from: date,
    reason: str,
    valid_to: date | None = None,
) -> Grant:
    """Give somebody a role of the policy pack on a unit and all below it (administrators of that unit)."""
    if role not in office.roles:
        listed = ", ".join(sorted(office.roles))
        raise GrantRefused(f"there is no role {role}; there are {listed}", "没有这个角色。", field="role")
    unit = _living(office, unit_id)
    given = people.grant(office.session, person_id, role, unit_id, valid_from, office.actor.id, reason, valid_to)
    office.added("role_granted", given, unit=unit, person=get_person(office.session, person_id))
    return given


def revoke(office: Office, grant_id: int, last_day: date | None = None) -> Grant:
    """Take a role back: as of today, or after a last day to come (administrators of its unit)."""
    if (given := office.session.get(Grant, grant_id)) is None:
        raise NotFound(f"there is no grant {grant_id}", "没有这条授权。")
    unit = administered_unit(office.session, office.actor, given.unit_id)
    first_without = office.today if last_day is None else last_day + timedelta(days=1)
    if first_without < office.today:
        raise GrantRefused(
            "a role is not taken back for days gone by", "收回日期不能早于昨天：过去的办理有效，不能追溯。", field="on"
        )
    with office.changing("role_revoked", given, unit=unit, person=get_person(office.session, given.person_id)):
        people.revoke(office.session, grant_id, first_without)
    if given.role == ADMIN:
        _refuse_without_admin(office, first_without)
    return given


def lend(office: Office, from_id: int, to_id: int, starts_on: date, ends_on: date, reason: str) -> Delegation:
    """Lend all of somebody's own roles to another: oneself, or administrators of everything he holds."""
    if from_id != office.actor.id:
        refuse_unless_admin_of(office.session, office.actor, from_id)
    lent = people.delegate(office.session, from_id, to_id, starts_on, ends_on, reason, office.actor.id)
    office.added("roles_lent", lent, person=get_person(office.session, from_id))
    return lent


def end_delegation(office: Office, delegation_id: int) -> Delegation:
    """End a delegation at once (whoever lent it, and administrators of everything he holds)."""
    if (lent := office.session.get(Delegation, delegation_id)) is None:
        raise NotFound(f"there is no delegation {delegation_id}", "没有这条委托。")
    if lent.from_id != office.actor.id:
        refuse_unless_admin_of(office.session, office.actor, lent.from_id)
    with office.changing("delegation_ended", lent, person=get_person(office.session, lent.from_id)):
        people.revoke_delegation(office.session, delegation_id, office.now)
    return lent


def _in_charge_of(office: Office, person_id: int) -> Person:
    refuse_unless_admin_of(office.session, office.actor, person_id)
    return get_person(office.session, person_id)


def _living(office: Office, unit_id: int) -> Unit:
    unit = administered_unit(office.session, office.actor, unit_id)
    if unit.abolished_on is not None and unit.abolished_on <= office.today:
        raise PersonRefused(
            f"{unit.name} is abolished; choose a living unit", f"{unit.name}已撤销，不能再任职或授权。", field="unit_id"
        )
    return unit


def _refuse_without_admin(office: Office, on: date) -> None:
    """Raise where nobody would be left to administer the county."""
    left = (
        select(Grant.id)
        .join(Person, Person.id == Grant.person_id)
        .join(Unit, Unit.id == Grant.unit_id)
        .where(
            Grant.role == ADMIN, Unit.parent_id.is_(None), Person.active, Grant.valid_from <= on,
            or_(Grant.valid_to.is_(None), Grant.valid_to >= on),
        )
    )  # fmt: skip
    if office.session.scalar(left.limit(1)) is None:
        raise GrantRefused(
            "nobody would be left to administer the county; give another person that role first",
            "这是最后一名县级系统管理员，请先授予其他人员该角色。",
        )
