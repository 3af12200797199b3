"""People, units and matters to pick from: found by characters, number or pinyin initials; named again by their ids."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from services.engine.models import Attachment, Matter
from services.engine.queries import MatterFilters, list_matters
from services.engine.visibility import visible
from services.identity.models import Person, Post, Unit
from services.identity.names import people_by_id, units_by_id
from services.web.calls import Call
from services.web.pinyin import matches

SHOWN = 30


@dataclass(frozen=True, slots=True)
class Pick:
    """`text` names it, `note` tells namesakes apart."""

    value: int
    text: str
    note: str = ""


@dataclass(frozen=True)
class Names:
    """Names by id; `of` answers for an id that is none any more, too."""

    known: Mapping[str, Mapping[int, str]]

    def of(self, kind: str, found: int | str) -> str:
        return self.known.get(kind, {}).get(int(found), "（无权查看）") if str(found).isdecimal() else str(found)


def people(session: Session, q: str) -> list[Pick]:
    """Return active staff whose name, post or unit fits what was typed."""
    rows = session.execute(_PEOPLE)
    fitting = (Pick(r.id, r.name, " ".join(p for p in (r.unit, r.post) if p)) for r in rows)
    return _first(pick for pick in {p.value: p for p in fitting}.values() if matches(q, pick.text, pick.note))


def units(session: Session, q: str) -> list[Pick]:
    """Return living units whose name fits, each with the unit above it."""
    return _first(Pick(r.id, r.name, r.above or "") for r in session.execute(_UNITS) if matches(q, r.name))


def matters(session: Session, call: Call, q: str) -> list[Pick]:
    """Return matters the caller may know of whose number or title holds what was typed."""
    filters = MatterFilters(q=q.strip() or None)
    page = list_matters(session, call.engine, call.actor, call.now, filters=filters, limit=SHOWN)
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


def _first(found: Iterable[Pick]) -> list[Pick]:
    return list(islice(found, SHOWN))


_ABOVE = aliased(Unit)
_UNITS = (
    select(Unit.id, Unit.name, _ABOVE.name.label("above"))
    .outerjoin(_ABOVE, _ABOVE.id == Unit.parent_id)
    .where(Unit.abolished_on.is_(None))
    .order_by(Unit.path)
)
_PEOPLE = (
    select(Person.id, Person.name, Post.title.label("post"), Unit.name.label("unit"))
    .outerjoin(Post, (Post.person_id == Person.id) & Post.held_to.is_(None))
    .outerjoin(Unit, Unit.id == Post.unit_id)
    .where(Person.active)
    .order_by(Person.id, Post.head, Post.id)
)
