"""Search over all matters a person may know of: by title, number and unit, and by the initials of their pinyin."""

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from services.engine.queries import MatterFilters, MatterRow, count_matters, list_matters
from services.ledgers.asking import says
from services.web.calls import Call

COUNTED_UP_TO = 1000
LIMIT = 50


@dataclass(frozen=True, slots=True)
class Hits:
    """One page of what was found. `count` reads "12" or "1000+"."""

    rows: list[MatterRow]
    next: str | None
    count: str


def search(session: Session, call: Call, filters: MatterFilters, cursor: str | None = None, limit: int = LIMIT) -> Hits:
    """Return a page of what the caller may know of and `filters` leave, the latest first; raise BadCursor."""
    others, only = replace(filters, q=None), [says(filters.q)] if filters.q else []
    asked = (session, call.engine, call.actor, call.now)
    page = list_matters(*asked, filters=others, only=only, cursor=cursor, limit=limit)
    number = count_matters(*asked, filters=others, only=only, at_most=COUNTED_UP_TO + 1)
    return Hits(page.rows, page.next, f"{COUNTED_UP_TO}+" if number > COUNTED_UP_TO else str(number))
