"""What a cell says, as text: folding for comparison, tidying for keeping, and the marks that mean nothing."""

import re
import unicodedata
from datetime import date, datetime, time

_SPACE = re.compile(r"[\s\u200b\ufeff]+")
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|【[^【】]*】")
_NOTHING = frozenset(
    [
        "无",
        "暂无",
        "空",
        "不详",
        "未知",
        "未填",
        "/",
        "\\",
        "-",
        "--",
        "—",
        "——",
        "none",
        "null",
        "nan",
        "n/a",
        "#n/a",
    ]
)
_DITTO = frozenset(["同上", "上同", "同前", "〃", "′′", '"', "''", "”", "“", "″"])


def display(cell: object) -> str:
    """The text a person sees in a cell: whole floats without a point, dates as 2016-08-24 (09:30 if any)."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        day = cell.date().isoformat()
        return day if cell.time() == time() else f"{day} {cell:%H:%M}"
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell).strip().strip("\u200b\ufeff").strip()


def fold(text: str) -> str:
    """A form for comparing only: NFKC, no white space at all, lower case."""
    return _SPACE.sub("", unicodedata.normalize("NFKC", text)).casefold()


def tidy(text: str) -> str:
    """Names, numbers and phone numbers as kept: NFKC, no white space inside."""
    return _SPACE.sub("", unicodedata.normalize("NFKC", text))


def without_asides(text: str) -> str:
    """`text` without bracketed remarks; the text itself when nothing else is in it."""
    return _ASIDE.sub("", text) or text


def says_nothing(text: str) -> bool:
    """True for an empty cell and for the strokes and words offices put into a cell left open."""
    return not text or fold(text) in _NOTHING


def is_ditto(text: str) -> bool:
    """True when the cell repeats the one above (同上, 〃)."""
    return fold(text) in _DITTO
