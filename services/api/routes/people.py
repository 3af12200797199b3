"""People, their posts and their roles."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import select
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.administration import people
from services.administration.rights import is_admin, refuse_unless_admin, refuse_unless_admin_at
from services.api.shapes import Day, Done, Id, Limit, Listed, Name, Reason, Secret, Sent, Shown, Words
from services.http.administering import office
from services.http.calls import Administering, Reading
from services.identity.models import Grant, Person, Post
from services.identity.people import get_person
from services.identity.units import get_unit

router = APIRouter(tags=["people"])


class Appointment(Shown):
    """What a person is in a unit, from–to, both days included; it gives no role."""

    id: int
    unit_id: int
    title: str
    head: bool
    held_from: date
    held_to: date | None


class Colleague(Shown):
    """A person. `login` is shown to administrators only."""

    id: int
    name: str
    active: bool
    login: str | None = None
    posts: list[Appointment]


class GrantedRole(Shown):
    """A role on a unit and all below it, from–to, both days included."""

    id: int
    person_id: int
    role: str
    unit_id: int
    valid_from: date
    valid_to: date | None
    granted_by: int | None
    reason: str


class NewPerson(Sent):
    name: Name
    login: Name | None = None


class FirstPassword(Sent):
    new: Secret


class NewPost(Sent):
    unit_id: Id
    title: Name
    held_from: Day
    held_to: Day | None = None
    head: bool = False


class LastDay(Sent):
    on: Day


class NewGrant(Sent):
    role: Name
    unit_id: Id
    valid_from: Day
    valid_to: Day | None = None
    reason: Reason


@router.get("/people")
def list_people(
    call: Reading,
    q: Annotated[Words | None, Query(description="part of the name")] = None,
    unit: Annotated[Id | None, Query(description="who holds a post there today")] = None,
    cursor: Annotated[Id | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 100,
) -> Listed[Colleague]:
    """List people in the order they were added."""
    query = select(Person).order_by(Person.id).limit(limit + 1)
    if q:
        query = query.where(Person.name.contains(q, autoescape=True))
    if cursor is not None:
        query = query.where(Person.id > cursor)
    if unit is not None:
        query = query.where(Person.id.in_(_posted_at(unit, local_date(call.now))))
    with call.read() as session:
        rows = list(session.scalars(query))
        shown = _with_posts(session, rows[:limit], is_admin(call.actor))
    return Listed(items=shown, next=str(rows[limit - 1].id) if len(rows) > limit else None)


@router.get("/people/{person_id}")
def show_person(person_id: Id, call: Reading) -> Colleague:
    """Show one person with all posts, past ones too."""
    with call.read() as session:
        (shown,) = _with_posts(session, [get_person(session, person_id)], is_admin(call.actor))
    return shown


@router.post("/people", status_code=201)
def add_person(body: NewPerson, call: Administering) -> Colleague:
    """Add a person, who has no role and no password yet (administrators)."""
    with office(call) as at:
        return _shown(at.session, people.add(at, body.name, body.login))


@router.put("/people/{person_id}/password")
def set_password_of(person_id: Id, body: FirstPassword, call: Administering) -> Done:
    """Give somebody a password, which he has to change first thing; his sessions end.

    For administrators of everything he holds.
    """
    with office(call) as at:
        people.give_password(at, person_id, body.new)
    return Done(at=call.now)


@router.post("/people/{person_id}/deactivation")
def shut_out(person_id: Id, call: Administering) -> Colleague:
    """Shut somebody out at once; what he did stays his (administrators of everything he holds)."""
    with office(call) as at:
        return _shown(at.session, people.deactivate(at, person_id))


@router.post("/people/{person_id}/reactivation")
def let_in_again(person_id: Id, call: Administering) -> Colleague:
    """Let somebody in again, who then needs a new password (administrators of everything he holds)."""
    with office(call) as at:
        return _shown(at.session, people.reactivate(at, person_id))


@router.post("/people/{person_id}/posts", status_code=201)
def appoint(person_id: Id, body: NewPost, call: Administering) -> Appointment:
    """Record a post (administrators of its unit)."""
    with office(call) as at:
        post = people.appoint(at, person_id, body.unit_id, body.title, body.held_from, body.held_to, body.head)
        return Appointment.model_validate(post)


@router.put("/posts/{post_id}/end")
def end_appointment(post_id: Id, body: LastDay, call: Administering) -> Appointment:
    """Record the last day of a post (administrators of its unit)."""
    with office(call) as at:
        return Appointment.model_validate(people.end_post(at, post_id, body.on))


@router.get("/people/{person_id}/roles")
def list_roles(person_id: Id, call: Reading) -> list[GrantedRole]:
    """List somebody's roles, past ones too (himself, and administrators of the units)."""
    with call.read() as session:
        get_person(session, person_id)
        rows = session.scalars(select(Grant).where(Grant.person_id == person_id).order_by(Grant.id)).all()
        if person_id != call.person_id:
            for row in rows or ():
                refuse_unless_admin_at(call.actor, get_unit(session, row.unit_id).path)
            refuse_unless_admin(call.actor)
        return [GrantedRole.model_validate(row) for row in rows]


@router.post("/people/{person_id}/roles", status_code=201)
def give_role(person_id: Id, body: NewGrant, call: Administering) -> GrantedRole:
    """Give somebody a role of the policy pack on a unit and all below it (administrators of that unit)."""
    with office(call) as at:
        given = people.grant(at, person_id, body.role, body.unit_id, body.valid_from, body.reason, body.valid_to)
        return GrantedRole.model_validate(given)


@router.delete("/roles/{grant_id}")
def take_role(grant_id: Id, call: Administering) -> GrantedRole:
    """Take a role back as of today (administrators of its unit)."""
    with office(call) as at:
        return GrantedRole.model_validate(people.revoke(at, grant_id))


def _shown(session: Session, person: Person) -> Colleague:
    (shown,) = _with_posts(session, [person], True)
    return shown


def _posted_at(unit_id: int, on: date) -> Any:
    held = Post.held_from <= on, Post.held_to.is_(None) | (Post.held_to >= on)
    return select(Post.person_id).where(Post.unit_id == unit_id, *held)


def _with_posts(session: Session, found: list[Person], for_admin: bool) -> list[Colleague]:
    posts: dict[int, list[Appointment]] = {}
    wanted = select(Post).where(Post.person_id.in_([person.id for person in found])).order_by(Post.id)
    for post in session.scalars(wanted):
        posts.setdefault(post.person_id, []).append(Appointment.model_validate(post))
    return [
        Colleague(
            id=person.id,
            name=person.name,
            active=person.active,
            login=person.login if for_admin else None,
            posts=posts.get(person.id, []),
        )
        for person in found
    ]
