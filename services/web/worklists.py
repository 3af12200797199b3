"""A person's worklist as its page shows it: filtered, searched by pinyin too, sorted, in pages.

Filtered alone, the database walks its index. A search or another order looks at the most urgent `GATHERED` items in
memory: pinyin is not in the database, and nobody works through more than that.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from services.db.together import ask_along
from services.engine.queries import BadCursor, Page, WorkFilters, WorkRow, light_counts, worklist
from services.engine.queries.lights import COLOURS
from services.engine.queries.paging import id_cursor, read_id
from services.engine.queries.worklist import counts_asked
from services.notifications.attention import seen_at
from services.web.calls import Call
from services.web.pinyin import matches

GATHERED = 1000
LIMIT = 50
URGENT = "due"
_LAST = datetime.max.replace(tzinfo=UTC)
_SORTS: dict[str, Callable[[WorkRow], Any]] = {
    "-due": lambda row: (row.due_at is None, -(row.due_at or _LAST).timestamp(), row.item_id),
    "-opened": lambda row: (-row.opened_at.timestamp(), row.item_id),
    "opened": lambda row: (row.opened_at.timestamp(), row.item_id),
}
SORTS = {URGENT: "最紧急的在前", "-due": "最宽裕的在前", "-opened": "最新到达的在前", "opened": "最早到达的在前"}


class Line(NamedTuple):
    """One row; `unread` means that the matter moved or was urged since this person opened it."""

    item: WorkRow
    unread: bool


@dataclass(frozen=True, slots=True)
class Worklist:
    """One page of lines and the tiles' numbers; `cut` says that more than `GATHERED` were not looked through."""

    lines: list[Line]
    next: str | None
    counts: dict[str, str]
    cut: bool = False


def show_worklist(session: Session, call: Call, filters: WorkFilters, sort: str, cursor: str | None) -> Worklist:
    """Return one page. An unknown `sort` means the most urgent first; raises BadCursor."""
    if sort not in _SORTS and not filters.q:
        ask_along(session, *counts_asked(call.engine, call.actor, call.now, filters))
        page = worklist(session, call.engine, call.actor, call.now, filters=filters, cursor=cursor, limit=LIMIT)
        counts = light_counts(session, call.engine, call.actor, call.now, filters=filters)
        return Worklist(_lines(session, call, page.rows), page.next, counts)
    rows = [row for row in gather(session, call, replace(filters, light="all", q=None)) if _found(row, filters.q)]
    counts = {colour: str(sum(row.light.colour == colour for row in rows)) for colour in COLOURS}
    shown = [row for row in rows if filters.light in ("all", row.light.colour)]
    page = _cut(sorted(shown, key=_SORTS[sort]) if sort in _SORTS else shown, cursor)
    cut = len(rows) >= GATHERED
    return Worklist(_lines(session, call, page.rows), page.next, counts | {"all": str(len(rows))}, cut)


def gather_found(session: Session, call: Call, filters: WorkFilters) -> list[WorkRow]:
    """Return up to `GATHERED` items that the filters leave, the search included, the most urgent first."""
    return [row for row in gather(session, call, replace(filters, q=None)) if _found(row, filters.q)]


def gather(session: Session, call: Call, filters: WorkFilters) -> list[WorkRow]:
    """Return up to `GATHERED` items, the most urgent first."""
    return list(_pages(session, call, filters))[:GATHERED]


def chosen(session: Session, call: Call, item_ids: Collection[int]) -> list[WorkRow]:
    """Return those of the caller's open items that have these ids; others are passed over."""
    return [row for row in _pages(session, call, WorkFilters()) if row.item_id in item_ids]


def _pages(session: Session, call: Call, filters: WorkFilters) -> Iterator[WorkRow]:
    cursor, pages = None, 0
    while (cursor is not None or pages == 0) and pages * 200 < GATHERED:
        page = worklist(session, call.engine, call.actor, call.now, filters=filters, cursor=cursor, limit=200)
        yield from page.rows
        cursor, pages = page.next, pages + 1


def _found(row: WorkRow, q: str | None) -> bool:
    return not q or matches(q, row.title, row.number, row.unit_name)


def _cut(rows: list[WorkRow], cursor: str | None) -> Page[WorkRow]:
    """Go on behind the row that the cursor names; if it was done meanwhile, begin anew."""
    start = 0
    if cursor is not None:
        last = _named(cursor)
        start = next((index + 1 for index, row in enumerate(rows) if row.item_id == last), 0)
    page = rows[start : start + LIMIT]
    return Page(page, id_cursor(page[-1].item_id) if start + LIMIT < len(rows) else None)


def _named(cursor: str) -> int | None:
    try:
        return read_id(cursor)
    except BadCursor:
        return None  # of a list in another order: its sort was changed in the address


def _lines(session: Session, call: Call, rows: list[WorkRow]) -> list[Line]:
    seen = seen_at(session, call.actor, {row.matter_id for row in rows})
    return [Line(row, _moved_since(row, seen.get(row.matter_id))) for row in rows]


def _moved_since(row: WorkRow, seen: datetime | None) -> bool:
    return seen is None or seen < max(row.opened_at, row.urged_at or row.opened_at)
