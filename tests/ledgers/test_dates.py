"""Every manner of writing a date gives that date; nothing is guessed."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledgers.dates import EXCEL_EPOCH, BadDate, parse_date, unserial

DAYS = st.dates(date(1955, 1, 1), date(2099, 12, 31))
WIDE = str.maketrans("0123456789/.-", "０１２３４５６７８９／．－")
CHINESE = "〇一二三四五六七八九"


def in_chinese(day: date) -> str:
    def numeral(value: int) -> str:
        tens, ones = divmod(value, 10)
        lead = ("" if tens == 1 else CHINESE[tens]) + "十" if tens else ""
        return lead + (CHINESE[ones] if ones else "")

    return "".join(CHINESE[int(c)] for c in str(day.year)) + f"年{numeral(day.month)}月{numeral(day.day)}日"


MANNERS = {
    "dots": lambda d: f"{d.year}.{d.month}.{d.day}",
    "dots and a last one": lambda d: f"{d.year}.{d.month:02}.{d.day:02}.",
    "characters": lambda d: f"{d.year}年{d.month}月{d.day}日",
    "characters, 号": lambda d: f" {d.year} 年 {d.month} 月 {d.day} 号 ",
    "characters, no 日": lambda d: f"{d.year}年{d.month}月{d.day}",
    "full width": lambda d: f"{d.year}年{d.month}月{d.day}日".translate(WIDE),
    "full width marks": lambda d: f"{d.year}/{d.month}/{d.day}".translate(WIDE),
    "slashes, space": lambda d: f"{d.year}/{d.month}/{d.day} ",
    "backslashes": lambda d: f"{d.year}\\{d.month}\\{d.day}",
    "spaces": lambda d: f"{d.year} {d.month} {d.day}",
    "iso": lambda d: d.isoformat(),
    "iso with time": lambda d: f"{d.isoformat()} 09:30",
    "iso with T": lambda d: f"{d.isoformat()}T09:30:00",
    "mixed": lambda d: f"{d.year}年{d.month}.{d.day}",
    "weekday": lambda d: f"{d.year}年{d.month}月{d.day}日（星期三）上午9时30分",
    "apostrophe": lambda d: f"'{d.year}-{d.month}-{d.day}",
    "eight digits": lambda d: f"{d:%Y%m%d}",
    "eight digits, number": lambda d: int(f"{d:%Y%m%d}"),
    "chinese numerals": in_chinese,
    "date cell": lambda d: d,
    "date and time cell": lambda d: datetime(d.year, d.month, d.day, 9, 30),
    "serial": lambda d: (d - EXCEL_EPOCH.date()).days,
    "serial with time": lambda d: (d - EXCEL_EPOCH.date()).days + 0.395,
    "serial as text": lambda d: str((d - EXCEL_EPOCH.date()).days),
}


@pytest.mark.parametrize("manner", MANNERS)
@given(day=DAYS)
def test_every_manner_gives_the_day(manner: str, day: date) -> None:
    assert parse_date(unserial(MANNERS[manner](day))) == day


@given(day=DAYS)
def test_month_and_day_take_the_year_of_the_ledger(day: date) -> None:
    assert parse_date(f"{day.month}月{day.day}日", day.year) == day


@given(day=st.dates(date(2000, 1, 1), date(2099, 12, 31)), mark=st.sampled_from([".", "-"]))
def test_short_years_are_of_this_century(day: date, mark: str) -> None:
    assert parse_date(f"{day:%y}{mark}{day.month}{mark}{day.day}") == day


@given(day=DAYS)
def test_the_year_1904_system_counts_from_its_own_epoch(day: date) -> None:
    epoch = datetime(1904, 1, 1)
    serial = (day - epoch.date()).days
    if serial >= 20_000:
        assert unserial(serial, epoch) == epoch.date() + timedelta(days=serial) == day


def test_the_first_month_has_a_name_of_its_own() -> None:
    assert parse_date("2016年元月5日") == date(2016, 1, 5)


@pytest.mark.parametrize(
    "text",
    [
        "2016-02-30",
        "2015年2月29日",
        "2016.13.1",
        "20160431",
        "2016/0/3",
        "2016.1.32",
        "0216-01-02",
        "2161-1-2",
    ],
)
def test_days_that_do_not_exist(text: str) -> None:
    with pytest.raises(BadDate) as caught:
        parse_date(text)
    assert caught.value.code == "impossible_date"


@pytest.mark.parametrize(
    "cell",
    [
        "4/22/16",
        "05/06/16",
        "05/06/2016",
        "22.4.2016",
        "4.22",
        "4-22",
        4.22,
        "2016年4月",
        "2016",
        2016,
        201604,
        "2016.4.22-2016.4.25",
        "2016-04-29:30",
        "四月中旬",
        "十十十年一月一日",
        "待定",
        True,
        "4月22日",
    ],
)
def test_what_cannot_be_read_safely_is_refused(cell: object) -> None:
    with pytest.raises(BadDate) as caught:
        parse_date(unserial(cell))
    assert caught.value.code == "unreadable_date"


def test_a_short_year_far_from_the_ledgers_is_refused() -> None:
    assert parse_date("16.4.22", 2016) == date(2016, 4, 22)
    with pytest.raises(BadDate, match="unreadable_date"):
        parse_date("22.4.16", 2016)


@given(st.text(max_size=30) | st.floats() | st.integers())
def test_anything_else_is_a_date_or_a_bad_date(cell: object) -> None:
    try:
        assert isinstance(parse_date(unserial(cell), 2016), date)
    except BadDate as bad:
        assert bad.code in {"unreadable_date", "impossible_date"}
