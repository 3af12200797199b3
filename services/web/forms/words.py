"""Answers on record, told in words: labels of codes, names of people and units."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from services.web.forms.fields import Field
from services.web.forms.pickers import Names

_LONG = frozenset({"text", "group", "rows"})
_LINKED = {"matter": "/matters", "files": "/attachments"}
_KINDS = {"person": "person", "unit": "unit", "matter": "matter", "files": "attachment"}


class Fact(NamedTuple):
    """One answer. `lines` is what it says; `links` holds (address, name) of a matter or of files; `sealed` is the
    name under which it is kept apart, and then nothing is said."""

    label: str
    lines: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    long: bool = False
    sealed: str = ""


def at_length(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """Return those whose answers are told even where there is little room: texts, tables, matters, files."""
    return tuple(field for field in fields if field.kind in _LONG or field.kind in _LINKED)


def ids_in(fields: tuple[Field, ...], answers: Mapping[str, Any]) -> dict[str, set[int]]:
    """Return the ids that answers hold, by what they are ids of."""
    found: dict[str, set[int]] = {}
    for field in fields:
        if field.kind in _KINDS:
            found.setdefault(_KINDS[field.kind], set()).update(_listed(answers.get(field.name)))
        elif field.fields:
            for inner in _listed(answers.get(field.name)):
                for kind, ids in ids_in(field.fields, inner).items():
                    found.setdefault(kind, set()).update(ids)
    return found


def facts(
    fields: tuple[Field, ...], answers: Mapping[str, Any], names: Names, sealed: Collection[str] = ()
) -> list[Fact]:
    """Tell every answer that says something; `sealed` are the names of fields that are kept apart."""
    return list(_facts(fields, answers, names, sealed))


def _facts(
    fields: tuple[Field, ...], answers: Mapping[str, Any], names: Names, sealed: Collection[str]
) -> Iterator[Fact]:
    for field in fields:
        given = answers.get(field.name)
        if field.sealed:
            if field.name in sealed:
                yield Fact(field.label, sealed=field.name)
        elif given not in (None, "", [], False) or (given is False and field.kind == "yesno"):
            yield _fact(field, given, names)


def _fact(field: Field, given: Any, names: Names) -> Fact:
    if field.kind in _LINKED:
        named = ((i, names.of(_KINDS[field.kind], i)) for i in _listed(given))
        return Fact(field.label, links=tuple((f"{_LINKED[field.kind]}/{i}", name) for i, name in named))
    if field.fields:
        lines = tuple(_row(field.fields, row, names) for row in _listed(given))
    elif field.kind == "text":
        lines = tuple(str(given).splitlines())
    else:
        lines = ("、".join(_said(field, one, names) for one in _listed(given)),)
    return Fact(field.label, lines, long=field.kind in _LONG)


def _row(fields: tuple[Field, ...], row: Mapping[str, Any], names: Names) -> str:
    told = facts(fields, row, names)
    return "；".join(f"{fact.label}：{'、'.join([*fact.lines, *(name for _, name in fact.links)])}" for fact in told)


def _said(field: Field, one: Any, names: Names) -> str:
    if field.kind in ("person", "unit"):
        return names.of(field.kind, one)
    if isinstance(one, bool):
        return "是" if one else "否"
    return next((option.label for option in field.options if option.value == str(one)), str(one))


def _listed(given: Any) -> list[Any]:
    if given is None:
        return []
    return given if isinstance(given, list) else [given]
