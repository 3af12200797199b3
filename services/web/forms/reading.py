"""What a browser sent of a form: kept as it was typed, and as the JSON answers the engine takes."""

import re
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from services.web.forms.fields import PREFIX, Field

MOST_ROWS = 100
Sent = Iterable[tuple[str, Any]]


class Typed:
    """Everything typed, by dotted path; `answers()` reads it, `one()`, `all()` and `rows()` show it again.

    Rows are numbered anew, without those left empty: objections count them as the answers do.
    """

    def __init__(self, sent: Sent, fields: tuple[Field, ...]) -> None:
        self._texts: dict[str, list[str]] = {}
        for name, value in sent:
            if name.startswith(PREFIX) and isinstance(value, str):
                self._texts.setdefault(name.removeprefix(PREFIX), []).append(value)
        for field in fields:
            if field.kind == "rows":
                self._renumber(field)

    @classmethod
    def initial(cls, fields: tuple[Field, ...]) -> "Typed":
        """A form that nobody has typed in: its defaults, and the rows it cannot do without."""
        made = cls([(PREFIX + field.path, field.initial) for field in fields if field.initial], fields)
        for field in fields:
            if field.kind == "rows":
                for index in range(max(field.least or 0, 1)):
                    made._texts[f"{field.path}.{index}"] = [""]
        return made

    def one(self, path: str) -> str:
        return self._texts.get(path, [""])[0]

    def all(self, path: str) -> list[str]:
        return [text for text in self._texts.get(path, ()) if text]

    def rows(self, path: str, least: int = 0) -> list[int]:
        """The numbers of the rows to show, empty ones to make up the least."""
        return list(range(max(least, len({key.split(".")[0] for key in self._below(path)}))))

    def answers(self, fields: tuple[Field, ...], above: str = "") -> dict[str, Any]:
        """Return what the engine is given; what was left empty is left out, and so gets its default."""
        found = {field.name: self._answer(field, above + field.name) for field in fields}
        return {name: value for name, value in found.items() if value is not None}

    def _answer(self, field: Field, path: str) -> Any:
        match field.kind:
            case "group":
                inner = self.answers(field.fields, f"{path}.")
                return inner or None
            case "rows":
                made = [self.answers(field.fields, f"{path}.{index}.") for index in self.rows(path)]
                return [row for row in made if row] or None
            case "switch":
                return self.one(path) == "true"
            case "choices":
                return self.all(path) or None
            case "files":
                return [_number(text.partition("|")[0]) for text in self.all(path)] or None
            case _ if field.many:
                return [_number(text) for text in self.all(path)] or None
        text = self.one(path).strip()
        if not text:
            return None
        if field.kind == "yesno":
            return text == "true"
        return _number(text) if field.kind in ("number", "person", "unit", "matter") else text

    def _below(self, path: str) -> list[str]:
        return [key.removeprefix(f"{path}.") for key in self._texts if key.startswith(f"{path}.")]

    def _renumber(self, field: Field) -> None:
        rows: dict[int, dict[str, list[str]]] = {}
        for key in self._below(field.path):
            if numbered := re.fullmatch(r"([0-9]{1,6})\.(.+)", key):
                rows.setdefault(int(numbered[1]), {})[numbered[2]] = self._texts[f"{field.path}.{key}"]
            del self._texts[f"{field.path}.{key}"]
        filled = [row for _, row in sorted(rows.items()) if any(text.strip() for text in chain(*row.values()))]
        for index, row in enumerate(filled[:MOST_ROWS]):
            self._texts |= {f"{field.path}.{index}.{name}": texts for name, texts in row.items()}


def picked(typed: Typed, fields: tuple[Field, ...], above: str = "") -> Mapping[str, set[int]]:
    """Return the ids that were picked, by what they are ids of."""
    found: dict[str, set[int]] = {"person": set(), "unit": set(), "matter": set()}
    for field in fields:
        path = above + field.name
        if field.kind in found:
            found[field.kind] |= {int(text) for text in typed.all(path) if isinstance(_number(text), int)}
        for inner in _inner(typed, field, path):
            for kind, ids in picked(typed, field.fields, inner).items():
                found[kind] |= ids
    return found


def _inner(typed: Typed, field: Field, path: str) -> list[str]:
    if field.kind == "group":
        return [f"{path}."]
    return [f"{path}.{index}." for index in typed.rows(path)] if field.kind == "rows" else []


def _number(text: str) -> int | str:
    """A whole number; what is none stays a text, which the form refuses with its own words."""
    text = text.strip()
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII) else text
