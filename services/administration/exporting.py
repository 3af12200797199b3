"""The record of administration as a workbook."""

from collections.abc import Iterable
from datetime import datetime
from typing import IO, Protocol

from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from config.calendar import SHANGHAI
from services.ledgers.writing import cell, heading

_COLUMNS = (("序号", 8), ("时间", 17), ("经办人", 14), ("事项", 12), ("人员", 14), ("单位", 20), ("变更内容", 80))


class Line(Protocol):
    """A deed told in words."""

    @property
    def seq(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    @property
    def by(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def person(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def text(self) -> str: ...


def export_deeds(file: IO[bytes], deeds: Iterable[Line]) -> int:
    """Write them under a frozen header; return how many."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("变更记录")
    sheet.freeze_panes = "A2"
    for place, (_, width) in enumerate(_COLUMNS, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.append([heading(sheet, title) for title, _ in _COLUMNS])
    written = 0
    for deed in deeds:
        at = deed.at.astimezone(SHANGHAI).replace(tzinfo=None, microsecond=0)
        texts = (deed.by, deed.title, deed.person, deed.unit, deed.text)
        values = [cell(sheet, deed.seq), cell(sheet, at, "yyyy-mm-dd hh:mm"), *(cell(sheet, text) for text in texts)]
        sheet.append(values)
        written += 1
    book.save(file)
    return written
