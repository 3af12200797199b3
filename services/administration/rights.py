"""What administrators may: the role `admin` counts on a unit and all below it, like every role."""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from services.identity.access import Actor, unit_ids_in_scope
from services.identity.errors import NotPermitted
from services.identity.models import Grant, Post, Unit
from services.identity.people import get_person
from services.identity.units import get_unit, is_root

ADMIN = "admin"


def is_admin(actor: Actor) -> bool:
    """Whether the actor administers anything at all; the machine's own command line administers everything."""
    return actor.system or any(grant.role == ADMIN for grant in actor.grants)


def refuse_unless_admin(actor: Actor) -> None:
    """Raise NotPermitted unless the actor is an administrator somewhere."""
    if not is_admin(actor):
        raise NotPermitted("this needs the role admin", "此操作须系统管理员办理")


def administers(actor: Actor, unit_path: str) -> bool:
    """Whether the actor administers the unit with this path."""
    return actor.system or ADMIN in actor.roles_at(unit_path)


def refuse_unless_admin_at(actor: Actor, unit_path: str) -> None:
    """Raise NotPermitted unless the actor administers the unit with this path."""
    if not administers(actor, unit_path):
        raise NotPermitted("this needs the role admin on that unit", "您不是该单位的系统管理员")


def refuse_unless_admin_of_all(actor: Actor) -> None:
    """Raise NotPermitted unless the actor administers the whole county."""
    if not actor.system and not any(grant.role == ADMIN and is_root(grant.path) for grant in actor.grants):
        raise NotPermitted("this needs the role admin on the county", "此操作须县级系统管理员办理")


def refuse_unless_admin_of(session: Session, actor: Actor, person_id: int) -> None:
    """Raise NotPermitted unless the actor administers every unit where this person ever held a post or a role.

    Whoever sets a password can act under it: so nobody does who administers only a part of what it opens.
    """
    refuse_unless_admin(actor)
    get_person(session, person_id)
    places = select(Post.unit_id).where(Post.person_id == person_id).union(
        select(Grant.unit_id).where(Grant.person_id == person_id)
    )  # fmt: skip
    for path in session.scalars(select(Unit.path).where(Unit.id.in_(places))):
        refuse_unless_admin_at(actor, path)


def administered_unit(session: Session, actor: Actor, unit_id: int) -> Unit:
    """Return the unit; raise NotFound, or NotPermitted unless the actor administers it."""
    unit = get_unit(session, unit_id)
    refuse_unless_admin_at(actor, unit.path)
    return unit


def scope(session: Session, actor: Actor) -> frozenset[int] | None:
    """Return the ids of the units that the actor administers; None stands for all."""
    inside = unit_ids_in_scope(session, actor, [ADMIN])
    return None if inside is None else frozenset(inside)


def administered_units(session: Session, actor: Actor) -> list[Unit]:
    """Return every unit that the actor administers, abolished ones too, each after the one above it."""
    refuse_unless_admin(actor)
    paths = {"/"} if actor.system else {grant.path for grant in actor.grants if grant.role == ADMIN}
    below = or_(*(Unit.path.startswith(path, autoescape=True) for path in sorted(paths)))
    return sorted(session.scalars(select(Unit).where(below)), key=lambda unit: (unit.path.count("/"), unit.code))
