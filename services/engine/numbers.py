"""Business numbers: 信访〔2026〕12号, without gaps per procedure, unit and year."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.db.upsert import insert_missing
from services.engine.models import Series
from services.identity.models import Unit, UnitKind


def next_number(session: Session, template: str, procedure: str, unit_id: int, year: int) -> str:
    """Take the next number inside the opening's own transaction: one that rolls back gives its number back.

    The template may hold {unit} (empty for the county itself), {year} and {n}.
    """
    where = Series.procedure == procedure, Series.unit_id == unit_id, Series.year == year
    take = update(Series).where(*where).values(last=Series.last + 1).returning(Series.last)
    taken = session.execute(take).scalar_one_or_none()
    if taken is None:
        row = {"procedure": procedure, "unit_id": unit_id, "year": year, "last": 0}
        insert_missing(session, Series, [row], ["procedure", "unit_id", "year"])
        taken = session.execute(take).scalar_one()
    kind, name = session.execute(select(Unit.kind, Unit.name).where(Unit.id == unit_id)).one()
    return template.format(unit="" if kind == UnitKind.COUNTY else name, year=year, n=taken)
