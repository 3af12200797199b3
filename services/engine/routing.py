"""Whose turn it is: the nearest unit where somebody may act, and the county office where there is none."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.identity.models import Unit
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


def path_of(session: Session, unit_id: int) -> str:
    return session.execute(select(Unit.path).where(Unit.id == unit_id)).scalar_one()
