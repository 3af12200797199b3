"""Which column of a ledger is which: headings by pattern, whatever their order, wording and layout."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from services.ledgers.text import display, fold, without_asides

# Fields are claimed from top to bottom and, within one field, by the first pattern that fits a free column,
# so the narrow patterns come first.
PATTERNS: dict[str, tuple[str, ...]] = {
    "returned_for": ("退回原因",),
    "serial": (".*序号", "编次"),
    "number": (".*(信访|登记|受理|收件|来件|举报|台账)(件)?(编号|号|号码)", ".*(编号|件号|流水号)"),
    "phone": ("(?!被).*(电话|手机|手机号|手机号码|电话号码|联系方式|联系号码)",),
    "named": (".*(是否)?(实名|匿名|具名|署名)(与否|情况|举报|或匿名|匿名|/匿名|、匿名)?",),
    "due_on": (".*(限办|限结|期限|时限|截止|到期|限期|应办结|要求办结|应结|规定办结).*",),
    "ended_on": (".*(办结|结案|结件|结办|了结|办毕|办理完毕|处理完毕|完成)(日期|时间)",),
    "assigned_on": (".*(交办|转办|批转|批办|分办|转交|交转|移交|派发|分流)(日期|时间)",),
    "received_on": (
        ".*(收件|收到|收信|接收|接件|接访|接信|来件|来信|来访|来电|收文|举报|信访)(日期|时间)",
        ".*登记(日期|时间)",
        ".*受理(日期|时间)",
        "日期|时间",
    ),
    "reported_post": (".*(?<!单位)(?<!单位及)(?<!单位和)职务(职级|级别|/职级)?", "职级"),
    "reported_unit_text": (".*(所在|工作)单位(.*职务)?", "被.*单位(.*职务)?", "单位(.*职务)?"),
    "reported_name": (
        ".*被(反映|举报|检举|控告|检举控告|投诉|信访)(人|人员|对象|者)(.*姓名)?",
        ".*(反映|举报)对象",
        "姓名",
    ),
    "complainant": (".*(?<!被)(举报|信访|来信|来访|来电|反映|检举|控告|投诉|来件|署名)(人|者)(.*姓名)?",),
    "problem": (".*问题(类别|类型|性质|分类|种类)", ".*(反映|举报|违纪)(类别|性质|类型)", "性质"),
    "summary": (
        ".*(主要|反映|举报|信访|来信|线索)(内容|事项|情况)",
        ".*(内容|问题|案情|事项)(摘要|概要|简述|简介|概述)",
        ".*反映的?(主要)?问题",
        "主要(反映)?问题",
        "内容|摘要|事由",
    ),
    "unit": (
        ".*(承办|主办|经办|责任|办理)(单位|部门|科室|机关|乡镇|室)",
        ".*(转办|转交|交办|分办|批转)(单位|部门|去向|至)",
        "去向|承办",
    ),
    "disposition": (".*(处置|办理)(方式|类别|类型|建议|分类)", "处理方式|处置意见|处置|处置情况"),
    "petition_class": (
        ".*件类(别|型)?",
        ".*(案件|办理|办件|难易|复杂)(类别|类型|程度|分类)",
        "件别|类别|分类",
    ),
    "channel": (
        ".*(信访|举报|反映|来件|来信|受理)(形式|方式|渠道|来源|途径)",
        ".*(线索|问题|信件|案件)来源",
        "来源|渠道|形式|方式|来源(形式|方式|渠道)|信访(类别|类型)",
    ),
    "remark": ("备注.*|附注|说明|备考",),
}
_LONGEST = 24
_COMPILED = {field: [re.compile(pattern) for pattern in patterns] for field, patterns in PATTERNS.items()}
_TELLING = frozenset({"channel", "petition_class", "summary", "problem", "unit", "disposition", "reported_name"})
_PART = re.compile(r"姓名|单位|职务|职级|性别|年龄|地址|住址|电话|联系电话|日期|时间|文号|级别|政治面貌|身份")

STANDARD_HEADINGS = {
    "number": "编号",
    "received_on": "收件日期",
    "channel": "来源",
    "petition_class": "件类",
    "unit": "承办单位",
    "due_on": "限办日期",
}
"""How a column that a ledger lacks is called where a person is asked to add it."""


@dataclass(frozen=True)
class Layout:
    """Where each known field stands (`fields`: name to column index) and every column's heading."""

    fields: dict[str, int]
    headings: tuple[str, ...]

    def heading(self, column: int) -> str:
        """The column's heading, "" where it has none."""
        return self.headings[column] if column < len(self.headings) else ""

    def heading_of(self, field: str) -> str:
        """The heading under which a field stands, or else the standard one."""
        return self.heading(self.fields[field]) if field in self.fields else STANDARD_HEADINGS.get(field, field)


def layout_of(cells: Sequence[object]) -> Layout | None:
    """The layout if this row of cells is a ledger's heading row, else None."""
    texts = [display(cell) for cell in cells]
    if any(text.isdecimal() for text in texts):
        return None
    layout = _assign(texts)
    known = layout.fields.keys()
    filled = sum(1 for heading in layout.headings if heading)
    enough = len(known) >= 3 and 3 * len(known) >= filled
    telling = len(known & _TELLING) + ("received_on" in known) * 2
    return layout if enough and telling >= 2 and len(known & _TELLING) else None


def two_line_layout(upper: Sequence[object], lower: Sequence[object]) -> Layout:
    """The layout of headings in two lines, the upper one naming groups (被反映人 over 姓名, 单位, 职务)."""
    tops, subs = ([display(cell) for cell in row] for row in (upper, lower))
    width = max(len(tops), len(subs))
    tops += [""] * (width - len(tops))
    subs += [""] * (width - len(subs))
    headings, group = [], ""
    for top, sub in zip(tops, subs, strict=True):
        group = top or (group if sub else "")
        joined = group + sub if sub != group else group
        headings.append(sub if _ranks(_bare(sub)) and not _ranks(_bare(joined)) else joined)
    return _assign(headings)


def completes_above(upper: Sequence[object], lower: Sequence[object]) -> bool:
    """True when `upper` holds headings for columns that the heading row `lower` leaves empty or repeats.

    (A heading merged over both lines is read in both.)
    """
    tops = [display(cell) for cell in upper]
    subs = [display(cell) for cell in lower] + [""] * len(tops)
    shared = [top for top, sub in zip(tops, subs, strict=False) if top and sub in ("", top)]
    return any(_ranks(_bare(heading)) for heading in shared)


def is_second_line(cells: Sequence[object]) -> bool:
    """True when every filled cell reads like a part of a heading (姓名, 单位, 日期 …)."""
    filled = [heading for cell in cells if (heading := _bare(display(cell)))]
    return bool(filled) and all(_PART.fullmatch(heading) or _ranks(heading) for heading in filled)


def recognised(cells: Sequence[object]) -> int:
    """How many fields a row of cells would name."""
    return len(_assign([display(cell) for cell in cells]).fields)


def _assign(headings: Sequence[str]) -> Layout:
    ranks = [_ranks(_bare(heading)) for heading in headings]
    fields: dict[str, int] = {}
    for field in PATTERNS:
        free = [column for column, rank in enumerate(ranks) if field in rank and column not in fields.values()]
        if free:
            fields[field] = min(free, key=lambda column: ranks[column][field])
    return Layout(fields, _distinct(headings))


@lru_cache(maxsize=8192)
def _ranks(heading: str) -> dict[str, int]:
    """Every field that a bare heading could name, with the place of the first of its patterns that fits."""
    if not 0 < len(heading) <= _LONGEST:
        return {}
    parts = [heading, *filter(None, re.split(r"[/、|]", heading))]
    return {
        field: fitting[0]
        for field, patterns in _COMPILED.items()
        if (fitting := [place for place, one in enumerate(patterns) if any(map(one.fullmatch, parts))])
    }


def _bare(heading: str) -> str:
    return without_asides(fold(heading)).strip("*★:;,.·※#")


def _distinct(headings: Sequence[str]) -> tuple[str, ...]:
    named: list[str] = []
    for heading in headings:
        text = re.sub(r"\s+", "", heading)
        again = sum(1 for earlier in named if earlier == text or earlier.startswith(f"{text} ("))
        named.append(f"{text} ({again + 1})" if text and again else text)
    return tuple(named)
