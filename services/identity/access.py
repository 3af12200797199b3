"""Who acts, and with which roles where. Deny by default."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial

from sqlalchemy import BindParameter, and_, bindparam, or_, select, true, union
from sqlalchemy.orm import Session

from services.db.together import Row, read_rows
from services.identity.editions import edition_of, known
from services.identity.errors import NotAuthenticated, NotFound
from services.identity.models import Delegation, Grant, Person, Unit
from services.identity.units import is_root

SYSTEM = "system"
"""The role of the clock and other machinery, held by no person."""


@dataclass(frozen=True, slots=True)
class ActorGrant:
    """A role on a unit's subtree. `holder_id` is whose role it is: the actor's, or his who delegated it."""

    role: str
    unit_id: int
    path: str
    holder_id: int


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody acting now. `id` is None for machinery; `scopes` is None where all his rights apply.

    `temporary`: he came with a password that somebody else gave him, and has to set his own first. His roles are those
    of the day `on`, under this edition of the directory; who moves a matter asks again where there is a newer one
    (`renewed`).
    """

    id: int | None
    name: str
    grants: tuple[ActorGrant, ...] = ()
    scopes: frozenset[str] | None = None
    temporary: bool = False
    # not a part of who he is: statements are kept for each actor, and serve as long as he holds the same
    on: date | None = field(default=None, compare=False)
    edition: str | None = field(default=None, compare=False)

    @property
    def system(self) -> bool:
        """Whether this is machinery and no person."""
        return self.id is None

    def allows(self, scope: str) -> bool:
        """Whether the credential used covers `scope`; a log-in session covers all."""
        return self.scopes is None or scope in self.scopes

    def roles_at(self, unit_path: str, excluded: Collection[int] = ()) -> frozenset[str]:
        """The roles that count at the unit with this path.

        An excluded actor has none at all, and what is held for an excluded person does not count.
        """
        if self.system:
            return frozenset({SYSTEM})
        if self.id in excluded:
            return frozenset()
        return frozenset(
            grant.role for grant in self.grants if unit_path.startswith(grant.path) and grant.holder_id not in excluded
        )


CLOCK = Actor(None, "clock")


@dataclass(frozen=True, slots=True)
class Somebody:
    """What the directory says of a person on a day: the roles that count are none where he is inactive."""

    name: str
    active: bool
    grants: tuple[ActorGrant, ...]


def load_actor(session: Session, person_id: int, on: date, scopes: frozenset[str] | None = None) -> Actor:
    """The person with his roles on that day: his own, and those of active people who delegated to him.

    An inactive person has no roles; an unknown one raises `NotFound`.
    """
    edition = edition_of(session)
    one = somebody(edition, person_id, on, partial(read_rows, session))
    return Actor(person_id, one.name, one.grants, scopes, on=on, edition=edition)


def renewed(session: Session, actor: Actor, edition: str | None) -> Actor:
    """Return the actor with what he holds under the edition in force, however long ago it was that he came.

    Raises `NotAuthenticated` where he is inactive by now: a seat or an assignment by name would count without a role.
    """
    if actor.id is None or actor.on is None or (edition is not None and actor.edition == edition):
        return actor
    one = somebody(edition, actor.id, actor.on, partial(read_rows, session))
    if not one.active:
        raise NotAuthenticated
    return replace(actor, name=one.name, grants=one.grants, edition=edition)


def somebody(edition: str | None, person_id: int, on: date, ask: Callable[..., list[Row]]) -> Somebody:
    """Say who it is; `ask` takes a query and its values. Raises `NotFound`."""
    return known(edition, (somebody, person_id, on), partial(_ask_about, person_id, on, ask))


def _ask_about(person_id: int, on: date, ask: Callable[..., list[Row]]) -> Somebody:
    rows = ask(_SOMEBODY, {"person_id": person_id, "on": on})
    if not rows:
        raise NotFound(f"there is no person {person_id}", "没有这个人员。")
    active = rows[0]["active"]
    return Somebody(rows[0]["name"], active, _held_in(rows) if active else ())


def _held_in(rows: Iterable[Row]) -> tuple[ActorGrant, ...]:
    """One a line, or none on the only one."""
    return tuple(
        ActorGrant(row["role"], row["unit_id"], row["path"], row["holder_id"])
        for row in rows
        if row["role"] is not None
    )


_ON: BindParameter[date] = bindparam("on", type_=Grant.valid_from.type)
_PERSON = select(Person.id, Person.name, Person.active).where(Person.id == bindparam("person_id")).cte("asker")
_LENT = select(Delegation.from_id).join(_PERSON, _PERSON.c.id == Delegation.to_id).where(
    Delegation.starts_on <= _ON, Delegation.ends_on >= _ON, Delegation.revoked_at.is_(None)
)  # fmt: skip
_HOLDER = union(select(_PERSON.c.id), _LENT).subquery("holder")  # each way an index of its own
_HELD = (
    select(Grant.id, Grant.role, Grant.unit_id, Unit.path, Grant.person_id)
    .select_from(_HOLDER)
    .join(Person, and_(Person.id == _HOLDER.c.id, Person.active))
    .join(Grant, Grant.person_id == Person.id)
    .join(Unit, Unit.id == Grant.unit_id)
    .where(Grant.valid_from <= _ON, or_(Grant.valid_to.is_(None), Grant.valid_to >= _ON))
    .subquery("held")
)
_SOMEBODY = (
    select(_PERSON.c.name, _PERSON.c.active)
    .add_columns(_HELD.c.role, _HELD.c.unit_id, _HELD.c.path, _HELD.c.person_id.label("holder_id"))
    .select_from(_PERSON.outerjoin(_HELD, true()))
    .order_by(_HELD.c.id)
)


def unit_ids_in_scope(session: Session, actor: Actor, roles: Collection[str] | None = None) -> set[int] | None:
    """The units where the actor holds any of `roles` (any role at all if None); None stands for all units."""
    if actor.system:
        return None
    paths = {grant.path for grant in actor.grants if roles is None or grant.role in roles}
    if any(is_root(path) for path in paths):
        return None
    if not paths:
        return set()
    below = or_(*(Unit.path.startswith(path, autoescape=True) for path in sorted(paths)))
    return set(session.scalars(select(Unit.id).where(below)))
