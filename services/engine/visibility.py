"""Which matters somebody may know of, as a condition for queries: lists, counts, search, links and exports alike."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, not_, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from services.db.together import read_rows
from services.engine.core import Engine
from services.engine.errors import MatterNotFound
from services.engine.models import Exclusion, Matter, WorkItem
from services.engine.registry import Registry
from services.identity.access import Actor
from services.identity.models import Unit
from services.identity.units import is_root


@lru_cache(maxsize=1024)
def visible(actor: Actor, registry: Registry) -> ColumnElement[bool]:
    """Return the condition on `Matter` under which the actor may know of it. Deny by default.

    A matter is seen through a viewing role of its procedure where it lies or came from, one's own or lent by somebody
    not excluded from it, and through a work item that is or was one's own in person; never by anyone it excludes.
    """
    if actor.system or actor.id is None:
        return true()
    own_item = select(WorkItem.id).where(WorkItem.matter_id == Matter.id, WorkItem.person_id == actor.id)
    ways: list[ColumnElement[bool]] = [own_item.correlate(Matter).exists()]
    for holder in sorted({grant.holder_id for grant in actor.grants}):
        if places := list(_places(holder, actor, registry)):
            lent = [] if holder == actor.id else [not_excluded(holder)]
            ways.append(and_(or_(*places), *lent))
    return and_(not_excluded(actor.id), or_(*ways))


def not_excluded(person_id: int, matter_id: InstrumentedAttribute[int] = Matter.id) -> ColumnElement[bool]:
    """Return the condition that the matter of this id does not keep this person away."""
    kept_away = select(Exclusion.id).where(Exclusion.matter_id == matter_id, Exclusion.person_id == person_id)
    return not_(kept_away.correlate_except(Exclusion).exists())


def in_subtree(unit_id: int) -> ColumnElement[bool]:
    """Return the condition on `Matter` that it lies at this unit or below it."""
    top = aliased(Unit)
    below = select(Unit.id).join(top, Unit.path.startswith(top.path)).where(top.id == unit_id)
    return Matter.unit_id.in_(below)


def find_visible(session: Session, engine: Engine, actor: Actor, matter_id: int) -> Mapping[str, Any]:
    """Return the columns of one matter; raise MatterNotFound where there is none or the actor may not know of it."""
    found = read_rows(session, _one(actor, engine.registry), {"matter_id": matter_id})
    if not found:
        raise MatterNotFound
    return found[0]


@lru_cache(maxsize=1024)
def _one(actor: Actor, registry: Registry) -> Select[Any]:
    """The statement for one matter, kept for each set of roles: every page and every call begins with it."""
    return select(*Matter.__table__.columns).where(Matter.id == bindparam("matter_id"), visible(actor, registry))


def _places(holder: int, actor: Actor, registry: Registry) -> Iterator[ColumnElement[bool]]:
    """Yield, for each set of unit subtrees, the procedures that the holder's roles let one see there."""
    seen: dict[tuple[str, ...], list[str]] = {}
    for key in sorted(registry.procedures):
        viewers = registry.versions(key)[-1].policy.viewers
        paths = _tops(g.path for g in actor.grants if g.holder_id == holder and g.role in viewers)
        if paths:
            seen.setdefault(paths, []).append(key)
    for paths, keys in seen.items():
        yield and_(Matter.procedure.in_(keys), _lies_in(paths))


def _tops(paths: Iterable[str]) -> tuple[str, ...]:
    """Leave out every path that lies below another of them."""
    tops: list[str] = []
    for path in sorted(set(paths)):
        if not any(path.startswith(top) for top in tops):
            tops.append(path)
    return tuple(tops)


def _lies_in(paths: tuple[str, ...]) -> ColumnElement[bool]:
    if any(is_root(path) for path in paths):
        return true()
    units = select(Unit.id).where(or_(*(Unit.path.startswith(path, autoescape=True) for path in paths)))
    return or_(Matter.unit_id.in_(units), Matter.origin_unit_id.in_(units))
