"""What administrators see: the tree with its people, who holds which post and role where, and who lent what to whom."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from services.administration.rights import administered_units, refuse_unless_admin
from services.identity.access import Actor
from services.identity.models import Delegation, Grant, Person, Post, Unit
from services.identity.units import ancestors


class When(StrEnum):
    """Where a day lies in relation to a range."""

    NOW = "now"
    COMING = "coming"
    PAST = "past"


@dataclass(frozen=True, slots=True)
class Node:
    """A unit of the tree, in the order in which a tree is read. `people` work there, `below` there and below it."""

    id: int
    parent_id: int | None
    name: str
    code: str
    kind: str
    depth: int
    path: str
    abolished_on: date | None
    children: bool
    people: int
    below: int


@dataclass(frozen=True, slots=True)
class Held:
    """A post: whose and where, from–to."""

    id: int
    person_id: int
    person: str
    login: str | None
    active: bool
    unit_id: int
    unit: str
    title: str
    head: bool
    first: date
    last: date | None
    when: When


@dataclass(frozen=True, slots=True)
class Given:
    """A role granted: whose, and on which unit; `reach` counts the living units it is good for, that one included."""

    id: int
    person_id: int
    person: str
    active: bool
    role: str
    unit_id: int
    unit: str
    reach: int
    first: date
    last: date | None
    reason: str
    by: str
    when: When


@dataclass(frozen=True, slots=True)
class Lent:
    """A delegation; `when` is past as soon as it was revoked."""

    id: int
    from_id: int
    lender: str
    to_id: int
    borrower: str
    first: date
    last: date
    reason: str
    by: str
    revoked_at: datetime | None
    when: When


def tree(session: Session, actor: Actor, on: date, *, abolished: bool = False) -> list[Node]:
    """Return what the actor administers as a tree read from the top; raise NotPermitted for anyone else."""
    units = {unit.id: unit for unit in administered_units(session, actor) if abolished or _living(unit, on)}
    own = _counts(session, on)
    below: dict[int, set[int]] = {key: set() for key in units}
    for unit_id, people in own.items():
        for above in ancestors(units[unit_id].path) if unit_id in units else ():
            if above in below:
                below[above] |= people
    parents = {unit.parent_id for unit in units.values()}
    top = min((unit.path.count("/") for unit in units.values()), default=0)
    return [
        Node(
            unit.id, unit.parent_id, unit.name, unit.code, unit.kind, unit.path.count("/") - top, unit.path,
            unit.abolished_on, unit.id in parents, len(own.get(unit.id, ())), len(below[unit.id]),
        )
        for unit in sorted(units.values(), key=_as_read(units))
    ]  # fmt: skip


def posts(session: Session, on: date, *conditions: ColumnElement[bool]) -> list[Held]:
    """Return posts, past and coming ones too: heads first, then by name."""
    found = (
        select(Post, Person, Unit.name)
        .join(Person, Person.id == Post.person_id)
        .join(Unit, Unit.id == Post.unit_id)
        .where(*conditions)
        .order_by(Post.head.desc(), Post.held_from, Post.id)
    )
    return [
        Held(
            post.id, person.id, person.name, person.login, person.active, post.unit_id, unit, post.title, post.head,
            post.held_from, post.held_to, _when(post.held_from, post.held_to, on),
        )
        for post, person, unit in session.execute(found)
    ]  # fmt: skip


def grants(session: Session, on: date, *conditions: ColumnElement[bool]) -> list[Given]:
    """Return roles granted, past and coming ones too, by role and person."""
    return _given(session, on, _GRANTS.where(*conditions).order_by(Grant.role, Person.id, Grant.id))


def holders(
    session: Session,
    actor: Actor,
    on: date,
    *,
    role: str | None = None,
    unit_id: int | None = None,
    fits: Callable[[str], bool] | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Given]:
    """Return up to `limit` roles in force on a day within what the actor administers, the latest granted first.

    `unit_id`: those that are good for this unit, granted there or above. `fits` judges the person's name.
    """
    inside = [unit.id for unit in administered_units(session, actor)]
    wanted = [Grant.unit_id.in_(inside), in_force(on), Person.active]
    if role is not None:
        wanted.append(Grant.role == role)
    if unit_id is not None:
        path = session.scalar(select(Unit.path).where(Unit.id == unit_id)) or "/"
        wanted.append(Grant.unit_id.in_(ancestors(path)))
    if fits is not None:
        names = session.execute(select(Person.id, Person.name).where(Person.active))
        wanted.append(Grant.person_id.in_([row.id for row in names if fits(row.name)]))
    if before is not None:
        wanted.append(Grant.id < before)
    return _given(session, on, _GRANTS.where(*wanted).order_by(Grant.id.desc()).limit(limit))


def delegations(session: Session, actor: Actor, on: date, *, person_id: int | None = None) -> list[Lent]:
    """Return delegations by people who hold a post or a role in what the actor administers, the latest first."""
    inside = [unit.id for unit in administered_units(session, actor)]
    near = or_(Delegation.from_id.in_(_of_units(inside)), Delegation.to_id.in_(_of_units(inside)))
    lender, borrower, maker = aliased(Person), aliased(Person), aliased(Person)
    found = (
        select(Delegation, lender.name, borrower.name, maker.name)
        .join(lender, lender.id == Delegation.from_id)
        .join(borrower, borrower.id == Delegation.to_id)
        .outerjoin(maker, maker.id == Delegation.created_by)
        .where(near)
        .order_by(Delegation.id.desc())
    )
    if person_id is not None:
        found = found.where(or_(Delegation.from_id == person_id, Delegation.to_id == person_id))
    return [
        Lent(
            lent.id, lent.from_id, of, lent.to_id, to, lent.starts_on, lent.ends_on, lent.reason, by or "",
            lent.revoked_at, When.PAST if lent.revoked_at else _when(lent.starts_on, lent.ends_on, on),
        )
        for lent, of, to, by in session.execute(found)
    ]  # fmt: skip


def find_people(session: Session, actor: Actor, fits: Callable[[Person], bool], limit: int) -> list[Person]:
    """Return people that fit: of what the actor administers, and those who have no post or role anywhere yet."""
    refuse_unless_admin(actor)
    inside = [unit.id for unit in administered_units(session, actor)]
    placed = select(Post.person_id).union(select(Grant.person_id))
    known = or_(Person.id.in_(_of_units(inside)), Person.id.not_in(placed))
    found = (person for person in session.scalars(select(Person).where(known).order_by(Person.id)) if fits(person))
    return [person for person, _ in zip(found, range(limit), strict=False)]


def unplaced(session: Session, actor: Actor) -> list[Person]:
    """Return active people without any post or role: added, and not yet put anywhere."""
    refuse_unless_admin(actor)
    placed = select(Post.person_id).union(select(Grant.person_id))
    return list(session.scalars(select(Person).where(Person.active, Person.id.not_in(placed)).order_by(Person.id)))


def in_force(on: date) -> ColumnElement[bool]:
    """Return the condition on `Grant` that it counts on this day."""
    return and_(Grant.valid_from <= on, or_(Grant.valid_to.is_(None), Grant.valid_to >= on))


_BY = aliased(Person)
_ALSO = aliased(Unit)
_REACH = (
    select(func.count()).where(_ALSO.path.startswith(Unit.path), _ALSO.abolished_on.is_(None)).correlate(Unit)
).scalar_subquery()
_GRANTS = (
    select(Grant, Person, Unit.name.label("unit"), _REACH.label("reach"), _BY.name.label("by"))
    .join(Person, Person.id == Grant.person_id)
    .join(Unit, Unit.id == Grant.unit_id)
    .outerjoin(_BY, _BY.id == Grant.granted_by)
)


def _given(session: Session, on: date, query: Select[tuple[Grant, Person, str, int, str]]) -> list[Given]:
    return [
        Given(
            grant.id, person.id, person.name, person.active, grant.role, grant.unit_id, unit, reach, grant.valid_from,
            grant.valid_to, grant.reason, by or "", _when(grant.valid_from, grant.valid_to, on),
        )
        for grant, person, unit, reach, by in session.execute(query)
    ]  # fmt: skip


def _of_units(ids: Collection[int]) -> Select[tuple[int]]:
    posted = select(Post.person_id).where(Post.unit_id.in_(ids))
    return select(Person.id).where(
        or_(Person.id.in_(posted), Person.id.in_(select(Grant.person_id).where(Grant.unit_id.in_(ids))))
    )


def _counts(session: Session, on: date) -> dict[int, set[int]]:
    """Who holds a post at each unit on that day."""
    held = select(Post.unit_id, Post.person_id).join(Person, Person.id == Post.person_id)
    found: dict[int, set[int]] = {}
    current = held.where(Person.active, Post.held_from <= on, or_(Post.held_to.is_(None), Post.held_to >= on))
    for unit_id, person_id in session.execute(current):
        found.setdefault(unit_id, set()).add(person_id)
    return found


def _as_read(units: dict[int, Unit]) -> Callable[[Unit], list[tuple[str, int]]]:
    """The order of a tree from the top: the children of a unit right after it, by code."""
    return lambda unit: [(units[key].code, key) for key in ancestors(unit.path) if key in units]


def _living(unit: Unit, on: date) -> bool:
    return unit.abolished_on is None or unit.abolished_on > on


def _when(first: date, last: date | None, on: date) -> When:
    if last is not None and (last < on or last < first):
        return When.PAST
    return When.COMING if first > on else When.NOW


def split(rows: Iterable[Held | Given]) -> tuple[list[Held | Given], list[Held | Given]]:
    """Part what counts or is to come from what is over."""
    listed = list(rows)
    return [r for r in listed if r.when is not When.PAST], [r for r in listed if r.when is When.PAST]
