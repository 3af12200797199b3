"""From a table's lines to petition records: head, headings, body; totals, notes and empty forms left out."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from services.ledgers.columns import (
    Layout,
    completes_above,
    is_second_line,
    layout_of,
    two_line_layout,
)
from services.ledgers.dates import unserial
from services.ledgers.tables import Line, Table
from services.ledgers.text import display, fold, is_ditto, tidy

_HEAD_LINES = 25
_DATES = frozenset({"received_on", "assigned_on", "due_on", "ended_on"})
_TOTAL = re.compile(r".{0,8}(合计|总计|小计|共计|累计|总数).{0,12}")
_FOOT = re.compile(r"(注|说明|备注|填表|制表|审核|填报|复核|负责人|分管领导|单位负责人|联系人|经办人|第\d+页|共\d+页)")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_REPORTED_BY = re.compile(r"填报单位(?:\([^)]*\))?\s*:\s*(\S+?)(?=填报|填表|\s|$)")


@dataclass(frozen=True)
class Note:
    """Something a person should know about a line that was left out, or about a whole sheet (`line` None)."""

    sheet: str
    line: int | None
    zh: str
    en: str


@dataclass(frozen=True)
class Record:
    """One line of the body: cells by field, and every cell as text by heading, with 同上 spelled out.

    `dangling` names the headings whose 同上 has nothing above it.
    """

    line: int
    cells: dict[str, object]
    raw: dict[str, str]
    dangling: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """One sheet with a ledger in it; `head` are the lines above the headings, `year` what they say."""

    name: str
    head: tuple[str, ...]
    title: str
    year: int | None
    reported_by: str
    layout: Layout
    records: list[Record] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def read_sheet(table: Table, stem: str) -> Sheet | None:
    """The ledger in `table`, or None if no line near its top reads like a ledger's headings.

    `stem`, the file's name, joins the head where that has no title or no year.
    """
    near_top = range(min(_HEAD_LINES, len(table.lines)))
    start, layout = next(((i, found[0]) for i in near_top if (found := _headings_at(table.lines, i))), (0, None))
    if layout is None:
        return None
    head = tuple("  ".join(filter(None, map(display, line.cells))) for line in table.lines[:start]) or (stem,)
    if _says_year(stem) and not any(map(_says_year, (*head, table.name))):
        head += (stem,)
    reported_by = _REPORTED_BY.search("  ".join(map(_folded_words, head)))
    sheet = Sheet(
        name=table.name,
        head=head,
        title=head[0],
        year=_year([*head, table.name]),
        reported_by=reported_by[1] if reported_by else "",
        layout=layout,
    )
    sheet.records.extend(_records(table, start, sheet))
    return sheet


def _says_year(text: str) -> bool:
    return _YEAR.search(fold(text)) is not None


def _folded_words(text: str) -> str:
    # The spaces stay: they part one entry of a head line from the next.
    return " ".join(tidy(part) for part in text.split())


def _headings_at(lines: Sequence[Line], index: int) -> tuple[Layout, int] | None:
    """The layout that starts at this line and how many lines it takes, or None."""
    cells = lines[index].cells
    below = lines[index + 1].cells if index + 1 < len(lines) else ()
    if layout := layout_of(cells):
        return (two_line_layout(cells, below), 2) if is_second_line(below) else (layout, 1)
    if layout_of(below) and completes_above(cells, below):
        return two_line_layout(cells, below), 2
    return None


def _records(table: Table, start: int, sheet: Sheet) -> Iterator[Record]:
    layout, above, index = sheet.layout, dict[str, object](), start
    while index < len(table.lines):
        line = table.lines[index]
        if headings := _headings_at(table.lines, index):
            layout, taken = headings
            index += taken
            continue
        index += 1
        if _is_petition(line, layout, sheet):
            yield _record(line, layout, above, table)


def _is_petition(line: Line, layout: Layout, sheet: Sheet) -> bool:
    filled = [(column, text) for column, cell in enumerate(line.cells) if (text := display(cell))]
    first = fold(filled[0][1])
    if _TOTAL.fullmatch(first) or (_FOOT.match(first) and (":" in first or len(filled) == 1)):
        return False
    if len(filled) > 1:
        return True
    column, text = filled[0]
    form = tidy(text).isdecimal() and column in (layout.fields.get("serial"), layout.fields.get("number"))
    if not form and text not in sheet.head:
        text = text[:40]
        sheet.notes.append(
            Note(
                sheet.name,
                line.number,
                f"第{line.number}行只有一格有内容（{text}），未作为信访件读取。",
                f"line {line.number} has one filled cell only ({text}) and was not read as a petition",
            )
        )
    return False


def _record(line: Line, layout: Layout, above: dict[str, object], table: Table) -> Record:
    """The line's cells by field; `above` holds the line before by heading, and is brought up to date."""
    cells: dict[str, object] = {}
    raw: dict[str, str] = {}
    dangling: list[str] = []
    names = {column: name for name, column in layout.fields.items()}
    for column, cell in enumerate(line.cells):
        name, heading = names.get(column), layout.heading(column)
        if name == "returned_for" or not (heading or display(cell)):
            continue
        heading = heading or f"第{column + 1}列"
        value = unserial(cell, table.epoch) if name in _DATES else cell
        if is_ditto(display(value)):
            value = above.get(heading, value)
            if is_ditto(display(value)):
                dangling.append(heading)
        above[heading], raw[heading] = value, display(value)
        if name:
            cells[name] = value
    return Record(line.number, cells, raw, tuple(dangling))


def _year(texts: Sequence[str]) -> int | None:
    """The year of the first text that names one; None if that text names several."""
    for text in texts:
        years = set(_YEAR.findall(fold(text)))
        if years:
            return int(years.pop()) if len(years) == 1 else None
    return None
