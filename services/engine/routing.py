"""Whose turn it is: the nearest unit where somebody may act, and the county office where there is none."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from services.db.together import Query, Row, read_rows, read_together
from services.identity.editions import EDITION, known
from services.identity.models import Person, Unit
from services.identity.people import Line, holders_query, line_of, line_of_holders
from services.identity.units import ancestors

COUNTY_OFFICE = "county_office"


@dataclass(frozen=True, slots=True)
class Turn:
    """The role and unit a work item waits for, and who they are. `lost` says nobody held the role proper."""

    role: str
    unit_id: int
    people: tuple[int, ...]
    lost: bool = False


Holding = Callable[[str], Line]
"""Says who holds a role at a path and above it."""
_NOTHING: Mapping[str, Line] = {}


def find_turn(session: Session, role: str, unit_path: str, on: date, excluding: Collection[int]) -> Turn:
    """Route a role upwards past everyone excluded; end at the county office, even if nobody holds that either."""
    return route(holding_at(session, None, unit_path, on), role, unit_path, excluding)


def holding_at(
    session: Session, edition: str | None, unit_path: str, on: date, found: Mapping[str, Line] = _NOTHING
) -> Holding:
    """Return what says who holds a role at this path; it asks for each role once, for one that is `found` never."""
    lines = dict(found)

    def holding(role: str) -> Line:
        if role not in lines:
            ask = partial(line_of_holders, session, role, unit_path, on)
            lines[role] = known(edition, (holding_at, role, unit_path, on), ask)
        return lines[role]

    return holding


@dataclass(frozen=True, slots=True)
class Place:
    """A unit, and who holds what there and above."""

    path: str
    holding: Holding


def place_queries(unit_id: int, role: str | None, on: date) -> tuple[Query, ...]:
    """Return what to ask for `place_from`: the unit (id, path, kind, name, edition), and who holds the first role."""
    return (_place(unit_id), *(() if role is None else (holders_query(unit_id, role, on),)))


def place_from(session: Session, answers: Sequence[list[Row]], role: str | None, on: date) -> Place:
    (found,), *held = answers
    path = str(found["path"])
    lines = {str(role): line_of(rows, path) for rows in held}
    return Place(path, holding_at(session, found["edition"], path, on, lines))


def place_of(session: Session, edition: str | None, unit_id: int, role: str | None, on: date) -> Place:
    """Return the place that a unit is under this edition of the directory."""

    def ask() -> tuple[str, Mapping[str, Line]]:
        (found,), *held = read_together(session, *place_queries(unit_id, role, on))
        path = str(found["path"])
        return path, {str(role): line_of(rows, path) for rows in held}

    path, found = known(edition, (place_of, unit_id, role, on), ask)
    return Place(path, holding_at(session, edition, path, on, found))


def route(holding: Holding, role: str, unit_path: str, excluding: Collection[int]) -> Turn:
    """The same for whoever asks about a path more than once."""
    for wanted, lost in ((role, False), (COUNTY_OFFICE, True)):
        for unit_id, people in holding(wanted):
            if left := people.difference(excluding):
                return Turn(wanted, unit_id, tuple(sorted(left)), lost)
    return Turn(COUNTY_OFFICE, ancestors(unit_path)[0], (), True)


def works_here(session: Session, person_id: int) -> bool:
    return bool(read_rows(session, _WORKS, {"person": person_id}))


def above(session: Session, unit_id: int, kind: str) -> int:
    """Return the nearest unit of this kind at or above a unit; the unit itself where there is none."""
    wanted = select(Unit.id).where(Unit.id.in_(ancestors(path_of(session, unit_id))), Unit.kind == kind)
    return session.scalar(wanted.order_by(Unit.path.desc()).limit(1)) or unit_id


def path_of(session: Session, unit_id: int) -> str:
    (row,) = read_rows(session, *_place(unit_id))
    return str(row["path"])


def _place(unit_id: int) -> Query:
    return _PATH, {"unit": unit_id}


# Built once: every move of a matter asks these.
_U, _P = Unit.__table__.c, Person.__table__.c
_PATH = select(_U.id, _U.path, _U.kind, _U.name, EDITION).where(_U.id == bindparam("unit"))
_WORKS = select(_P.id).where(_P.id == bindparam("person"), _P.active)
