"""The county of a replay: a unit for each of the log's, a person for everybody it names, and the officers it lacks."""

from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from config.calendar import local_date
from services.identity.models import UnitKind
from services.identity.people import create_person, grant
from services.identity.units import create_unit
from services.replay.log import Log
from services.replay.profile import Officer, Profile

_REASON = "事件日志回放"


@dataclass(frozen=True, slots=True)
class House:
    """Ids: the county's, those of units and people by what the log calls them, and the two officers who act."""

    county: int
    units: dict[str, int]
    people: dict[str, int]
    registrar: int
    approver: int

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def build_house(session: Session, log: Log, profile: Profile, opened_at: datetime) -> House:
    """Make units, people and roles; nobody gets a role where the log does not show him at work."""
    since = local_date(opened_at)
    county = create_unit(session, "county", profile.county, UnitKind.COUNTY).id
    units = {
        said: create_unit(session, f"unit-{n}", name, UnitKind.DEPARTMENT, county).id
        for n, (said, name) in enumerate(profile.units.items(), 1)
    }

    def appoint(officer: Officer) -> int:
        return _appoint(session, officer.name, officer.roles, [county], since, opened_at)

    staff = profile.staff
    for officer in staff.others:
        appoint(officer)
    people = {
        name: _appoint(session, name, staff.handler_roles, [units[u] for u in sorted(at)], since, opened_at)
        for name, at in sorted(_at_work(log).items())
    }
    return House(county, units, people, appoint(staff.registrar), appoint(staff.approver))


def _at_work(log: Log) -> dict[str, set[str]]:
    """Return the units on whose cases each person acts or answers for."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for case in log.cases:
        found[case.facts.responsible].add(case.facts.unit)
        for event in case.events:
            found[event.resource].add(case.facts.unit)
    return found


def _appoint(session: Session, name: str, roles: tuple[str, ...], units: list[int], since: date, now: datetime) -> int:
    person = create_person(session, name, now)
    for unit in units:
        for role in roles:
            grant(session, person.id, role, unit, since, None, _REASON)
    return person.id
