"""Reading a whole ledger file: every petition line is either a row or a rejection with its reasons."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.ledgers.files import open_tables
from services.ledgers.judging import RowReader
from services.ledgers.known import Known
from services.ledgers.reasons import ORDER, Reason, reason
from services.ledgers.rows import LedgerRow
from services.ledgers.sheets import Note, Record, Sheet, read_sheet
from services.ledgers.tables import LedgerUnreadable, Table

Used = dict[tuple[str, str], tuple[str, int]]
"""(series, number) to the sheet and line that has it."""


@dataclass(frozen=True)
class Rejection:
    """A line given back; it has at least one reason, the first is the one it is counted under."""

    sheet: str
    line: int
    reasons: tuple[Reason, ...]
    raw: dict[str, str] = field(repr=False)

    @property
    def code(self) -> str:
        """The code it is counted under."""
        return self.reasons[0].code

    @property
    def zh(self) -> str:
        """All reasons, for the person who mends the line."""
        return "；".join(found.zh for found in self.reasons) + "。"

    @property
    def en(self) -> str:
        """All reasons in English."""
        return "; ".join(found.en for found in self.reasons)


@dataclass(frozen=True)
class SheetHead:
    """What stands above a sheet's lines, its headings, and the fields that these were found to name."""

    name: str
    lines: tuple[str, ...]
    headings: tuple[str, ...]
    fields: frozenset[str]


@dataclass(frozen=True)
class LedgerReading:
    """What a file holds. `rows` can be imported, `rejections` are to be mended, `notes` are worth knowing."""

    rows: tuple[LedgerRow, ...]
    rejections: tuple[Rejection, ...]
    notes: tuple[Note, ...]
    sheets: tuple[SheetHead, ...]

    def counts(self) -> dict[str, Any]:
        """Figures for the report; `reasons` maps code to lines counted under it, in the order of counting."""
        reasons = Counter(rejection.code for rejection in self.rejections)
        return {
            "rows": len(self.rows) + len(self.rejections),
            "importable": len(self.rows),
            "rejected": len(self.rejections),
            "reasons": dict(sorted(reasons.items(), key=lambda item: (ORDER.get(item[0], len(ORDER)), item[0]))),
            "out_of_scope": sum(row.out_of_scope for row in self.rows),
            "anonymous": sum(row.anonymous for row in self.rows),
            "ended": sum(row.ended_on is not None for row in self.rows),
        }


def read_ledger(path: Path, known: Known) -> LedgerReading:
    """Read a petition ledger (.xlsx or delimited text). Raises `LedgerUnreadable` when the file holds none.

    Hidden sheets and sheets without a ledger are left out and noted. A number counts as used by the first
    line that has it, be that line rejected for something else or not.
    """
    notes: list[Note] = []
    sheets = [sheet for table in open_tables(path) if (sheet := _open_sheet(table, path.stem, notes))]
    if not sheets:
        raise LedgerUnreadable(
            "No sheet has the headings of a petition ledger; the heading row needs at least the date "
            "received, the channel, the class and the handling unit.",
            "没有找到信访台账的表头；表头至少应有收件日期、来源、件类、承办单位等栏目。",
            why="no_ledger",
        )
    used: Used = {}
    judged = [_judge(record, sheet, known, used) for sheet in sheets for record in sheet.records]
    return LedgerReading(
        rows=tuple(found for found in judged if isinstance(found, LedgerRow)),
        rejections=tuple(found for found in judged if isinstance(found, Rejection)),
        notes=(*notes, *(note for sheet in sheets for note in sheet.notes)),
        sheets=tuple(map(_head, sheets)),
    )


def _open_sheet(table: Table, stem: str, notes: list[Note]) -> Sheet | None:
    if table.hidden:
        notes.append(Note(table.name, None, "工作表已隐藏，未读取。", "the sheet is hidden and was not read"))
        return None
    sheet = read_sheet(table, stem)
    if sheet is None and table.lines:
        notes.append(Note(table.name, None, "工作表没有台账表头，未读取。", "the sheet has no ledger headings"))
    return sheet


def _judge(record: Record, sheet: Sheet, known: Known, used: Used) -> LedgerRow | Rejection:
    reader = RowReader(record, sheet, known)
    row = reader.row()
    here = (sheet.name, record.line)
    first = used.setdefault(reader.number, here) if reader.number[1] else here
    if first != here:
        code = "repeated_line" if reader.unnumbered else "number_used_twice"
        other = ("", "") if first[0] == sheet.name else (f"工作表“{first[0]}”", f"sheet {first[0]!r}, ")
        values = {"zh_at": f"{other[0]}第{first[1]}行", "en_at": f"{other[1]}line {first[1]}"}
        reader.reasons.append(reason(code, value=reader.number[1], **values))
    if row is not None and not reader.reasons:
        return row
    reasons = tuple(sorted(reader.reasons, key=lambda found: ORDER[found.code]))
    return Rejection(sheet.name, record.line, reasons, record.raw)


def _head(sheet: Sheet) -> SheetHead:
    returned = sheet.layout.heading_of("returned_for")
    return SheetHead(
        name=sheet.name,
        lines=sheet.head,
        headings=tuple(heading for heading in sheet.layout.headings if heading and heading != returned),
        fields=frozenset(sheet.layout.fields) - {"returned_for"},
    )
