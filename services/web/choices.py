"""What the selects of filters and dialogs offer."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.db.together import read_rows
from services.engine.queries import WorkRow
from services.engine.registry import Registry
from services.engine.routing import find_turn, path_of
from services.identity.editions import edition_of, known
from services.identity.models import Person, Post, Unit
from services.identity.units import ancestors
from services.web.calls import Call
from services.web.pinyin import initials


@dataclass(frozen=True, slots=True)
class Choice:
    """`search` holds what else finds it; `depth` says how far below the first of a tree it stands."""

    value: str
    label: str
    search: str = ""
    depth: int = 0


def procedures(call: Call) -> tuple[Choice, ...]:
    """Every procedure, in the order of their keys."""
    return _procedures(call.engine.registry)


def states(call: Call) -> tuple[tuple[str, tuple[Choice, ...]], ...]:
    """The states of each procedure, under its title."""
    return _states(call.engine.registry)


def units(session: Session, call: Call) -> tuple[Choice, ...]:
    """The units where the caller holds any role, and all below them, as a tree."""
    tops = frozenset(grant.path for grant in call.actor.grants)
    return known(edition_of(session), (units, tops), partial(_below, session, tops))


_UNITS = select(Unit.id, Unit.name, Unit.path)


@lru_cache(maxsize=4)
def _procedures(registry: Registry) -> tuple[Choice, ...]:
    return tuple(Choice(key, found.title) for key, found in sorted(registry.procedures.items()))


@lru_cache(maxsize=4)
def _states(registry: Registry) -> tuple[tuple[str, tuple[Choice, ...]], ...]:
    return tuple(
        (found.title, tuple(Choice(str(state), found.label(str(state))) for state in found.states))
        for _, found in sorted(registry.procedures.items())
    )


def _below(session: Session, tops: frozenset[str]) -> tuple[Choice, ...]:
    rows = [row for row in read_rows(session, _UNITS, {}) if any(row["path"].startswith(path) for path in tops)]
    top = min((row["path"].count("/") for row in rows), default=0)
    rows.sort(key=lambda row: ancestors(row["path"]))
    return tuple(
        Choice(str(row["id"]), row["name"], initials(row["name"]), row["path"].count("/") - top) for row in rows
    )


def unit_name(session: Session, unit_id: int) -> str:
    """What a unit of an address is called."""
    return session.scalar(select(Unit.name).where(Unit.id == unit_id)) or "未知单位"


def receivers(session: Session, call: Call, rows: Collection[WorkRow]) -> list[Choice]:
    """The people to whom all these items can be handed on: holders of their roles where they wait."""
    fit: set[int] | None = None
    for role, unit_id in {(row.role, row.unit_id) for row in rows}:
        turn = find_turn(session, role, path_of(session, unit_id), local_date(call.now), ())
        fit = set(turn.people) if fit is None else fit & set(turn.people)
    return list(_people(session, (fit or set()) - {call.person_id}))


def _people(session: Session, ids: Collection[int]) -> Iterable[Choice]:
    posts = (
        select(Post.title)
        .where(Post.person_id == Person.id, Post.held_to.is_(None))
        .order_by(Post.head.desc(), Post.id.desc())
        .limit(1)
        .correlate(Person)
        .scalar_subquery()
    )
    for person in session.execute(select(Person.id, Person.name, posts.label("post")).where(Person.id.in_(ids))):
        label = f"{person.name}（{person.post}）" if person.post else person.name
        yield Choice(str(person.id), label, initials(person.name))
