"""Whose turn it is: the nearest unit where somebody may act, and the county office where there is none."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from services.identity.models import Grant, Person, Unit
from services.identity.people import holders
from services.identity.units import ancestors

COUNTY_OFFICE = "county_office"


@dataclass(frozen=True, slots=True)
class Turn:
    """The role and unit a work item waits for, and who they are. `lost` says nobody held the role proper."""

    role: str
    unit_id: int
    people: tuple[int, ...]
    lost: bool = False


def find_turn(session: Session, role: str, unit_path: str, on: date, excluding: Collection[int]) -> Turn:
    """Route a role upwards past everyone excluded; end at the county office, even if nobody holds that either."""
    for wanted, lost in ((role, False), (COUNTY_OFFICE, True)):
        if found := holders(session, wanted, unit_path, on, excluding):
            return Turn(wanted, found[0], tuple(found[1]), lost)
    return Turn(COUNTY_OFFICE, ancestors(unit_path)[0], (), True)


def may_still_act(session: Session, person_id: int, role: str | None, unit_path: str, on: date) -> bool:
    """Say whether this person works here and, with a role given, holds it in his own right at or above the unit."""
    held = exists().where(
        Grant.person_id == Person.id,
        Grant.role == role,
        Grant.unit_id.in_(ancestors(unit_path)),
        Grant.valid_from <= on,
        or_(Grant.valid_to.is_(None), Grant.valid_to >= on),
    )
    wanted = select(Person.id).where(Person.id == person_id, Person.active)
    return session.scalar(wanted if role is None else wanted.where(held)) is not None


def above(session: Session, unit_id: int, kind: str) -> int:
    """Return the nearest unit of this kind at or above a unit; the unit itself where there is none."""
    wanted = select(Unit.id).where(Unit.id.in_(ancestors(path_of(session, unit_id))), Unit.kind == kind)
    return session.scalar(wanted.order_by(Unit.path.desc()).limit(1)) or unit_id


def path_of(session: Session, unit_id: int) -> str:
    return session.execute(select(Unit.path).where(Unit.id == unit_id)).scalar_one()
