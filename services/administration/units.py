"""Units: added, renamed, moved with all below them, abolished and restored."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from services.administration.office import Office
from services.administration.rights import administered_unit, refuse_unless_admin_at
from services.engine.models import Matter, WorkItem
from services.identity import units
from services.identity.errors import UnitRefused
from services.identity.models import Grant, Person, Post, Unit, UnitKind
from services.identity.units import get_unit


def add(office: Office, code: str, name: str, kind: UnitKind, parent_id: int, founded_on: date | None = None) -> Unit:
    """Add a unit below another (administrators of that one)."""
    administered_unit(office.session, office.actor, parent_id)
    unit = units.create_unit(office.session, code, name, kind, parent_id, founded_on)
    office.added("unit_added", unit, unit=unit)
    return unit


def rename(office: Office, unit_id: int, name: str) -> Unit:
    """Give a unit another name (its administrators)."""
    unit = administered_unit(office.session, office.actor, unit_id)
    with office.changing("unit_renamed", unit, unit=unit):
        units.rename_unit(office.session, unit_id, name)
    return unit


def move(office: Office, unit_id: int, parent_id: int) -> Unit:
    """Move a unit with all below it (administrators of where it was and of where it comes)."""
    unit, parent = get_unit(office.session, unit_id), get_unit(office.session, parent_id)
    if unit.parent_id is not None:
        refuse_unless_admin_at(office.actor, get_unit(office.session, unit.parent_id).path)
    refuse_unless_admin_at(office.actor, parent.path)
    with office.changing("unit_moved", unit, unit=unit):
        units.move_unit(office.session, unit_id, parent_id)
    return unit


def abolish(office: Office, unit_id: int, on: date) -> Unit:
    """Close a unit as of a day (its administrators): only once nothing and nobody is left there."""
    unit = administered_unit(office.session, office.actor, unit_id)
    if left := list(_left(office.session, unit_id, on)):
        raise UnitRefused(
            f"{unit.name} still has {', '.join(en for en, _ in left)}; finish, move or end these first",
            f"{unit.name}尚有{'、'.join(zh for _, zh in left)}；请先将事项办结或改由其他单位办理，"
            "在任职务填写离任日期，授权收回后再撤销。",
        )
    with office.changing("unit_abolished", unit, unit=unit):
        units.abolish_unit(office.session, unit_id, on)
    return unit


def restore(office: Office, unit_id: int) -> Unit:
    """Take an abolition back (its administrators)."""
    unit = administered_unit(office.session, office.actor, unit_id)
    with office.changing("unit_restored", unit, unit=unit):
        units.restore_unit(office.session, unit_id)
    return unit


def open_matters(session: Session, unit_id: int) -> int:
    """How many open matters lie at this very unit or wait for somebody there."""
    waiting = select(WorkItem.matter_id).where(WorkItem.unit_id == unit_id, WorkItem.closed_at.is_(None))
    lying = or_(Matter.unit_id == unit_id, Matter.id.in_(waiting))
    return session.scalar(select(func.count()).select_from(Matter).where(Matter.closed_at.is_(None), lying)) or 0


def _left(session: Session, unit_id: int, on: date) -> Iterator[tuple[str, str]]:
    """What keeps a unit in being on that day, in both languages."""
    posts = select(func.count()).select_from(Post).where(Post.unit_id == unit_id, _lasts(Post.held_to, on))
    grants = select(func.count()).select_from(Grant).where(Grant.unit_id == unit_id, _lasts(Grant.valid_to, on))
    if count := open_matters(session, unit_id):
        yield f"{count} open matters", f" {count} 件未办结事项"
    if count := session.scalar(posts.join(Person, Person.id == Post.person_id).where(Person.active)) or 0:
        yield f"{count} posts held", f" {count} 个在任职务"
    if count := session.scalar(grants.join(Person, Person.id == Grant.person_id).where(Person.active)) or 0:
        yield f"{count} roles granted", f" {count} 项有效授权"


def _lasts(end: Any, on: date) -> ColumnElement[bool]:
    return or_(end.is_(None), end > on)
