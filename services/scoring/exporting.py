"""Scores as a workbook: one sheet of subjects, one of the entries below their figures."""

from collections.abc import Iterable
from datetime import datetime
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font, PatternFill
from sqlalchemy.orm import Session

from services.engine import journal
from services.identity.access import Actor
from services.scoring.reading import SubjectView

_FIGURES = {"单位": 20, "个人": 12, "评价得分": 10, "已评权重%": 10, "加减分": 10, "总分": 10, "一票否决": 10}
_ENTRIES = {"单位": 20, "个人": 12, "项目": 20, "分值": 10, "状态": 10, "事由": 48, "编号": 24}


def export_scores(
    session: Session, actor: Actor, period: str, subjects: Iterable[SubjectView], file: IO[bytes], now: datetime
) -> int:
    """Write what is shown; every entry that leaves has that in its journal. Returns how many subjects there were."""
    listed = list(subjects)
    book = Workbook(write_only=True)
    _sheet(book, "得分", _FIGURES, [_figures(one) for one in listed])
    _sheet(book, "明细", _ENTRIES, [row for one in listed for row in _entries(one)])
    book.save(file)
    ids = [entry.matter_id for one in listed for entry in one.entries]
    journal.note_all(session, ids, journal.Event("export", actor, now, {"scores": period}))
    return len(listed)


def _figures(one: SubjectView) -> list[Any]:
    made = one.figures
    numbers = [_number(made[name]) for name in ("assessed", "coverage", "adjustments", "total")]
    return [one.unit_name, one.person_name, *numbers, "是" if made["vetoed"] else None]


def _entries(one: SubjectView) -> Iterable[list[Any]]:
    for entry in one.entries:
        yield [one.unit_name, one.person_name, entry.title, _number(entry.points), entry.state_label, entry.reason,
               entry.number]  # fmt: skip


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _sheet(book: Any, title: str, columns: dict[str, int], rows: list[list[Any]]) -> None:
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for letter, width in zip("ABCDEFG", columns.values(), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.append([_heading(sheet, name) for name in columns])
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
    sheet.auto_filter.ref = f"A1:G{len(rows) + 1}"


def _heading(sheet: Any, title: str) -> Any:
    cell = WriteOnlyCell(sheet, value=title)
    cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="FFE8EEF7")
    return cell


def _cell(sheet: Any, value: Any) -> Any:
    if not isinstance(value, str):
        return WriteOnlyCell(sheet, value=value)
    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", value))
    cell.data_type = "s"  # a reason that begins with "=" is text, never a formula
    return cell
