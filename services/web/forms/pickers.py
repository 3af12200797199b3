"""People, units and matters to pick from: found by characters, number or pinyin initials; named again by their ids.

People and units come as they stand in the organisation tree, those of the caller's own units before all others.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.engine.models import Attachment, Matter
from services.engine.queries import MatterFilters, list_matters
from services.engine.visibility import visible
from services.identity.models import Person, Post, Unit
from services.identity.names import people_by_id, units_by_id
from services.identity.units import ancestors, is_root
from services.web.calls import Call
from services.web.pinyin import matches

SHOWN, MATTERS_SHOWN = 200, 30


@dataclass(frozen=True, slots=True)
class Pick:
    """`text` names it, `note` tells namesakes apart, `group` is the place in the tree that it stands under."""

    value: int
    text: str
    note: str = ""
    group: str = ""


@dataclass(frozen=True)
class Names:
    """Names by id; `of` answers for an id that is none any more, too."""

    known: Mapping[str, Mapping[int, str]]

    def of(self, kind: str, found: int | str) -> str:
        return self.known.get(kind, {}).get(int(found), "（无权查看）") if str(found).isdecimal() else str(found)


def people(session: Session, call: Call, q: str) -> list[Pick]:
    """Return active staff whose name, post or unit fits what was typed, each once, under the unit of his first post."""
    tree = _tree(session, call)
    placed: dict[int, tuple[int, Pick]] = {}
    for row in session.execute(_PEOPLE):
        order, group = tree.get(row.unit_id, (len(tree), "未登记职务"))
        placed.setdefault(row.id, (order, Pick(row.id, row.name, row.post or "", group)))
    return _first(pick for _, pick in sorted(placed.values(), key=_standing) if _fits(q, pick))


def units(session: Session, call: Call, q: str) -> list[Pick]:
    """Return living units whose name fits, under the unit above them."""
    found = [(order, unit_id, *_parted(way)) for unit_id, (order, way) in _tree(session, call).items()]
    return _first(Pick(i, name, "", above) for _, i, name, above in sorted(found) if matches(q, name))


def matters(session: Session, call: Call, q: str) -> list[Pick]:
    """Return matters the caller may know of whose number or title holds what was typed."""
    filters = MatterFilters(q=q.strip() or None)
    page = list_matters(session, call.engine, call.actor, call.now, filters=filters, limit=MATTERS_SHOWN)
    return [Pick(row.id, f"{row.number} {row.title}", row.state_label) for row in page.rows]


def names_of(session: Session, call: Call, ids: Mapping[str, Collection[int]]) -> Names:
    """Return what these are called; a matter out of the caller's sight stays without a name."""
    known: dict[str, dict[int, str]] = {}
    known["person"] = people_by_id(session, ids.get("person", ()))
    known["unit"] = units_by_id(session, ids.get("unit", ()))
    if wanted := set(ids.get("matter", ())):
        seen = select(Matter.id, Matter.number, Matter.title).where(
            Matter.id.in_(wanted), visible(call.actor, call.engine.registry)
        )
        known["matter"] = {r.id: f"{r.number} {r.title}" for r in session.execute(seen)}
    if wanted := set(ids.get("attachment", ())):
        files = select(Attachment.id, Attachment.name).where(Attachment.id.in_(wanted))
        known["attachment"] = dict(session.execute(files).tuples().all())
    return Names(known)


BETWEEN = " › "


def _tree(session: Session, call: Call) -> dict[int, tuple[int, str]]:
    """Return each living unit's place and the way to it from below the root, by id: (7, "柳河乡 › 上河村")."""
    rows = [(r.id, r.name, ancestors(r.path)) for r in session.execute(_UNITS)]
    names = {unit_id: name for unit_id, name, _ in rows}
    own = {grant.unit_id for grant in call.actor.grants if grant.holder_id == call.actor.id and not is_root(grant.path)}
    rows.sort(key=lambda row: (own.isdisjoint(row[2]), row[2]))
    ways = ((unit_id, [names[i] for i in path[1:] if i in names] or [name]) for unit_id, name, path in rows)
    return {unit_id: (order, BETWEEN.join(way)) for order, (unit_id, way) in enumerate(ways)}


def _parted(way: str) -> tuple[str, str]:
    above, _, name = way.rpartition(BETWEEN)
    return name, above


def _standing(placed: tuple[int, Pick]) -> tuple[int, int]:
    order, pick = placed
    return order, pick.value


def _fits(q: str, pick: Pick) -> bool:
    return matches(q, pick.text, pick.note, pick.group)


def _first(found: Iterable[Pick]) -> list[Pick]:
    return list(islice(found, SHOWN))


_UNITS = select(Unit.id, Unit.name, Unit.path).where(Unit.abolished_on.is_(None))
_PEOPLE = (
    select(Person.id, Person.name, Post.title.label("post"), Post.unit_id)
    .outerjoin(Post, (Post.person_id == Person.id) & Post.held_to.is_(None))
    .where(Person.active)
    .order_by(Person.id, Post.head.desc(), Post.id)
)
