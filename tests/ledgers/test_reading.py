"""Ledgers as offices keep them become rows and rejections; nothing is lost, nothing is invented."""

import dataclasses
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest

from services.ledgers.known import Known
from services.ledgers.reading import LedgerReading, read_ledger
from services.ledgers.reasons import REASONS
from tests.ledgers.conftest import HEADINGS, line

Read = Callable[..., LedgerReading]


def test_the_countys_ledger(real_ledger: Path, known: Known) -> None:
    assert read_ledger(real_ledger, known).counts() == {
        "rows": 240,
        "importable": 214,
        "rejected": 26,
        "reasons": {
            "unknown_class": 9,
            "missing_received_date": 6,
            "number_used_twice": 4,
            "unknown_unit": 3,
            "ended_before_received": 2,
            "impossible_date": 2,
        },
        "out_of_scope": 31,
        "anonymous": 97,
        "ended": 139,
    }


def test_a_row_says_all_that_the_line_does(read: Read) -> None:
    cells = {
        "编号": "信访〔2016〕１２号",
        "来信日期": "２０１６年１月７日",
        "信访形式": "来信件 ",
        "是否实名": "是",
        "信访人": "王 某某",
        "手机": 13800000000.0,
        "被举报人": "李某",
        "工作单位": "上河村（原）",
        "职务": "村支书",
        "问题性质": "税收",
        "内容摘要": "反映，请核查。",
        "类别": "限时",
        "转办单位": "柳河乡纪委",
        "转办时间": datetime(2016, 1, 8, 9, 30),
        "办结时限": "2016年2月20日前",
        "处置意见": "暂存",
        "结案日期": "16.2.5",
        "备注": "重复件",
    }
    [row] = read([["县纪委信访台账"], cells, cells.values()]).rows
    assert dataclasses.asdict(row) | {"raw": None} == {
        "sheet": "Sheet1",
        "line": 3,
        "ledger": "县纪委信访台账",
        "number": "信访〔2016〕12号",
        "received_on": date(2016, 1, 7),
        "channel": "letter",
        "anonymous": False,
        "complainant": "王某某",
        "phone": "13800000000",
        "reported_name": "李某",
        "reported_unit_text": "上河村（原）",
        "reported_post": "村支书",
        "problem": "税收",
        "problem_code": "税收",
        "out_of_scope": True,
        "summary": "反映，请核查。",
        "petition_class": "date_given",
        "unit_id": 5,
        "assigned_on": date(2016, 1, 8),
        "due_on": date(2016, 2, 20),
        "disposition": "暂存",
        "ended_on": date(2016, 2, 5),
        "remark": "重复件",
        "raw": None,
    }
    assert row.raw["手机"] == "13800000000"
    assert row.raw["转办时间"] == "2016-01-08 09:30"


@pytest.mark.parametrize(
    ("changed", "codes"),
    [
        ({"件类": "特急件"}, ["unknown_class"]),
        ({"件类": None}, ["missing_class"]),
        ({"件类": "限时"}, ["missing_due_date"]),
        ({"收件日期": None}, ["missing_received_date"]),
        ({"收件日期": "/"}, ["missing_received_date"]),
        ({"收件日期": "2016-02-30"}, ["impossible_date"]),
        ({"收件日期": "5/6/2016"}, ["unreadable_date"]),
        ({"收件日期": "同上"}, ["nothing_above", "unreadable_date"]),
        ({"承办单位": "县不存在单位"}, ["unknown_unit"]),
        ({"承办单位": ""}, ["missing_unit"]),
        ({"来源": "飞鸽"}, ["unknown_channel"]),
        ({"来源": None}, ["missing_channel"]),
        ({"办结日期": "2016-01-19"}, ["ended_before_received"]),
        ({"办结日期": "2016-01-32"}, ["impossible_date"]),
        ({"序号": None}, ["missing_number"]),
        (
            {"件类": "特急件", "收件日期": None, "办结日期": "2016-02-30"},
            ["unknown_class", "missing_received_date", "impossible_date"],
        ),
    ],
)
def test_every_reason_is_given_in_the_order_of_counting(
    read: Read, changed: dict[str, object], codes: list[str]
) -> None:
    reading = read([HEADINGS, line(**changed)])
    [rejection] = reading.rejections
    assert [found.code for found in rejection.reasons] == sorted(codes, key=list(REASONS).index)
    assert reading.counts()["reasons"] == {rejection.code: 1}
    assert rejection.zh.endswith("。") and rejection.en


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ({"交办日期": "2016-01-19"}, "assigned_before_received"),
        ({"限办日期": "2016-01-19"}, "due_before_received"),
        ({"处置方式": "另行处理"}, "unknown_disposition"),
    ],
)
def test_reasons_of_further_columns(read: Read, extra: dict[str, str], code: str) -> None:
    assert read([[*HEADINGS, *extra], [*line(), *extra.values()]]).counts()["reasons"] == {code: 1}


def test_the_first_line_with_a_number_keeps_it_even_if_rejected(read: Read) -> None:
    reading = read([HEADINGS, line(1, 件类="特急件"), line("１ "), line(2), line(2.0)])
    assert [(one.line, one.code) for one in reading.rejections] == [
        (2, "unknown_class"),
        (3, "number_used_twice"),
        (5, "number_used_twice"),
    ]
    assert [row.line for row in reading.rows] == [4]


def test_registered_numbers_hold_for_the_whole_book(read: Read) -> None:
    headings = ("编号", *HEADINGS[1:])
    reading = read({"一月": [["台账"], headings, line("A1")], "二月": [["台账"], headings, line("Ａ１")]})
    assert reading.counts()["reasons"] == {"number_used_twice": 1}
    assert "工作表“一月”第3行" in reading.rejections[0].zh


def test_a_ledger_without_numbers_gets_them_from_its_lines(read: Read) -> None:
    rows = [HEADINGS[1:], line()[1:], line(被反映人="李某")[1:], line()[1:]]
    reading = read(rows)
    assert reading.counts()["reasons"] == {"repeated_line": 1}
    assert len({row.number for row in reading.rows}) == 2
    assert [row.number for row in read([["台账.xlsx 的新版"], *rows]).rows] == [row.number for row in reading.rows]


def test_the_key_survives_handling_and_holds_nothing_of_the_complainant(read: Read) -> None:
    first, later, other = (
        read([HEADINGS, line(**changed)]).rows[0]
        for changed in (
            {},
            {"办结日期": "2016-03-01", "实名/匿名": "实名", "举报人": "王某"},
            {"被反映人": "李某"},
        )
    )
    assert first.key == later.key != other.key


@pytest.mark.parametrize(
    ("heading", "said", "name", "anonymous"),
    [
        ("实名/匿名", "匿名", None, True),
        ("实名/匿名", "实名", "王某", False),
        ("是否实名", "否", None, True),
        ("是否实名", "是", "王某", False),
        ("是否匿名", "是", None, True),
        ("是否匿名", "否", "王某", False),
        ("实名/匿名", None, "王某", False),
        ("实名/匿名", None, "匿名", True),
        ("实名/匿名", None, None, True),
    ],
)
def test_anonymous(read: Read, heading: str, said: str | None, name: str | None, anonymous: bool) -> None:
    headings = [heading if one == "实名/匿名" else one for one in HEADINGS]
    [row] = read([headings, line(**{"实名/匿名": said, "举报人": name})]).rows
    assert row.anonymous is anonymous
    assert row.complainant == (None if name == "匿名" else name)


def test_the_reporting_unit_stands_in_for_a_missing_column(read: Read) -> None:
    rows = [[cell for i, cell in enumerate(row) if i != 8] for row in (HEADINGS, line())]
    assert read([["台账"], ["填报单位（盖章）：青山镇纪委 填报时间：2016年"], *rows]).rows[0].unit_id == 7
    assert read([["台账"], *rows]).counts()["reasons"] == {"missing_unit": 1}


@pytest.mark.parametrize("said", ["在办", "未办结", "—", "无", ""])
def test_an_open_petition_has_no_end(read: Read, said: str) -> None:
    assert read([HEADINGS, line(办结日期=said)]).rows[0].ended_on is None
