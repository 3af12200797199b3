"""Dates as people type them, always year, month, day; nothing is guessed from a locale."""

import re
import unicodedata
from datetime import date, datetime, timedelta

from services.ledgers.text import display

EXCEL_EPOCH = datetime(1899, 12, 30)
_SERIALS = range(20_000, 80_000)  # 1954 to 2119: no number of eight digits and no year can be meant
_YEARS = range(1950, 2101)
_SHORT_YEAR_REACH = 5

_DIGIT = {character: str(value) for value, character in enumerate("〇一二三四五六七八九")} | {
    "零": "0",
    "○": "0",
}
_NUMERAL = re.compile("[" + "".join(_DIGIT) + "十]+")
_WEEKDAY = re.compile(r"\(?(?:星期|周|礼拜)[一二三四五六日天]\)?")

_MARK = r"[./\\\-‐–—−。,、·]"
_AFTER_YEAR = rf"(?:\s*(?P<mark>年|{_MARK})\s*|\s+)"
_AFTER_MONTH = rf"(?:\s*(?:月|{_MARK})\s*|\s+)"
_TIME = (
    r"\s*(?:上午|下午|早上|晚上|中午|凌晨)?"
    r"(?:(?:[\sT]+|(?<=\D))\d{1,2}[:时点](?:\d{1,2}分?(?::\d{1,2}(?:\.\d+)?)?)?)?\s*"
)
_FULL = re.compile(
    rf"(?P<year>\d{{4}}|\d{{2}}){_AFTER_YEAR}(?P<month>\d{{1,2}}){_AFTER_MONTH}(?P<day>\d{{1,2}})\s*[日号.]?{_TIME}"
)
_NO_YEAR = re.compile(rf"(?P<month>\d{{1,2}})\s*月\s*(?P<day>\d{{1,2}})\s*[日号]?{_TIME}")
_COMPACT = re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})")
_SERIAL = re.compile(r"(\d{5})(?:\.\d+)?")


class BadDate(ValueError):
    """A date that does not exist (`impossible_date`) or cannot be read safely (`unreadable_date`)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def parse_date(cell: object, year: int | None = None) -> date:
    """The day a cell means; `year` is the ledger's, for "4月22日". Raises `BadDate`.

    Two-digit years are of this century and must lie near the ledger's year; with slashes they are refused,
    because spreadsheets set to English write month/day/year so. A time of day is dropped.
    """
    if isinstance(cell, date):
        return _existing(cell.year, cell.month, cell.day)
    text = _plain(display(cell))
    if found := _COMPACT.fullmatch(text) or _FULL.fullmatch(text):
        return _existing(_year(found, year), int(found["month"]), int(found["day"]))
    found = _NO_YEAR.fullmatch(text)
    if found and year is not None:
        return _existing(year, int(found["month"]), int(found["day"]))
    raise BadDate("unreadable_date")


def unserial(cell: object, epoch: datetime = EXCEL_EPOCH) -> object:
    """A spreadsheet's day number, as number or as text, turned into its date; any other cell unchanged."""
    if isinstance(cell, bool) or not isinstance(cell, (int, float, str)):
        return cell
    found = _SERIAL.fullmatch(unicodedata.normalize("NFKC", display(cell)))
    if found and int(found[1]) in _SERIALS:
        return (epoch + timedelta(days=int(found[1]))).date()
    return cell


def _plain(text: str) -> str:
    text = _WEEKDAY.sub(" ", unicodedata.normalize("NFKC", text)).strip().lstrip("'‘’`")
    return _NUMERAL.sub(lambda found: _arabic(found[0]), text.replace("元月", "1月")).strip()


def _arabic(numeral: str) -> str:
    if "十" not in numeral:
        return "".join(_DIGIT[character] for character in numeral)
    tens, _, ones = numeral.partition("十")
    return _DIGIT.get(tens, "1" if not tens else "?") + (_DIGIT.get(ones, "?") if ones else "0")


def _year(found: re.Match[str], ledger_year: int | None) -> int:
    if len(found["year"]) == 4:
        return int(found["year"])
    year = 2000 + int(found["year"])
    far = ledger_year is not None and abs(year - ledger_year) > _SHORT_YEAR_REACH
    if far or found["mark"] not in ("年", ".", "-"):
        raise BadDate("unreadable_date")
    return year


def _existing(year: int, month: int, day: int) -> date:
    try:
        found = date(year, month, day)
    except ValueError:
        raise BadDate("impossible_date") from None
    if found.year not in _YEARS:
        raise BadDate("impossible_date")
    return found
