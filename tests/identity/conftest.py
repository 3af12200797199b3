"""A small county with a few people in it."""

from dataclasses import dataclass
from datetime import date, datetime
from types import SimpleNamespace

import pytest
from sqlalchemy.orm import Session

from services.db.session import Database
from services.identity.models import UnitKind
from services.identity.people import create_person, grant
from services.identity.units import create_unit

LONG_AGO = date(2010, 1, 1)


@dataclass(frozen=True)
class County:
    """Ids by short name: `units` town, north, south (villages of town), bureau; `people` a to e."""

    database: Database
    units: SimpleNamespace
    people: SimpleNamespace

    def grant(self, person: int, role: str, unit: int, first: date = LONG_AGO, last: date | None = None) -> int:
        with self.database.write() as session:
            return grant(session, person, role, unit, first, None, "test", last).id


@pytest.fixture
def county(database: Database, now: datetime) -> County:
    with database.write() as session:
        units = _units(session)
        people = {letter: create_person(session, letter.upper(), now, letter).id for letter in "abcde"}
    return County(database, units, SimpleNamespace(**people))


def _units(session: Session) -> SimpleNamespace:
    root = create_unit(session, "C", "通城县", UnitKind.COUNTY).id
    town = create_unit(session, "T1", "柳河乡", UnitKind.TOWNSHIP, root).id
    bureau = create_unit(session, "D1", "县教育局", UnitKind.DEPARTMENT, root).id
    north = create_unit(session, "T1-1", "上河村", UnitKind.GRASSROOTS, town).id
    south = create_unit(session, "T1-2", "下河村", UnitKind.GRASSROOTS, town).id
    return SimpleNamespace(root=root, town=town, bureau=bureau, north=north, south=south)
