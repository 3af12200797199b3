"""The county of the benchmarks: twenty townships with their staff, one busy person, petitions as prototypes."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.orm import Session

from config.calendar import local_date
from services.db.session import Database
from services.engine.core import Engine
from services.engine.opening import open_matter
from services.engine.perform import perform
from services.identity.access import Actor, load_actor
from services.identity.models import UnitKind
from services.identity.people import create_person, grant
from services.identity.units import create_unit
from tests.support.cast import PETITION

TOWNSHIPS = 20
WALKED = datetime(2016, 3, 1, 2, tzinfo=UTC)
NOW = datetime(2016, 6, 1, 2, tzinfo=UTC)
"""A Wednesday morning in Shanghai, 2016-06-01 10:00: all work is done at this moment."""

STAFF = {"clerk": "petition_clerk", "leader": "unit_leader", "handler": "handler", "handler2": "handler"}
WALKS = {
    "registered": (), "triage": ("accept",), "approval": ("accept", "propose"),
    "handling": ("accept", "propose", "approve"),
}  # fmt: skip


@dataclass
class County:
    """Ids of units and people; `townships[n]` has the staff `("clerk", n)`, `("leader", n)`, …"""

    root: int = 0
    townships: list[int] = field(default_factory=list)
    people: dict[Any, int] = field(default_factory=dict)

    def actor(self, session: Session, who: Any) -> Actor:
        return load_actor(session, self.people[who], local_date(NOW))

    def staff(self, role: str) -> dict[int, tuple[str, int]]:
        """Return whoever of the staff is this in each township, by the township's id."""
        return {unit: (role, n) for n, unit in enumerate(self.townships)}


def found_county(session: Session) -> County:
    """Make units and people; the busy one holds three roles at five townships."""
    county, since = County(), date(2010, 1, 1)
    county.root = create_unit(session, "county", "清河县", UnitKind.COUNTY, None).id

    def appoint(key: Any, name: str, role: str, *units: int, login: str | None = None) -> None:
        if key not in county.people:
            county.people[key] = create_person(session, name, WALKED, login=login).id
        for unit in units:
            grant(session, county.people[key], role, unit, since, None, "基准")

    for n in range(TOWNSHIPS):
        unit = create_unit(session, f"t{n}", f"第{n}乡", UnitKind.TOWNSHIP, county.root).id
        county.townships.append(unit)
        for who, role in STAFF.items():
            appoint((who, n), f"{who}{n}", role, unit, login=f"{who}{n}")
    for key, role in (("office", "county_office"), ("office2", "county_office"), ("supervisor", "supervisor")):
        appoint(key, key, role, county.root, login=key)
    for role in ("petition_clerk", "unit_leader", "handler"):
        appoint("busy", "busy", role, *county.townships[:5], login="busy")
    return county


def petition(on: date, **more: Any) -> dict[str, Any]:
    """Return the answers of an anonymous letter; its text is sealed by nobody's name."""
    return PETITION | {"received_on": on.isoformat(), "anonymous": True, "complainant": None} | more


def proposal(handler_unit: int) -> dict[str, Any]:
    return {
        "disposition": "preliminary_verification", "petition_class": "general", "class_reason": "情况清楚",
        "handler_unit": handler_unit, "opinion": "拟转乡镇办理",
    }  # fmt: skip


def walk_prototypes(database: Database, engine: Engine, county: County) -> dict[tuple[str, int], int]:
    """Walk one petition into each state in each township, by the engine itself; return ids by (state, township)."""
    found = {}
    with database.write() as session:
        for n, unit in enumerate(county.townships):
            clerk, leader = county.actor(session, ("clerk", n)), county.actor(session, ("leader", n))
            onward = proposal(county.townships[(n + 1) % len(county.townships)])
            for state, steps in WALKS.items():
                matter = open_matter(
                    engine, session, "petition", petition(local_date(WALKED)), clerk, WALKED, unit_id=unit
                )
                for step in steps:
                    who, answers = (leader, {"note": "同意"}) if step == "approve" else (clerk, {})
                    answers = onward if step == "propose" else answers
                    perform(engine, session, matter.matter_id, step, who, answers, WALKED)
                found[state, n] = matter.matter_id
    return found
