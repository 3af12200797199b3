"""Headings are known by their sense, in any order and wording."""

import pytest

from services.ledgers.columns import (
    completes_above,
    is_second_line,
    layout_of,
    two_line_layout,
)
from tests.ledgers.conftest import HEADINGS

SYNONYMS = {
    "serial": ["序号", " 序 号 "],
    "number": ["编号", "信访编号", "登记编号", "受理号", "信访件编号", "登记号"],
    "received_on": [
        "收件日期",
        "受理日期",
        "登记日期",
        "来信日期",
        "收 件\n时 间",
        "收件日期（必填）",
        "*来访时间",
        "日期",
        "信访时间",
    ],
    "channel": ["来源", "信访形式", "来源/信访形式", "举报方式", "线索来源", "反映渠道", "来件方式"],
    "named": ["实名/匿名", "是否实名", "实名、匿名", "是否匿名", "实名匿名", "署名情况"],
    "complainant": ["举报人", "信访人姓名", "来信人", "反映人", "检举控告人", "信访人（署名）"],
    "phone": ["联系电话", "电话", "举报人联系方式", "手机号码"],
    "reported_name": ["被反映人", "被举报人姓名", "被检举控告人", "反映对象", "被反映对象"],
    "reported_unit_text": [
        "所在单位",
        "工作单位",
        "被反映人单位",
        "被反映人工作单位",
        "单位及职务",
        "被反映单位",
    ],
    "reported_post": ["职务", "职务（职级）", "职务职级", "被反映人职务"],
    "problem": ["问题类别", "问题性质", "反映问题类别", "问题类型"],
    "summary": ["主要内容", "反映的主要问题", "内容摘要", "反映问题", "信访内容", "举报内容", "主要问题"],
    "petition_class": ["件类", "类别", "件别", "办理类别", "复杂程度", "件类（一般/限时）"],
    "unit": ["承办单位", "转办单位", "责任单位", "办理单位", "承办部门", "承办单位/转办单位"],
    "assigned_on": ["交办日期", "转办时间", "批转日期", "分办日期"],
    "due_on": ["限办日期", "办理期限", "截止时间", "要求办结日期", "办结时限", "应办结日期"],
    "disposition": ["处置方式", "处置意见", "处理方式", "处置建议"],
    "ended_on": ["办结日期", "办结时间", "结案日期", "实际办结日期", "了结日期"],
    "remark": ["备注", "备 注", "附注"],
    "returned_for": ["退回原因"],
}


@pytest.mark.parametrize(("field", "heading"), [(field, word) for field, words in SYNONYMS.items() for word in words])
def test_a_heading_names_its_field_among_the_others(field: str, heading: str) -> None:
    others = [words[0] for other, words in SYNONYMS.items() if other not in (field, "returned_for")]
    found = layout_of([*others, heading])
    assert found is not None
    assert found.fields[field] == len(others)


def test_the_nearest_to_receipt_wins_among_dates() -> None:
    found = layout_of(["受理日期", "登记日期", "收件日期", "来源", "件类"])
    assert found is not None
    assert found.fields["received_on"] == 2


@pytest.mark.parametrize(
    "cells",
    [
        ["县纪委监察局2016年信访举报件办理台账"],
        ["填报单位：青山镇纪委", "填报时间：2016年12月31日"],
        ["序号", "姓名", "单位", "职务", "联系电话"],
        ["1", "2016-08-20", "来访", "匿名", "杨某", "一般", "柳河乡纪委"],
        [],
    ],
)
def test_other_lines_are_no_headings(cells: list[str]) -> None:
    assert layout_of(cells) is None


def test_headings_in_two_lines() -> None:
    upper = ["序号", "收件日期", "来源", "举报人情况", None, "被反映人情况", None, None, "件类", "承办单位"]
    lower = [None, None, None, "姓名", "电话", "姓名", "单位", "职务", None, None]
    assert is_second_line(lower)
    fields = two_line_layout(upper, lower).fields
    assert (fields["complainant"], fields["phone"], fields["reported_name"]) == (3, 4, 5)
    assert (fields["reported_unit_text"], fields["reported_post"], fields["petition_class"]) == (6, 7, 8)


def test_a_line_of_groups_above_is_part_of_the_headings() -> None:
    upper = ["序号", "登记情况", None, "办理情况", None, "备注"]
    lower = [None, "收件日期", "来源", "承办单位", "办结日期", None]
    assert completes_above(upper, lower)
    assert set(two_line_layout(upper, lower).fields) == {
        "serial", "received_on", "channel", "unit", "ended_on", "remark",
    }  # fmt: skip


def test_a_title_is_no_part_of_the_headings() -> None:
    assert not completes_above(["县纪委2016年信访举报台账"], list(HEADINGS))


def test_equal_headings_stay_apart() -> None:
    found = layout_of(["收件日期", "来源", "件类", "备注", "备注"])
    assert found is not None
    assert found.headings[3:] == ("备注", "备注 (2)")
