"""The ledger of matters as a workbook: what a page filtered, with real dates and a frozen header.

Nothing sealed is in it, for nothing sealed is in a row of the ledger.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from config.calendar import SHANGHAI, local_date
from services.engine.core import Engine
from services.engine.queries import MatterFilters, MatterRow, list_matters
from services.engine.queries.paging import MOST
from services.identity.access import Actor

_DAY, _MOMENT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the ledger: its title, its width in characters, and what a row has in it."""

    title: str
    width: int
    value: Callable[[MatterRow], Any]
    number_format: str = "General"


def _last_day(row: MatterRow) -> date | None:
    """A deadline is an instant, the first after its last day."""
    return local_date(row.due_at - _INSTANT) if row.due_at else None


def _moment(at: datetime | None) -> datetime | None:
    """A workbook knows no time zones: local time."""
    return at.astimezone(SHANGHAI).replace(tzinfo=None, microsecond=0) if at else None


COLUMNS = {
    "light": Column("时限状态", 14, lambda row: row.light.text if row.light else "已办结"),
    "number": Column("编号", 26, lambda row: row.number),
    "title": Column("标题", 48, lambda row: row.title),
    "procedure": Column("事项类型", 14, lambda row: row.procedure_title),
    "state": Column("当前环节", 14, lambda row: row.state_label),
    "unit": Column("所在单位", 20, lambda row: row.unit_name),
    "due": Column("截止日期", 12, _last_day, _DAY),
    "event": Column("事件日期", 12, lambda row: row.event_on, _DAY),
    "opened": Column("登记时间", 17, lambda row: _moment(row.opened_at), _MOMENT),
    "moved": Column("最近流转", 17, lambda row: _moment(row.moved_at), _MOMENT),
    "closed": Column("办结时间", 17, lambda row: _moment(row.closed_at), _MOMENT),
    "level": Column("升级次数", 10, lambda row: row.level),
}


def export_matters(
    session: Session,
    engine: Engine,
    actor: Actor,
    now: datetime,
    file: IO[bytes],
    *,
    columns: Sequence[str],
    filters: MatterFilters,
    only: Sequence[ColumnElement[bool]] = (),
) -> int:
    """Write every matter of a filtered ledger that the actor may know of, in these `COLUMNS`; return how many."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("事项台账")
    shown = [COLUMNS[name] for name in columns]
    sheet.freeze_panes = "A2"
    for place, column in enumerate(shown, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = column.width
    sheet.append([_heading(sheet, column.title) for column in shown])
    written = 0
    for row in _all(session, engine, actor, now, filters, only):
        sheet.append([_cell(sheet, column, row) for column in shown])
        written += 1
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(shown))}{written + 1}"
    book.save(file)
    return written


def _all(
    session: Session, engine: Engine, actor: Actor, now: datetime, filters: MatterFilters, only: Iterable[Any]
) -> Iterator[MatterRow]:
    """Page by page: no more of a large ledger is in memory."""
    cursor, conditions = None, list(only)
    while True:
        page = list_matters(
            session, engine, actor, now, filters=filters, only=conditions, cursor=cursor, limit=MOST
        )  # fmt: skip
        yield from page.rows
        if (cursor := page.next) is None:
            return


def _heading(sheet: Any, title: str) -> Any:
    cell = WriteOnlyCell(sheet, value=title)
    cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="FFE8EEF7")
    cell.alignment = Alignment(vertical="center")
    return cell


def _cell(sheet: Any, column: Column, row: MatterRow) -> Any:
    value = column.value(row)
    if isinstance(value, str):
        value = ILLEGAL_CHARACTERS_RE.sub("", value)
    cell = WriteOnlyCell(sheet, value=value)
    if isinstance(value, str):
        cell.data_type = "s"  # a title that begins with "=" is text, never a formula
    cell.number_format = column.number_format
    return cell
