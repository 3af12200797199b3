"""What is wrong with a form, in Chinese and beside the field it is about."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.web.forms.fields import Field, every

_DATE = "请按 年-月-日 填写日期，如 2026-03-01"
_SAID = {
    "missing": "请填写此项", "string_too_short": "请填写此项", "too_short": "数量不足，请补充",
    "string_too_long": "超过字数上限，请精简", "too_long": "超过数量上限，请减少",
    "int_parsing": "请填写整数", "int_type": "请填写整数", "int_from_float": "请填写整数",
    "int_parsing_size": "数字过大",
    "decimal_parsing": "请填写数字", "decimal_max_places": "最多保留两位小数",
    "bool_parsing": "请选择“是”或“否”", "bool_type": "请选择“是”或“否”",
    "date_parsing": _DATE, "date_from_datetime_parsing": _DATE, "date_type": _DATE,
    "datetime_parsing": _DATE, "datetime_from_date_parsing": _DATE, "value_error": "填写有误，请更正",
    "literal_error": "请从所列选项中选择", "extra_forbidden": "不应有此项内容",
    "greater_than_equal": "不得小于下限", "less_than_equal": "不得大于上限",
}  # fmt: skip
_CHOSEN = frozenset({"person", "unit", "matter", "yesno"})
_OTHERWISE = "填写有误，请更正"
_LIMITED = {"greater_than_equal": "不得小于 {}", "less_than_equal": "不得大于 {}", "string_too_long": "不得超过 {} 字",
            "too_short": "至少 {} 项", "too_long": "最多 {} 项"}  # fmt: skip


@dataclass(frozen=True)
class Objections:
    """`at` holds one sentence a place, by dotted path; `general` what concerns the form as a whole."""

    at: Mapping[str, str] = field(default_factory=dict)
    general: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.at) + len(self.general)


def read_objections(errors: Iterable[Mapping[str, Any]], fields: tuple[Field, ...]) -> Objections:
    """Put each objection of the engine ({field, code, zh}) where its field stands; the first of a place counts."""
    known = {one.path: one for one in every(fields)}
    at: dict[str, str] = {}
    general: list[str] = []
    for error in errors:
        path = _place(error["field"], known)
        said = error["zh"] or _sentence(error["code"], known.get(_bare(path)))
        if path:
            at.setdefault(path, said)
        elif said not in general:
            general.append(said)
    return Objections(at, tuple(general))


def _place(path: str, known: Mapping[str, Field]) -> str:
    """The longest part of the path that is a field on the page; a field of a row needs the row's number."""
    parts = path.split(".") if path else []
    while parts:
        here = ".".join(parts)
        if (found := known.get(_bare(here))) and (here != found.path or not _in_rows(found, known)):
            return here
        parts.pop()
    return ""


def _in_rows(found: Field, known: Mapping[str, Field]) -> bool:
    above = known.get(found.path.rpartition(".")[0])
    return above is not None and above.kind == "rows"


def _bare(path: str) -> str:
    """The path without numbers of rows."""
    return re.sub(r"\.[0-9]+(?=\.)", "", path)


def _sentence(code: str, found: Field | None) -> str:
    limit = found and {"less_than_equal": found.most, "string_too_long": found.most, "too_long": found.most,
                       "greater_than_equal": found.least, "too_short": found.least}.get(code)  # fmt: skip
    if limit is not None and code in _LIMITED:
        return _LIMITED[code].format(limit)
    if code == "missing" and found is not None and (found.options or found.kind in _CHOSEN):
        return "请选择"
    return _SAID.get(code, _OTHERWISE)
