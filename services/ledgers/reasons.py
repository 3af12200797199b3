"""Why a line of a ledger is given back, in the order in which one with several reasons is counted."""

from dataclasses import dataclass

REASONS: dict[str, tuple[str, str]] = {
    "unknown_class": (
        "件类“{value}”不在件类表中，应为：{known}",
        "the class {value!r} is not on the list; use one of {known}",
    ),
    "missing_received_date": ("收件日期未填写", "the date received is missing; fill it in"),
    "number_used_twice": (
        "编号“{value}”与{zh_at}重复，请改用未用过的编号",
        "the number {value!r} is used already ({en_at}); give this line another",
    ),
    "repeated_line": (
        "与{zh_at}内容相同；如确为两件，请增加“编号”一栏分别编号",
        "the same as {en_at}; if these are two petitions, add a column 编号 and number them",
    ),
    "unknown_unit": (
        "承办单位“{value}”不在单位名录中，请按名录填写全称",
        "the unit {value!r} is not in the organisation tree; write its name as there",
    ),
    "ended_before_received": (
        "办结日期{value}早于收件日期{received}，请核对",
        "ended on {value}, before it was received on {received}; correct one of them",
    ),
    "impossible_date": (
        "“{heading}”一栏的“{value}”不是实有日期，请核对",
        "{heading}: {value!r} is no day of the calendar; correct it",
    ),
    "unreadable_date": (
        "“{heading}”一栏的“{value}”无法识别，请写成2016-01-07的样式",
        "{heading}: {value!r} cannot be read as a date; write it like 2016-01-07",
    ),
    "nothing_above": (
        "“{heading}”一栏写“同上”，但上面没有内容，请直接填写",
        "{heading}: ditto with nothing above it; write it out",
    ),
    "missing_number": ("编号未填写", "the number is missing; give the line one"),
    "missing_class": ("件类未填写，应为：{known}", "the class is missing; use one of {known}"),
    "missing_unit": ("承办单位未填写", "the handling unit is missing; fill it in"),
    "missing_channel": ("来源未填写，应为：{known}", "the channel is missing; use one of {known}"),
    "unknown_channel": (
        "来源“{value}”不在来源表中，应为：{known}",
        "the channel {value!r} is not on the list; use one of {known}",
    ),
    "unknown_disposition": (
        "处置方式“{value}”不在处置方式表中，应为：{known}",
        "the disposition {value!r} is not on the list; use one of {known}",
    ),
    "missing_due_date": (
        "件类“{value}”须填写限办日期",
        "the class {value!r} needs the date by which it is due; fill it in",
    ),
    "assigned_before_received": (
        "交办日期{value}早于收件日期{received}，请核对",
        "assigned on {value}, before it was received on {received}; correct one of them",
    ),
    "due_before_received": (
        "限办日期{value}早于收件日期{received}，请核对",
        "due on {value}, before it was received on {received}; correct one of them",
    ),
    "in_the_future": ("{heading}{value}晚于今天，请核对", "{heading}: {value} has not come yet; correct it"),
}
"""Code to Chinese and English sentence; the order of the entries is the order of counting.

What the engine refuses has its own codes and is counted after these.
"""

MENDED_IN = {
    "missing_received_date": "received_on",
    "missing_channel": "channel",
    "missing_class": "petition_class",
    "missing_unit": "unit",
    "missing_due_date": "due_on",
    "repeated_line": "number",
}
"""Codes for what is missing, to the field in which it is to be filled in."""

ORDER = {code: place for place, code in enumerate(REASONS)}


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing to mend on a line; `code` is stable."""

    code: str
    zh: str
    en: str


def reason(code: str, **values: object) -> Reason:
    """The reason `code` with its sentences filled in."""
    zh, en = REASONS[code]
    return Reason(code, zh.format(**values), en.format(**values))
