"""Fills any form of any procedure with valid answers, from the form's own declaration and a small view of the world."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from random import Random
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from statemachines.kit.forms import Anchor, Asked, Coded, FromParent, Names, Ref
from statemachines.kit.policy import Policy

TRIES = 80
"""How many drafts of a form are thrown away before it is given up: forms object to some combinations."""

KEEN = 0.8
"""From here on lists are filled in at length as well."""

_SENTENCES = (
    "情况属实，材料齐全。",
    "已按要求办理。",
    "经研究，同意所提意见。",
    "有关情况已逐项核实。",
    "已与有关人员当面核对。",
)
_NAMED = "周吴郑孙钱许何吕施张曹华戚谢邹"
_LEFT_OUT = object()


class CannotFill(Exception):
    """No draft of this form was valid; the message is the last objection."""

    code = "cannot_fill"


@dataclass(frozen=True)
class View:
    """What whoever fills a form knows.

    `people` may take part, `anyone` may be named; `offices` handle, `places` are named. `matters` lists the ids of a
    procedure's matters (of all for ""), `file` gives a fresh upload, `known` holds what is on record by field name,
    `earlier` the states passed before. No date lies before `since`. `keen` is how likely what is optional is filled in.
    """

    rng: Random
    policy: Policy
    today: date
    since: date
    people: Sequence[int]
    anyone: Sequence[int]
    offices: Sequence[int]
    places: Sequence[int]
    matters: Callable[[str], Sequence[int]]
    file: Callable[[], int]
    known: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    earlier: Sequence[str] = ()
    keen: float = 0.35


def fill(form: type[BaseModel], view: View, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return valid answers as JSON values, those of `given` among them; raise CannotFill."""
    objection: ValidationError | None = None
    for _ in range(TRIES):
        answers = {**_fields(form, view), **(given or {})}
        try:
            form.model_validate(answers)
        except ValidationError as error:
            objection = error
        else:
            return answers
    raise CannotFill(f"{form.__qualname__}: {objection}")


@dataclass(frozen=True, slots=True)
class _Blank:
    """One value to be drawn: its field's name and title, its type, and all that stands around the type."""

    name: str
    title: str
    type: Any
    about: tuple[Any, ...]

    def of(self, inner: Any) -> "_Blank":
        return _Blank(self.name, self.title, inner, self.about)

    def has(self, mark: type) -> bool:
        return any(isinstance(one, mark) for one in self.about)

    def bound(self, *names: str) -> Any:
        """Return the first of these limits ("ge", "min_length") that is set."""
        found = (getattr(one, name, None) for one in self.about for name in names)
        return next((limit for limit in found if limit is not None), None)


def _fields(form: type[BaseModel], view: View) -> dict[str, Any]:
    drawn = {name: _field(name, field, view) for name, field in form.model_fields.items()}
    return {name: value for name, value in drawn.items() if value is not _LEFT_OUT}


def _field(name: str, field: FieldInfo, view: View) -> Any:
    _, about = _unwrapped(field.annotation)
    about = [*field.metadata, *about]
    if not _is_filled(field, about, view):
        return _LEFT_OUT
    extra = field.json_schema_extra
    if isinstance(extra, dict) and extra.get("x-earlier-state"):
        return view.rng.choice(view.earlier) if view.earlier else None
    known = [one for one in view.known.get(name, ()) if _fits(one, field, view)]
    if known and view.rng.random() < 0.5:
        value = view.rng.choice(known)
        return [value] if get_origin(_bare(field.annotation)) in (tuple, list) else value
    return _value(_Blank(name, field.title or name, field.annotation, tuple(field.metadata)), view)


def _is_filled(field: FieldInfo, about: list[Any], view: View) -> bool:
    """What has to be there is; what only a policy asks for where it does; the rest as keen as one is."""
    for mark in about:
        if isinstance(mark, Asked):
            return mark.code in view.policy.codes(mark.list)
        if isinstance(mark, FromParent):
            return False
    return field.is_required() or view.rng.random() < view.keen


def _fits(value: Any, field: FieldInfo, view: View) -> bool:
    """Whether a value on record may stand in this field: no file, and of codes only those of this policy's list."""
    for mark in _marks_within(field):
        if isinstance(mark, Ref) and mark.to == "attachment":
            return False
        if isinstance(mark, Coded):
            return value in view.policy.codes(mark.list)
    return True


def _value(blank: _Blank, view: View) -> Any:
    kind, about = _unwrapped(blank.type)
    blank = _Blank(blank.name, blank.title, kind, (*blank.about, *about))
    if get_origin(kind) in (tuple, list):
        return _several(blank, view)
    if get_origin(kind) is Literal:
        return view.rng.choice(get_args(kind))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _fields(kind, view)
    for mark, draw in _MARKED.items():
        if blank.has(mark):
            return draw(blank, view)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return view.rng.choice(list(kind)).value
    return next(draw for of, draw in _PLAIN if issubclass(kind, of))(blank, view)


def _unwrapped(kind: Any) -> tuple[Any, list[Any]]:
    """Take the type out of `Annotated` and optional; return what stood around it, nearest last."""
    about: list[Any] = []
    while True:
        if get_origin(kind) is Annotated:
            kind, *more = get_args(kind)
            about += [m for one in more for m in (one.metadata if isinstance(one, FieldInfo) else [one])]
        elif get_origin(kind) in (Union, UnionType):
            kind = next(part for part in get_args(kind) if part is not type(None))
        else:
            return kind, about


def _bare(kind: Any) -> Any:
    return _unwrapped(kind)[0]


def _marks_within(field: FieldInfo) -> Iterable[Any]:
    yield from field.metadata
    kind, about = _unwrapped(field.annotation)
    yield from about
    if get_origin(kind) in (tuple, list):
        yield from _unwrapped(get_args(kind)[0])[1]


def _several(blank: _Blank, view: View) -> list[Any]:
    """Return at least as many as asked for, of people two, since teams are; more, or every code, if one is keen.

    None is there twice where they are plain values.
    """
    inner, about = _unwrapped(get_args(blank.type)[0])
    item = _Blank(blank.name, blank.title, inner, tuple(about))
    least, most = blank.bound("min_length") or 0, blank.bound("max_length") or 20
    codes = [code for mark in about if isinstance(mark, Coded) for code in view.policy.codes(mark.list)]
    if codes and view.keen >= KEEN:
        return codes[:most]
    people = any(isinstance(m, Ref) and m.to == "person" for m in about)
    count = max(least, 1 + people * (1 + 3 * (view.keen >= KEEN)))
    while count < most and view.rng.random() < 0.3:
        count += 1
    drawn: list[Any] = []
    for _ in range(count * 5):
        value = _value(item, view)
        if len(drawn) < count and (isinstance(value, dict) or value not in drawn):
            drawn.append(value)
    return drawn


def _coded(blank: _Blank, view: View) -> Any:
    (mark,) = (m for m in blank.about if isinstance(m, Coded))
    return view.rng.choice(list(view.policy.codes(mark.list)))


def _reference(blank: _Blank, view: View) -> Any:
    (mark,) = (m for m in blank.about if isinstance(m, Ref))
    match mark.to:
        case "person":
            return view.rng.choice(view.anyone if blank.has(Names) else view.people)
        case "unit":
            return view.rng.choice(view.places if blank.has(Names) else view.offices)
        case "attachment":
            return view.file()
    found = view.matters(blank.name) or view.matters("")
    return view.rng.choice(found) if found else None


def _name(_: _Blank, view: View) -> str:
    return f"{view.rng.choice(_NAMED)}某"


def _past(blank: _Blank, view: View) -> str:
    days = max(0, (view.today - view.since).days)
    back = 0 if view.rng.random() < 0.6 else view.rng.randint(0, min(days, 5))
    return (view.today - timedelta(days=back)).isoformat()


_MARKED: dict[type, Callable[[_Blank, View], Any]] = {
    Coded: _coded, Ref: _reference, Names: _name, Anchor: _past,
}  # fmt: skip


def _truth(blank: _Blank, view: View) -> bool:
    return view.rng.random() < 0.75


def _whole(blank: _Blank, view: View) -> int:
    if "year" in blank.name:
        return view.today.year
    low, high = _limits(blank, 1, 5)
    return view.rng.randint(int(low), int(high))


def _decimal(blank: _Blank, view: View) -> str:
    low, high = _limits(blank, Decimal(0), Decimal(5))
    steps = view.rng.randint(int(low * 2), int(high * 2))
    return str(Decimal(steps) / 2)


def _limits(blank: _Blank, low: Any, span: Any) -> tuple[Any, Any]:
    """Return the narrowest sensible limits: a scale up to a hundred is used in full, else a few from its start on."""
    at_least, at_most = blank.bound("ge", "gt"), blank.bound("le", "lt")
    first = low if at_least is None or at_least < low else at_least
    if at_most is None:
        return first, first + span
    return first, at_most if at_most <= 100 else min(at_most, first + span)


def _moment(blank: _Blank, view: View) -> str:
    day = date.fromisoformat(_day(blank, view))
    return datetime(day.year, day.month, day.day, 17).isoformat() + "+08:00"


def _day(_: _Blank, view: View) -> str:
    """A date that may lie ahead mostly does."""
    ahead = view.rng.randint(5, 45) if view.rng.random() < 0.9 else 0
    return (view.today + timedelta(days=ahead)).isoformat()


def _text(blank: _Blank, view: View) -> str:
    if "period" in blank.name or "month" in blank.name:
        return view.rng.choice((str(view.today.year), f"{view.today:%Y-%m}", f"{view.today.year}-H1"))
    if "year" in blank.name:
        return str(view.today.year)
    most = blank.bound("max_length") or 500
    sentence = (
        f"{blank.title}：{view.rng.choice(_SENTENCES)}"
        if most > 40
        else f"{view.today.year}-{view.rng.randint(1, 999):03d}"
    )
    return sentence[:most]


_PLAIN: tuple[tuple[type, Callable[[_Blank, View], Any]], ...] = (
    (bool, _truth), (int, _whole), (Decimal, _decimal), (float, lambda b, v: float(_decimal(b, v))),
    (datetime, _moment), (date, _day), (str, _text),
)  # fmt: skip


def on_record(steps: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Gather the answers of steps by field name: codes and ids, each once, for whoever has to name the same again."""
    found: dict[str, list[Any]] = {}
    for answers in steps:
        for name, value in answers.items():
            for one in value if isinstance(value, list) else [value]:
                plain = isinstance(one, int | str) and not isinstance(one, bool) and len(str(one)) <= 40
                if plain and one not in found.setdefault(name, []):
                    found[name].append(one)
    return {name: values for name, values in found.items() if values}
