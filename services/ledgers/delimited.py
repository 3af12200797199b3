"""Delimited text (.csv, .txt) as one table, in the encodings and with the delimiters that offices produce."""

import csv
import io
import re
from itertools import islice

from services.ledgers.columns import recognised
from services.ledgers.tables import (
    MAX_COLUMNS,
    MAX_LINES,
    LedgerUnreadable,
    Line,
    Table,
    too_long,
)
from services.ledgers.text import display

_DELIMITERS = (",", "\t", ";", "|", "，", "；", "、", "^")
_LOOK_AT = 60
_NOT_IN_A_SHEET_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f]")


def open_delimited(data: bytes, name: str) -> Table:
    """The table in `data`, called `name` as far as a sheet may be; lines count as in Excel."""
    text = _decoded(data)
    try:
        delimiter = max(_DELIMITERS, key=lambda candidate: _headings(text, candidate))
        lines = [
            Line(number, tuple(record[:MAX_COLUMNS]))
            for number, record in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1)
            if any(display(cell) for cell in record[:MAX_COLUMNS])
        ]
    except csv.Error as error:
        raise _not_text() from error
    if len(lines) > MAX_LINES:
        raise too_long()
    return Table(_NOT_IN_A_SHEET_NAME.sub("_", name)[:31] or "1", lines)


def _headings(text: str, delimiter: str) -> int:
    records = islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), _LOOK_AT)
    return max((recognised(record[:MAX_COLUMNS]) for record in records), default=0)


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif b"\0" in data:
        raise _not_text()
    else:
        encodings = ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _not_text()


def _not_text() -> LedgerUnreadable:
    return LedgerUnreadable(
        "The file is neither an .xlsx workbook nor delimited text in UTF-8 or GB18030; save it as .xlsx.",
        "文件既不是 .xlsx 工作簿，也不是 UTF-8 或 GB18030 编码的 .csv，请另存为 .xlsx 后再导入。",
        why="wrong_format",
    )
