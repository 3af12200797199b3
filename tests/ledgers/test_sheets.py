"""Whatever the layout of the sheet, its petitions are found, and nothing else is taken for one."""

from collections.abc import Callable
from datetime import date

import openpyxl
import pytest

from services.ledgers.known import Known
from services.ledgers.reading import LedgerReading, read_ledger
from services.ledgers.tables import LedgerUnreadable
from tests.ledgers.conftest import HEADINGS, Make, line

Read = Callable[..., LedgerReading]


def test_what_is_no_petition_is_left_out(read: Read) -> None:
    body = [
        ["", None, "  "],
        line(1),
        ["一、来信类"],
        line(2),
        ["小 计", None, "2件"],
        HEADINGS,
        line(3),
        [4],
        ["合计", None, "3件"],
        [None, "总计：3件"],
        ["填表人：张某", None, None, "审核人：李某"],
        ["注：本表一式两份"],
    ]
    reading = read([["2016年台账"], ["填报时间：2016年12月31日"], [], HEADINGS, *body])
    assert [(row.number, row.line) for row in reading.rows] == [("1", 6), ("2", 8), ("3", 11)]
    assert reading.counts()["rows"] == 3
    assert [(note.line, "一、来信类" in note.zh) for note in reading.notes] == [(7, True)]


def test_ditto_takes_what_stands_above(read: Read) -> None:
    reading = read([HEADINGS, line(1), line(2, "同上", 来源="〃", 被反映人="″", 主要内容=" 同 上 "), line(3, "〃")])
    assert [row.received_on for row in reading.rows] == [date(2016, 1, 20)] * 3
    assert (reading.rows[1].channel, reading.rows[1].summary) == ("letter", "内容")
    assert reading.rows[1].raw["被反映人"] == "冯某"


def test_cells_merged_downwards_count_for_each_line(read: Read) -> None:
    rows = [HEADINGS, line(1), line(2, 承办单位=None, 收件日期=None), line(3, 承办单位=None)]
    reading = read(rows, merge=["I2:I4", "B2:B3"])
    assert [row.unit_id for row in reading.rows] == [5, 5, 5]
    assert reading.rows[1].received_on == date(2016, 1, 20)


def test_headings_in_two_lines_and_merged(read: Read) -> None:
    upper = ["序号", "收件日期", "来源", "举报人", None, "被反映人", None, "内容", "件类", "承办单位"]
    lower = [None, None, None, "姓名", "电话", "姓名", "单位", None, None, None]
    cells = [1, "2016.1.7", "来电", "王某", "138", "李某", "上河村", "内容", "一般", "柳河乡纪委"]
    for merge in ([], ["A2:A3", "B2:B3", "C2:C3", "D2:E2", "F2:G2", "H2:H3", "I2:I3", "J2:J3", "A1:J1"]):
        [row] = read([["台账"], upper, lower, cells], merge=merge).rows
        assert (row.complainant, row.phone, row.reported_name) == ("王某", "138", "李某")
        assert (row.reported_unit_text, row.anonymous, row.line) == ("上河村", False, 4)


def test_group_headings_that_say_nothing_by_themselves(read: Read) -> None:
    upper = ["序号", "登记情况", None, "举报人", "被反映人", "办理情况", None, "备注"]
    lower = [None, "收件日期", "来源", "姓名", "姓名", "件类", "承办单位", None]
    cells = [1, "2016.1.7", "来电", "王某", "李某", "一般", "柳河乡纪委", "急"]
    for merge in ([], ["A1:A2", "B1:C1", "F1:G1", "H1:H2"]):
        [row] = read([upper, lower, cells, upper, lower], merge=merge).rows
        assert (row.number, row.complainant, row.reported_name, row.remark) == ("1", "王某", "李某", "急")


def test_days_without_a_year_take_it_from_the_title_then_the_report_then_the_sheet(read: Read) -> None:
    rows = [HEADINGS, line(1, "4月22日")]
    for head, sheet, year in (
        ([["2015年台账"], ["填报时间：2016年1月5日"]], "x", 2015),
        ([["信访台账"], ["填报时间：２０１６年1月5日"]], "x", 2016),
        ([["信访台账"]], "2014年", 2014),
    ):
        [row] = read({sheet: [*head, *rows]}).rows
        assert row.received_on == date(year, 4, 22)
    assert read(rows, name="2013台账.xlsx").rows[0].received_on.year == 2013
    assert read([["2015-2016年台账"], *rows]).counts()["reasons"] == {"unreadable_date": 1}


def test_several_sheets_count_their_serial_numbers_apart(read: Read) -> None:
    sheets = {
        "一月": [HEADINGS, line(1), line(2)],
        "二月": [HEADINGS, line(1)],
        "说明": [["填表须知"]],
        "空": [],
    }
    reading = read(sheets)
    assert [(row.sheet, row.number) for row in reading.rows] == [("一月", "1"), ("一月", "2"), ("二月", "1")]
    assert len({(row.ledger, row.number) for row in reading.rows}) == 3
    assert [note.sheet for note in reading.notes] == ["说明"]


def test_text_files_read_like_workbooks(text_file: Make, known: Known) -> None:
    rows = [["2016年台账"], [], HEADINGS, line("1", "4月22日"), line("2", "42482"), ["合计", "2件"]]
    reading = read_ledger(text_file(rows, "gb18030", "\t"), known)
    assert [row.received_on for row in reading.rows] == [date(2016, 4, 22), date(2016, 4, 22)]


def test_no_ledger_in_the_file(xlsx: Make, known: Known) -> None:
    with pytest.raises(LedgerUnreadable) as caught:
        read_ledger(xlsx([["姓名", "单位", "职务", "电话"], ["王某", "县纪委", "干部", "1"]]), known)
    assert caught.value.extra["why"] == "no_ledger"


def test_hidden_sheets_are_left_out(xlsx: Make, known: Known) -> None:
    path = xlsx({"台账": [HEADINGS, line()], "旧": [HEADINGS, line()]})
    book = openpyxl.load_workbook(path)
    book["旧"].sheet_state = "hidden"
    book.save(path)
    reading = read_ledger(path, known)
    assert (len(reading.rows), [note.sheet for note in reading.notes]) == (1, ["旧"])
