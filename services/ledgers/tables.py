"""A ledger file opened as plain tables of cells, by its content and not by its name; bounded throughout."""

from dataclasses import dataclass
from datetime import datetime

from services.db.errors import DubanError
from services.ledgers.dates import EXCEL_EPOCH

MAX_BYTES = 20 * 2**20
MAX_LINES = 20_000
MAX_COLUMNS = 200


class LedgerUnreadable(DubanError):
    """The file as a whole cannot be read as a petition ledger.

    `extra["why"]` is a stable word for the cause: empty, encrypted, old_format, wrong_format, damaged,
    too_large, not_found, no_ledger.
    """

    code = "ledger_unreadable"
    status = 422


@dataclass(frozen=True, slots=True)
class Line:
    """One row that is not empty, with its number in the sheet (from 1)."""

    number: int
    cells: tuple[object, ...]


@dataclass(frozen=True)
class Table:
    """One sheet: its lines that are not empty; `epoch` is day 0 of its day numbers."""

    name: str
    lines: list[Line]
    epoch: datetime = EXCEL_EPOCH
    hidden: bool = False


def too_long() -> LedgerUnreadable:
    """The refusal of a file with more than `MAX_LINES` lines."""
    return LedgerUnreadable(
        f"The ledger has more than {MAX_LINES} lines; split it by year or month and import the parts.",
        f"台账超过 {MAX_LINES} 行，请按年或按月拆分后分别导入。",
        why="too_large",
    )
