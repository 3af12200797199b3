"""Business numbers: 信访〔2026〕12号, without gaps per procedure, unit and year."""

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from services.db.rows import next_id
from services.db.together import Row, read_rows, read_together
from services.db.upsert import insert_missing
from services.engine.models import Matter, Series
from services.identity.models import UnitKind


def next_number(session: Session, template: str, procedure: str, unit: Row, year: int) -> tuple[str, int]:
    """Take the next number inside the opening's own transaction: one that rolls back gives its number back.

    The template may hold {unit} (empty for the county itself), {year} and {n}; `unit` is an id, a kind and a name.
    The id of the matter comes with it.
    """
    unit_id = unit["id"]
    key = {"of": procedure, "at": unit_id, "during": year}
    taken, (made,) = read_together(session, (_TAKE, key), next_id(session, Matter))
    if not taken:
        row = {"procedure": procedure, "unit_id": unit_id, "year": year, "last": 0}
        insert_missing(session, Series, [row], ["procedure", "unit_id", "year"])
        taken = read_rows(session, _TAKE, key)
    name = "" if unit["kind"] == UnitKind.COUNTY else unit["name"]
    return template.format(unit=name, year=year, n=taken[0]["last"]), int(made["id"])


_S = Series.__table__.c
_TAKE = (
    update(Series.__table__)  # type: ignore[arg-type]
    .where(_S.procedure == bindparam("of"), _S.unit_id == bindparam("at"), _S.year == bindparam("during"))
    .values(last=_S.last + 1)
    .returning(_S.last)
)
