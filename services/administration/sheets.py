"""The workbook of units and people: the empty form to fill in, what was filled in, and refused rows given back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from services.ledgers.dates import unserial
from services.ledgers.files import open_tables
from services.ledgers.tables import LedgerUnreadable, Table
from services.ledgers.text import display, fold
from services.ledgers.writing import cell, heading

UNITS, PEOPLE, NOTES, REFUSED = "单位", "人员", "填写说明", "退回原因"
HEADINGS: Mapping[str, Mapping[str, tuple[str, int]]] = {
    UNITS: {"code": ("单位编码*", 16), "name": ("单位名称*", 24), "kind": ("单位类别*", 20),
            "parent": ("上级单位*", 24), "founded_on": ("成立日期", 14)},
    PEOPLE: {"name": ("姓名*", 12), "login": ("用户名", 16), "unit": ("单位*", 24), "title": ("职务*", 24),
             "head": ("是否负责人", 12), "held_from": ("任职起始日期", 14), "held_to": ("任职截止日期", 14),
             "roles": ("角色", 28), "password": ("初始密码", 18)},
}  # fmt: skip
"""Per sheet the fields, with the heading and the width of their columns."""

_REQUIRED = {UNITS: ("code", "name"), PEOPLE: ("name", "unit")}
_HEAD_LINES = 10
_RULES = (
    "标 * 的栏目必须填写；表头不要改动，不需要的行可以删除。",
    "“单位”表：按单位编码对应已有单位。编码已存在的，名称、上级不同则更名、划转；不存在的新增。上级单位填编码或全称，可以是本表中新增的单位。",
    "“人员”表：每行一个职务，同一人多个职务填多行。按用户名对应已有人员；不登录的人员不填用户名，按姓名和单位对应。",
    "“角色”填下列角色名称，多个用顿号隔开；角色授予在该行的单位，适用于该单位及其全部下级单位。",
    "“初始密码”只对新增人员有效，本人首次登录须修改；不填的，请在导入后逐人重置密码。",
    "日期写作 2026-03-01；任职起始日期不填，按导入当日。重复导入同一文件不会产生重复的单位、人员、职务或授权。",
)


@dataclass(frozen=True, slots=True)
class Row:
    """A filled-in line: its sheet and number, and its cells as text by field."""

    sheet: str
    line: int
    cells: Mapping[str, str]


def write_template(
    file: IO[bytes], kinds: Iterable[str], roles: Iterable[str], units: Iterable[tuple[str, str]]
) -> None:
    """Write the empty form, with a sheet that explains it and lists what can be filled in."""
    book = Workbook(write_only=True)
    for name in HEADINGS:
        _sheet(book, name, list(HEADINGS[name].values()))
    notes = book.create_sheet(NOTES)
    notes.freeze_panes = "A2"
    for column, width in zip("ABC", (90, 24, 24), strict=True):
        notes.column_dimensions[column].width = width
    notes.append([heading(notes, text) for text in ("填写说明", "单位编码", "单位名称")])
    told = [*_RULES, "", "单位类别：" + "、".join(kinds), "", "可授予的角色：", *(f"　{title}" for title in roles)]
    listed = list(units)
    for number in range(max(len(told), len(listed))):
        first = told[number] if number < len(told) else ""
        notes.append([cell(notes, text) for text in (first, *(listed[number] if number < len(listed) else ("", "")))])
    book.save(file)


def write_refused(file: IO[bytes], refused: Sequence[tuple[Row, str]]) -> None:
    """Write refused rows with their reasons in the first column: mended, that very file can be imported."""
    book = Workbook(write_only=True)
    for name, columns in HEADINGS.items():
        mine = [(row, reason) for row, reason in refused if row.sheet == name]
        if not mine and refused:
            continue
        sheet = _sheet(book, name, [(REFUSED, 48), *columns.values()])
        for row, reason in mine:
            sheet.append([cell(sheet, text) for text in (reason, *(row.cells.get(field, "") for field in columns))])
    book.save(file)


def read_rows(path: Path) -> list[Row]:
    """Read the filled-in form; raise LedgerUnreadable where no sheet has its headings."""
    found = [(name, table) for table in open_tables(path) if not table.hidden and (name := _name_of(table))]
    if not found:
        raise LedgerUnreadable(
            "No sheet has the headings of the form; download it again and fill it in.",
            "没有找到“单位”或“人员”表的表头，请下载模板，按模板填写后再导入。",
            why="no_ledger",
        )
    return [row for name, table in found for row in _rows(name, table)]


def _sheet(book: Any, name: str, columns: Sequence[tuple[str, int]]) -> Any:
    sheet = book.create_sheet(name)
    sheet.freeze_panes = "A2"
    for place, (_, width) in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.append([heading(sheet, title) for title, _ in columns])
    return sheet


def _name_of(table: Table) -> str | None:
    return next((name for name in HEADINGS if _head(name, table) is not None), None)


def _head(name: str, table: Table) -> tuple[int, dict[int, str]] | None:
    """Which line has the headings of this sheet, and which column is which field."""
    titles = {_bare(title): field for field, (title, _) in HEADINGS[name].items()}
    for place, line in enumerate(table.lines[:_HEAD_LINES]):
        known = {column: titles[text] for column, text in enumerate(map(_bare, line.cells)) if text in titles}
        if set(_REQUIRED[name]) <= set(known.values()) and len(known) >= 3:
            return place, known
    return None


def _rows(name: str, table: Table) -> Iterable[Row]:
    head = _head(name, table)
    assert head is not None
    place, known = head
    for line in table.lines[place + 1 :]:
        cells = {}
        for column, field in known.items():
            value = line.cells[column] if column < len(line.cells) else None
            dated = field in ("founded_on", "held_from", "held_to")
            cells[field] = display(unserial(value, table.epoch) if dated else value)
        if any(cells.values()):
            yield Row(name, line.number, cells)


def _bare(value: object) -> str:
    return fold(display(value)).rstrip("*")
