"""The open work items of somebody, as queries: his own and those of the roles he holds or stands in for."""

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, literal, or_, select, union_all

from services.engine.models import WorkItem
from services.engine.permission import stands_in_for
from services.engine.visibility import not_excluded
from services.identity.access import Actor

_OPEN = select(WorkItem.id, WorkItem.due_at).where(WorkItem.closed_at.is_(None))
"""Matters are not joined: their rows lie far apart, and most questions need nothing of them."""
_UNCLAIMED = _OPEN.where(WorkItem.person_id.is_(None))


def branches(actor: Actor, claimed: str | None) -> Iterator[Select[Any]]:
    """Yield one query per person and per role at a unit.

    Each of them walks its own index in order; a single one over all roles would read everything that waits.
    """
    yield from _in_person(actor, claimed)
    for (role, unit_id), whose in sorted(_places(actor, claimed).items()):
        yield _UNCLAIMED.where(WorkItem.role == role, WorkItem.unit_id == unit_id, *_still_in(actor, whose))


def sets(actor: Actor, claimed: str | None) -> Iterator[Select[Any]]:
    """Yield the same items in fewer queries, which walk no index in order: all roles at units that ask the same."""
    yield from _in_person(actor, claimed)
    alike: dict[frozenset[int], list[tuple[str, int]]] = {}
    for place, whose in sorted(_places(actor, claimed).items()):
        alike.setdefault(whose, []).append(place)
    for number, (whose, places) in enumerate(alike.items()):
        held = (select(literal(role).label("role"), literal(unit_id).label("unit_id")) for role, unit_id in places)
        at = union_all(*held).cte(f"places_{number}")  # not VALUES: SQLAlchemy would compile those each time
        here = and_(WorkItem.role == at.c.role, WorkItem.unit_id == at.c.unit_id)
        yield _UNCLAIMED.join(at, here).where(*_still_in(actor, whose))


def _in_person(actor: Actor, claimed: str | None) -> Iterator[Select[Any]]:
    if claimed != "unclaimed" and actor.id is not None:
        for person in sorted({actor.id} if claimed == "mine" else stands_in_for(actor)):
            yield _OPEN.where(WorkItem.person_id == person, *_still_in(actor, {person}))


def _places(actor: Actor, claimed: str | None) -> dict[tuple[str, int], frozenset[int]]:
    """Return by role and unit who holds it: the actor himself, else those who lent it to him."""
    held: dict[tuple[str, int], set[int]] = {}
    if claimed != "mine" and actor.id is not None:
        for grant in actor.grants:
            held.setdefault((grant.role, grant.unit_id), set()).add(grant.holder_id)
    return {place: frozenset({who for who in whose if who == actor.id} or whose) for place, whose in held.items()}


def _still_in(actor: Actor, whose: Collection[int]) -> list[ColumnElement[bool]]:
    """The actor must not be excluded, nor everyone whose role this is."""
    assert actor.id is not None
    away = [not_excluded(actor.id, WorkItem.matter_id)]
    if actor.id not in whose:
        away.append(or_(*(not_excluded(holder, WorkItem.matter_id) for holder in sorted(whose))))
    return away
