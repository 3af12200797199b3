"""Who acts, and with which roles where. Deny by default."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import CTE, BindParameter, Subquery, and_, bindparam, or_, select, true, union
from sqlalchemy.orm import Session

from services.db.together import Row, read_rows
from services.identity.errors import NotFound
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

    `temporary`: he came with a password that somebody else gave him, and has to set his own first.
    """

    id: int | None
    name: str
    grants: tuple[ActorGrant, ...] = ()
    scopes: frozenset[str] | None = None
    temporary: bool = False

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


def load_actor(session: Session, person_id: int, on: date, scopes: frozenset[str] | None = None) -> Actor:
    """The person with his roles on that day: his own, and those of active people who delegated to him.

    An inactive person has no roles; an unknown one raises `NotFound`.
    """
    rows = read_rows(session, _SOMEBODY, {"person_id": person_id, "on": on})
    if not rows:
        raise NotFound(f"there is no person {person_id}", "没有这个人员。")
    return Actor(person_id, rows[0]["name"], held_in(rows) if rows[0]["active"] else (), scopes)


def held_in(rows: Iterable[Row]) -> tuple[ActorGrant, ...]:
    """Read the roles out of a query that joined `held_by`, its `person_id` as `holder_id`: one a line, or none."""
    return tuple(
        ActorGrant(row["role"], row["unit_id"], row["path"], row["holder_id"])
        for row in rows
        if row["role"] is not None
    )


def held_by(asker: CTE) -> Subquery:
    """The roles that count on the day bound as `on` for whoever has the `id` of `asker`, with the grants' ids."""
    lent = select(Delegation.from_id).join(asker, asker.c.id == Delegation.to_id).where(
        Delegation.starts_on <= _ON, Delegation.ends_on >= _ON, Delegation.revoked_at.is_(None)
    )  # fmt: skip
    holder = union(select(asker.c.id), lent).subquery("holder")  # each way an index of its own
    return (
        select(Grant.id, Grant.role, Grant.unit_id, Unit.path, Grant.person_id)
        .select_from(holder)
        .join(Person, and_(Person.id == holder.c.id, Person.active))
        .join(Grant, Grant.person_id == Person.id)
        .join(Unit, Unit.id == Grant.unit_id)
        .where(Grant.valid_from <= _ON, or_(Grant.valid_to.is_(None), Grant.valid_to >= _ON))
        .subquery("held")
    )


# Built once: every request asks this, and putting it together costs more than running it.
_ON: BindParameter[date] = bindparam("on", type_=Grant.valid_from.type)
_PERSON = select(Person.id, Person.name, Person.active).where(Person.id == bindparam("person_id")).cte("asker")
_HELD = held_by(_PERSON)
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
