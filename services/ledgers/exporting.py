"""The ledger of matters as a workbook: what a page filtered, with real dates and a frozen header.

Rows are read batch by batch, each time within what the actor may know of by then, and every matter that leaves in a
batch has the export in its journal before the next is read.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from config.calendar import local_date
from services.db.session import Database
from services.engine import journal
from services.engine.core import Engine
from services.engine.queries import list_matters
from services.engine.queries.paging import MOST
from services.identity.access import load_actor
from services.ledgers.asking import Asking
from services.ledgers.showing import AnyColumn, columns_for, values_of
from services.ledgers.writing import cell, heading

EXPORTED = "export"


def write_ledger(
    database: Database,
    engine: Engine,
    person_id: int,
    asking: Asking,
    now: datetime,
    file: IO[bytes],
    *,
    export_id: int,
    go_on: Callable[[int], bool] = lambda written: True,
) -> int:
    """Write every matter of the asked ledger that this person may know of; return how many.

    `go_on` is told after each batch how many were written; where it says no, the rest is left out.
    """
    offered = columns_for(engine, asking.filters.procedure)
    shown = [offered[name] for name in asking.columns]
    book = Workbook(write_only=True)
    sheet = _sheet(book, shown)
    written = 0
    for values in _batches(database, engine, person_id, asking, shown, now, export_id):
        for row in values:
            sheet.append([cell(sheet, value, column.number_format) for column, value in zip(shown, row, strict=True)])
        written += len(values)
        if not go_on(written):
            break  # and save all the same: nothing else closes the workbook's own temporary files
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(shown))}{written + 1}"
    book.save(file)
    return written


def _batches(
    database: Database, engine: Engine, person_id: int, asking: Asking, shown: Sequence[AnyColumn], now: datetime,
    export_id: int,
) -> Iterator[list[list[Any]]]:  # fmt: skip
    """Yield the rows of one page after the other: no more of a large ledger is in memory."""
    cursor: str | None = None
    while True:
        with database.read() as session:
            actor = load_actor(session, person_id, local_date(now))
            page = list_matters(
                session, engine, actor, now, filters=asking.filters,
                only=asking.conditions(session, engine, actor, now), cursor=cursor, limit=MOST,
            )  # fmt: skip
            values = values_of(session, engine, page.rows, shown)
        with database.write() as session:
            event = journal.Event(EXPORTED, actor, now, {"export": export_id, "columns": list(asking.columns)})
            journal.note_all(session, [row.id for row in page.rows], event)
        yield values
        if (cursor := page.next) is None:
            return


def _sheet(book: Workbook, shown: Sequence[AnyColumn]) -> Any:
    sheet = book.create_sheet("事项台账")
    sheet.freeze_panes = "A2"
    for place, column in enumerate(shown, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = column.width
    sheet.append([heading(sheet, column.title) for column in shown])
    return sheet
