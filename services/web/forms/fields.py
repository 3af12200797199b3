"""A JSON Schema of an action's form as fields that a template can draw."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = "a."
"""Before the name of every answer: it keeps answers apart from what else a form sends."""

MOST_SEGMENTS = 4
"""Up to so many options lie side by side."""

SEARCHED_FROM = 9
"""From so many options on, one is found by typing."""

_TEXT_FROM = 1000
_LONG_LINE = 200
_OF_ENGINE = {"month": "个月", "day": "日", "workday": "个工作日"}


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `kind` names the control:

    line, text, date, number, switch (a boolean that has a default), yesno (one that has none), choice, choices,
    person, unit, matter (one picked, or several where `many`), files, group (one form in the form) and rows
    (several). `path` is dotted, as objections name it; `fields` are those of a group or of each row.
    """

    name: str
    path: str
    label: str
    kind: str
    required: bool = False
    many: bool = False
    options: tuple[Option, ...] = ()
    fields: tuple["Field", ...] = ()
    initial: str = ""
    most: int | None = None
    least: int | None = None
    sealed: bool = False
    not_future: bool = False

    @property
    def segmented(self) -> bool:
        return self.kind == "yesno" or (self.kind == "choice" and len(self.options) <= MOST_SEGMENTS)

    @property
    def searched(self) -> bool:
        return self.kind in ("choice", "choices") and len(self.options) >= SEARCHED_FROM

    @property
    def wide(self) -> bool:
        """Whether it takes the whole width of the form."""
        long = self.kind == "line" and self.required and (self.most or 0) >= _LONG_LINE
        return long or self.many or self.kind in ("text", "files", "group", "rows", "choices")

    @property
    def hint(self) -> str:
        if self.sealed:
            return "单独加密保存，不进入办理记录、列表和导出"
        if self.not_future:
            return "不得晚于今天"
        if self.kind in ("rows", "person") and (self.least or 0) > 1:
            return f"至少 {self.least} {'人' if self.kind == 'person' else '项'}"
        return {"matter": "输入编号或标题查找，只能选您有权查看的事项"}.get(self.kind, "")


def read_fields(schema: Mapping[str, Any]) -> tuple[Field, ...]:
    """Return the fields of a form in its own order."""
    return tuple(_fields(schema, schema.get("$defs", {}), ""))


def every(fields: tuple[Field, ...]) -> Iterator[Field]:
    """Yield the fields and those inside them."""
    for field in fields:
        yield field
        yield from every(field.fields)


def _fields(schema: Mapping[str, Any], known: Mapping[str, Any], above: str) -> Iterator[Field]:
    required = set(schema.get("required", ()))
    for name, declared in schema.get("properties", {}).items():
        if not (flat := _flat(declared, known)).get("x-from-parent"):
            yield _field(name, above + name, flat, known, name in required)


def _field(name: str, path: str, found: Mapping[str, Any], known: Mapping[str, Any], required: bool) -> Field:
    many = found.get("type") == "array"
    inner = _flat(found.get("items", {}), known) if many else found
    kind = _kind(found, inner, many, required)
    return Field(
        name=name, path=path, label=str(found.get("title") or name), kind=kind,
        required=required or bool(found.get("minItems")), many=many and kind in ("person", "unit", "matter"),
        options=_options(inner), fields=tuple(_fields(inner, known, f"{path}.")) if kind in ("group", "rows") else (),
        initial=_initial(found.get("default"), kind),
        most=found.get("maxItems") if many else found.get("maxLength") or found.get("maximum"),
        least=found.get("minItems") if many else found.get("minimum"),
        sealed=bool(found.get("x-sealed")), not_future=bool(found.get("x-not-future")),
    )  # fmt: skip


def _kind(found: Mapping[str, Any], inner: Mapping[str, Any], many: bool, required: bool) -> str:
    match inner:
        case {"x-ref": "attachment"}:
            return "files"
        case {"x-ref": str(reference)}:
            return reference
        case {"properties": _}:
            return "rows" if many else "group"
        case {"enum": _}:
            return "choices" if many else "choice"
        case {"type": "boolean"}:
            return "yesno" if required else "switch"
        case {"type": "integer" | "number"}:
            return "number"
        case {"format": "date" | "date-time"}:
            return "date"
        case {"format": "textarea"}:
            return "text"
    return "text" if (found.get("maxLength") or 0) >= _TEXT_FROM else "line"


def _flat(declared: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Put what stands in references and in the first of several types beside the field's own keys."""
    flat = {key: value for key, value in declared.items() if key not in ("anyOf", "$ref")}
    if "$ref" in declared:
        flat = _flat(known[declared["$ref"].rsplit("/", 1)[-1]], known) | flat
    for way in declared.get("anyOf", ()):
        if way.get("type") != "null":
            return _flat(way, known) | flat
    return flat


def _options(inner: Mapping[str, Any]) -> tuple[Option, ...]:
    labels = {**_OF_ENGINE, **inner.get("x-labels", {})}
    return tuple(Option(str(code), labels.get(code, str(code))) for code in inner.get("enum", ()) if code is not None)


def _initial(default: Any, kind: str) -> str:
    if kind == "switch":
        return "true" if default else ""
    return "" if default is None or isinstance(default, list | tuple) else str(default)
