"""What administrators may: the role `admin` counts on a unit and all below it, like every role."""

from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.engine.errors import NotPermitted
from services.http.calls import Call
from services.identity.access import Actor
from services.identity.models import Grant, Post, Unit
from services.identity.people import get_person
from services.identity.units import is_root

ADMIN = "admin"
log = structlog.get_logger("administration")


def is_admin(actor: Actor) -> bool:
    """Whether the actor administers anything at all."""
    return any(grant.role == ADMIN for grant in actor.grants)


def refuse_unless_admin(actor: Actor) -> None:
    """Raise NotPermitted unless the actor is an administrator somewhere."""
    if not is_admin(actor):
        raise NotPermitted("this needs the role admin", "此操作须系统管理员办理")


def refuse_unless_admin_at(actor: Actor, unit_path: str) -> None:
    """Raise NotPermitted unless the actor administers the unit with this path."""
    if ADMIN not in actor.roles_at(unit_path):
        raise NotPermitted("this needs the role admin on that unit", "您不是该单位的系统管理员")


def refuse_unless_admin_of_all(actor: Actor) -> None:
    """Raise NotPermitted unless the actor administers the whole county."""
    if not any(grant.role == ADMIN and is_root(grant.path) for grant in actor.grants):
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


def log_deed(call: Call, deed: str, **what: Any) -> None:
    """Leave a trace of what an administrator did; matters have their journal, people and units have the log."""
    log.info(deed, by=call.actor.id, name=call.actor.name, **what)
