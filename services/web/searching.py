"""Search over all matters a person may know of: by title, number and unit, and by the initials of their pinyin.

Characters are looked for by the database. Pinyin is not in it: letters are compared in memory with the latest `READ`
matters, and the page says so when there are more.
"""

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from services.engine.queries import MatterFilters, MatterRow, Page, count_matters, list_matters, matter_names
from services.engine.queries.paging import id_cursor, read_id
from services.web.calls import Call
from services.web.pinyin import matches

READ = 5000
COUNTED_UP_TO = 1000
LIMIT = 50


@dataclass(frozen=True, slots=True)
class Hits:
    """One page of what was found. `count` reads "12" or "1000+"; `cut`: there are more than `READ` to look through."""

    rows: list[MatterRow]
    next: str | None
    count: str
    cut: bool = False


def search(session: Session, call: Call, filters: MatterFilters, cursor: str | None = None, limit: int = LIMIT) -> Hits:
    """Return a page of what the caller may know of and `filters` leave, the latest first; raise BadCursor."""
    if filters.q and filters.q.isascii():
        return _by_letters(session, call, filters, cursor, limit)
    page = list_matters(session, call.engine, call.actor, call.now, filters=filters, cursor=cursor, limit=limit)
    number = count_matters(session, call.engine, call.actor, call.now, filters=filters, at_most=COUNTED_UP_TO + 1)
    return Hits(page.rows, page.next, _told(number))


def _by_letters(session: Session, call: Call, filters: MatterFilters, cursor: str | None, limit: int) -> Hits:
    q, others = filters.q or "", replace(filters, q=None)
    read = matter_names(session, call.engine, call.actor, call.now, filters=others, at_most=READ + 1)
    found = [row.id for row in read[:READ] if matches(q, row.title, row.number, row.unit_name)]
    rest = found if cursor is None else [one for one in found if one < read_id(cursor)]
    page = _rows(session, call, rest[:limit])
    following = id_cursor(rest[limit - 1]) if len(rest) > limit else None
    return Hits(page.rows, following, _told(len(found)), cut=len(read) > READ)


def _rows(session: Session, call: Call, ids: list[int]) -> Page[MatterRow]:
    filters = MatterFilters(ids=tuple(ids))
    return list_matters(session, call.engine, call.actor, call.now, filters=filters, limit=max(len(ids), 1))


def _told(number: int) -> str:
    return f"{COUNTED_UP_TO}+" if number > COUNTED_UP_TO else str(number)
