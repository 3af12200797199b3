"""Whose turn it is: the nearest unit where somebody may act, and the county office where there is none."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from functools import partial

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from services.db.together import read_rows
from services.identity.editions import edition_of, known
from services.identity.models import Person, Unit
from services.identity.people import Line, line_of_holders
from services.identity.units import ancestors, unit_at

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


def find_turn(session: Session, role: str, unit_path: str, on: date, excluding: Collection[int]) -> Turn:
    """Route a role upwards past everyone excluded; end at the county office, even if nobody holds that either."""
    return route(holding_at(session, edition_of(session), unit_path, on), role, unit_path, excluding)


def holding_at(session: Session, edition: str | None, unit_path: str, on: date) -> Holding:
    """Return what says who holds a role at this path, asking for each role once."""
    lines: dict[str, Line] = {}

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


def place_of(session: Session, edition: str | None, unit_id: int, on: date) -> Place:
    path = unit_at(session, edition, unit_id)["path"]
    return Place(path, holding_at(session, edition, path, on))


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
    return str(unit_at(session, edition_of(session), unit_id)["path"])


# Built once: every move of a matter asks these.
_P = Person.__table__.c
_WORKS = select(_P.id).where(_P.id == bindparam("person"), _P.active)
