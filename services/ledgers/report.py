"""Rejected lines given back as a workbook: mended in place, that very file can be imported."""

from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from services.ledgers.columns import STANDARD_HEADINGS
from services.ledgers.reading import LedgerReading, Rejection, SheetHead
from services.ledgers.reasons import MENDED_IN

RETURNED_FOR = "退回原因"
_WIDE, _USUAL = 48, 16


def write_rejections(reading: LedgerReading, path: Path) -> None:
    """Write the rejected lines to an .xlsx at `path`.

    Per sheet: its head lines, then 退回原因 and the ledger's own columns; columns that the ledger lacks and
    that a reason asks for stand empty at the end. With no rejections the first sheet's headings alone are
    written. Every cell is text, so that none turns into a formula. The file names complainants.
    """
    book = Workbook()
    book.remove(book.worksheets[0])
    returned = {head.name: [one for one in reading.rejections if one.sheet == head.name] for head in reading.sheets}
    for head in [head for head in reading.sheets if returned[head.name]] or reading.sheets[:1]:
        _fill(book.create_sheet(head.name), head, returned[head.name])
    book.save(path)


def _fill(sheet: Worksheet, head: SheetHead, rejections: list[Rejection]) -> None:
    codes = {found.code for one in rejections for found in one.reasons}
    wanted = {field for code, field in MENDED_IN.items() if code in codes}
    lacking = [heading for field, heading in STANDARD_HEADINGS.items() if field in wanted - head.fields]
    later = [heading for one in rejections for heading in one.raw]
    headings = list(dict.fromkeys([*head.headings, *lacking, *later]))
    rows = [["", line] for line in head.lines]
    rows += [[RETURNED_FOR, *headings]]
    rows += [[one.zh, *(one.raw.get(heading, "") for heading in headings)] for one in rejections]
    for number, texts in enumerate(rows, 1):
        for column, text in enumerate(texts, 1):
            _write(sheet.cell(number, column), text)
    _dress(sheet, len(head.lines) + 1, len(headings) + 1)


def _write(cell: object, text: str) -> None:
    if text and isinstance(cell, Cell):
        cell.value = ILLEGAL_CHARACTERS_RE.sub("", text)
        cell.data_type = "s"


def _dress(sheet: Worksheet, heading_row: int, columns: int) -> None:
    for column in range(1, columns + 1):
        sheet.cell(heading_row, column).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(column)].width = _WIDE if column == 1 else _USUAL
    for number in range(heading_row + 1, sheet.max_row + 1):
        sheet.cell(number, 1).alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = sheet.cell(heading_row + 1, 2).coordinate
