"""Pages of long lists: by cursor, so that a page neither repeats nor skips when rows come and go."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar

from services.db.errors import DubanError

MOST = 200
LARGEST_ID = 2**63 - 1
Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, and the cursor of the next page (None: these are the last)."""

    rows: list[Row]
    next: str | None = None


class BadCursor(DubanError):
    """The cursor is none that a page of this list gave out."""

    code: ClassVar[str] = "bad_cursor"
    status: ClassVar[int] = 422

    def __init__(self) -> None:
        super().__init__(
            "this cursor is not from this list; start again without one", "翻页位置无效，请从第一页重新开始"
        )


def within(limit: int) -> int:
    """Return the number of rows of a page: at least one, at most `MOST`."""
    return max(1, min(limit, MOST))


def id_cursor(last: int) -> str:
    return _pack([last])


def read_id(cursor: str) -> int:
    """Return the id after which a page begins; raise BadCursor."""
    match _unpack(cursor):
        case [int(last)] if _is_id(last):
            return last
    raise BadCursor


def due_cursor(due_at: datetime | None, last: int) -> str:
    return _pack([due_at.isoformat() if due_at else None, last])


def read_due(cursor: str) -> tuple[datetime | None, int]:
    """Return the due instant and the id after which a page begins; raise BadCursor."""
    match _unpack(cursor):
        case [None, int(last)] if _is_id(last):
            return None, last
        case [str(text), int(last)] if _is_id(last):
            return _instant(text), last
    raise BadCursor


def _is_id(last: int) -> bool:
    return type(last) is int and abs(last) <= LARGEST_ID  # True is an int, too


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise BadCursor
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadCursor from None


def _pack(values: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _unpack(cursor: str) -> Any:
    try:
        return json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        raise BadCursor from None
