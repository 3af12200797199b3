"""Excel workbooks as tables: values only, nothing computed, sizes bounded before anything is unpacked."""

import re
import warnings
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from openpyxl import load_workbook
from openpyxl.utils import column_index_from_string
from openpyxl.workbook import Workbook

from services.ledgers.tables import (
    MAX_COLUMNS,
    MAX_LINES,
    LedgerUnreadable,
    Line,
    Table,
    too_long,
)
from services.ledgers.text import display

MAX_UNPACKED = 64 * 2**20
_MAX_PARTS = 2_000
_MAX_SHEETS = 32
_MAX_MERGES = 20_000
_LAST_ROW = 1_048_576
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^<>]*?ref="([A-Z]{1,3})(\d{1,7}):[A-Z]{1,3}(\d{1,7})"')

Spans = dict[int, list[tuple[int, int]]]


def open_workbook(path: Path) -> list[Table]:
    """Every worksheet of an .xlsx file. Raises `LedgerUnreadable`."""
    _check_archive(path)
    try:
        # opened here: openpyxl leaves a file that it cannot read open
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
            try:
                if len(book.worksheets) > _MAX_SHEETS:
                    raise _too_large(f"has more than {_MAX_SHEETS} sheets", f"超过 {_MAX_SHEETS} 个工作表")
                return [_table(book, path, sheet) for sheet in book.worksheets]
            finally:
                book.close()
    except LedgerUnreadable:
        raise
    except Exception as error:  # openpyxl meets a broken file with almost any exception
        raise _damaged() from error


def _check_archive(path: Path) -> None:
    try:
        with ZipFile(path) as archive:
            parts = archive.infolist()
    except (BadZipFile, OSError, ValueError) as error:
        raise _damaged() from error
    if any(part.flag_bits & 1 for part in parts):
        raise LedgerUnreadable(
            "The file is protected by a password; save it without one and import it again.",
            "文件有密码保护，请取消密码后另存，再导入。",
            why="encrypted",
        )
    # zipfile never unpacks more of a part than its header declares, so the declared sum is a true bound.
    if len(parts) > _MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        size = MAX_UNPACKED >> 20
        raise _too_large(f"unpacks to more than {size} MiB", f"解压后超过 {size} MB")
    if not any(part.filename.startswith("xl/") for part in parts):
        raise LedgerUnreadable(
            "The file is an archive but no Excel workbook; save the ledger as .xlsx.",
            "文件不是 Excel 工作簿，请另存为 .xlsx 后再导入。",
            why="wrong_format",
        )


def _too_large(en: str, zh: str) -> LedgerUnreadable:
    return LedgerUnreadable(
        f"The workbook {en}; copy the ledger alone into a new workbook.",
        f"工作簿{zh}，请只把台账复制到新工作簿后再导入。",
        why="too_large",
    )


def _damaged() -> LedgerUnreadable:
    return LedgerUnreadable(
        "The workbook is damaged; open it in Excel or WPS, save it as a new .xlsx and import that.",
        "工作簿已损坏，请用 Excel 或 WPS 打开后另存为新的 .xlsx，再导入。",
        why="damaged",
    )


def _table(book: Workbook, path: Path, sheet: object) -> Table:
    lines = list(_lines(sheet))
    spans = _vertical_spans(path, sheet._worksheet_path)  # type: ignore[attr-defined]  # no public name has it
    if spans:
        lines = list(_filled(lines, spans))
    return Table(sheet.title, lines, book.epoch, sheet.sheet_state != "visible")  # type: ignore[attr-defined]


def _lines(sheet: object) -> Iterator[Line]:
    # The sheet's own dimensions may lie, in either direction: bounds are given instead.
    rows = sheet.iter_rows(max_row=_LAST_ROW, max_col=MAX_COLUMNS, values_only=True)  # type: ignore[attr-defined]
    count = 0
    for number, cells in enumerate(rows, 1):
        if cells.count(None) == len(cells):
            continue
        width = max((index for index, cell in enumerate(cells, 1) if cell is not None and display(cell)), default=0)
        if not width:
            continue
        count += 1
        if count > MAX_LINES:
            raise too_long()
        yield Line(number, tuple(cells[:width]))


def _vertical_spans(path: Path, part: str) -> Spans:
    """Cells merged downwards: per column index, the (first, last) row numbers.

    Read from the sheet's own XML, as openpyxl keeps no merges of sheets opened read-only.
    """
    spans: Spans = defaultdict(list)
    with ZipFile(path) as archive:
        for found in islice(_MERGED.finditer(archive.read(part)), _MAX_MERGES):
            column, first, last = column_index_from_string(found[1].decode()), int(found[2]), int(found[3])
            if last > first and column <= MAX_COLUMNS:
                spans[column - 1].append((first, last))
    return {column: sorted(ranges) for column, ranges in spans.items()}


def _filled(lines: list[Line], spans: Spans) -> Iterator[Line]:
    """Each cell under a merged one gets its value; rows with nothing of their own stay dropped."""
    tops: dict[tuple[int, int], object] = {}
    for line in lines:
        cells = [*line.cells, *[None] * (max(spans) + 1 - len(line.cells))]
        for column, ranges in spans.items():
            place = bisect_right(ranges, (line.number, _LAST_ROW)) - 1
            if place < 0 or ranges[place][1] < line.number:
                continue
            first = ranges[place][0]
            if first == line.number:
                tops[column, first] = cells[column]
            elif not display(cells[column]):
                cells[column] = tops.get((column, first))
        yield Line(line.number, tuple(cells))
