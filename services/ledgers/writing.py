"""Cells of workbooks that we write: headings that stand out, and texts that never turn into formulas."""

from typing import Any

from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill


def heading(sheet: Any, title: str) -> Any:
    cell = WriteOnlyCell(sheet, value=title)
    cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="FFE8EEF7")
    cell.alignment = Alignment(vertical="center")
    return cell


def cell(sheet: Any, value: Any, number_format: str = "General") -> Any:
    if isinstance(value, str):
        value = ILLEGAL_CHARACTERS_RE.sub("", value)
    made = WriteOnlyCell(sheet, value=value)
    if isinstance(value, str):
        made.data_type = "s"  # a title that begins with "=" is text, never a formula
    made.number_format = number_format
    return made
