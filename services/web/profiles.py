"""Who somebody is: what the top bar and the profile page say of the person logged in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from services.db.together import Query, read_rows
from services.identity.access import Actor
from services.identity.models import Person, Post, Unit
from services.identity.names import people_by_id, units_by_id
from services.notifications.inbox import unread_of_person


@dataclass(frozen=True, slots=True)
class Held:
    """A post as it is shown."""

    title: str
    unit_name: str
    held_from: date
    head: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """`county` is the name of the root unit; `post` is empty for somebody without one."""

    name: str
    login: str
    post: str
    county: str
    unread: int


def profile_of(session: Session, actor: Actor) -> Profile:
    """Return what the top bar shows."""
    (row,) = read_rows(session, *profile_asked(actor))
    return Profile(row["name"], row["login"] or "", row["post"] or "", row["county"] or "", row["unread"])


def profile_asked(actor: Actor) -> Query:
    """What `profile_of` asks."""
    return _PROFILE, {"person_id": actor.id}


def posts_of(session: Session, person_id: int, on: date) -> list[Held]:
    """Return the posts somebody holds on a day, the one he heads first."""
    columns = (Post.title, Unit.name.label("unit_name"), Post.held_from, Post.head)
    held = select(*columns).join(Unit, Unit.id == Post.unit_id).where(Post.person_id == person_id, Post.held_from <= on)
    still = held.where((Post.held_to.is_(None)) | (Post.held_to >= on)).order_by(Post.head.desc(), Post.id)
    return [Held(**row) for row in session.execute(still).mappings()]


_LATEST = (
    select(Post.title)
    .where(Post.person_id == Person.id, Post.held_to.is_(None))
    .order_by(Post.head.desc(), Post.id.desc())
    .limit(1)
    .correlate(Person)
)
_COUNTY = select(Unit.name).where(Unit.parent_id.is_(None)).limit(1)
_PROFILE = select(
    Person.name,
    Person.login,
    _LATEST.scalar_subquery().label("post"),
    _COUNTY.scalar_subquery().label("county"),
    unread_of_person().scalar_subquery().label("unread"),
).where(Person.id == bindparam("person_id"))


@dataclass(frozen=True, slots=True)
class Right:
    """A role and where it counts; `lent_by` is empty for one's own."""

    title: str
    unit_name: str
    lent_by: str


def rights_of(session: Session, actor: Actor, title: Callable[[str], str]) -> list[Right]:
    """Return the roles the actor has today, with names."""
    units = units_by_id(session, {grant.unit_id for grant in actor.grants})
    people = people_by_id(session, {grant.holder_id for grant in actor.grants} - {actor.id})
    return [Right(title(g.role), units[g.unit_id], people.get(g.holder_id, "")) for g in actor.grants]
