"""Turns what a client sent into a form's answers: validated, codes and references checked, sealed parts set apart."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement, and_, bindparam, or_, select, true
from sqlalchemy.orm import Session, aliased

from services.db.together import Query, Row
from services.engine.errors import InvalidAnswers
from services.engine.models import Attachment, Matter
from services.identity.models import Person, Unit
from statemachines.kit.forms import (
    Anchor,
    Asked,
    Coded,
    Destination,
    Form,
    FreshEvidence,
    Heard,
    Mark,
    Names,
    Ref,
    marked,
    sealed_fields,
)
from statemachines.kit.forms import marks as marks_of
from statemachines.kit.policy import Policy

Condition = Callable[[], ColumnElement[bool]]
"""Made only when it is needed: few forms refer to anything."""


@dataclass(frozen=True)
class Answers:
    """A valid form. `stored` goes to the journal, `sealed` to the vault (name → JSON text).

    `parts` holds, per field, the people whom the answer gives a part in the matter; `heard` those it is about and who
    have a say in it.
    """

    form: Form
    stored: dict[str, Any]
    sealed: dict[str, str]
    named_people: frozenset[int] = frozenset()
    named_units: frozenset[int] = frozenset()
    matters: frozenset[int] = frozenset()
    attachments: frozenset[int] = frozenset()
    parts: Mapping[str, frozenset[int]] = field(default_factory=dict)
    heard: frozenset[int] = frozenset()


@dataclass
class _Found:
    """What the marks of a form turned up, and every objection."""

    errors: list[dict[str, Any]] = field(default_factory=list)
    ids: dict[str, dict[int, str]] = field(default_factory=dict)
    named_people: set[int] = field(default_factory=set)
    named_units: set[int] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    handlers: dict[int, str] = field(default_factory=dict)
    parts: dict[str, set[int]] = field(default_factory=dict)
    destinations: dict[int, str] = field(default_factory=dict)
    evidence: dict[int, str] = field(default_factory=dict)
    heard: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Given:
    """A form as it was sent, looked at as far as no database is needed; `form` is None where it is none at all."""

    form: Form | None
    found: _Found

    @property
    def queries(self) -> tuple[Query, ...]:
        """Return what to ask for `check_answers`: who on the staff bears a name in it; none where it names nobody."""
        return ((_CALLED, {"names": sorted(self.found.names)}),) if self.found.names else ()


def read_form(form: type[Form], data: Mapping[str, Any], policy: Policy, today: date) -> Given:
    """Read a form and keep every objection for `check_answers` to raise: whoever may not send it hears that first."""
    try:
        answers = form.model_validate(dict(data))
    except ValidationError as error:
        return Given(None, _Found([_objection(e) for e in error.errors()]))
    found = _Found(errors=list(_unasked(answers, policy)))
    for path, marks, value in marked(answers):
        _look_at(path, marks, value, policy, today, found)
    return Given(answers, found)


def check_answers(
    session: Session,
    given: Given,
    called: Iterable[list[Row]],
    away: Iterable[int],
    away_units: Iterable[int],
    *,
    uploader: int | None,
    matters: Collection[int],
    seen: Condition,
) -> Answers:
    """Check a form against what is on record; raise InvalidAnswers with every objection at once.

    `called` are the answers to its queries: better one colleague too many kept away than the one who is meant.
    `away` and `away_units` are those named in the matter or recused: nobody of them is made to handle it, and
    nothing is sent to such a unit or below it. Files are the uploader's own fresh ones, or belong to these matters.
    `seen` gives the condition on matters that may be referred to: one out of sight answers like one that is not there.
    """
    answers, found = given.form, replace(given.found, errors=[*given.found.errors])
    if answers is None:
        raise InvalidAnswers(found.errors)
    usable: dict[str, Condition] = {"attachment": partial(_usable, uploader, matters), "matter": seen}
    _check_references(session, found, frozenset(away), usable)
    _check_destinations(session, found, frozenset(away_units))
    _check_evidence(session, found, matters)
    if found.errors:
        raise InvalidAnswers(found.errors)
    sealed = sealed_fields(type(answers))
    return Answers(
        form=answers,
        stored=answers.model_dump(mode="json", exclude=set(sealed)),
        sealed={name: text for name in sealed if (text := _sealed_text(answers, name))},
        named_people=frozenset(found.named_people).union(row["id"] for rows in called for row in rows),
        named_units=frozenset(found.named_units),
        matters=frozenset(found.ids.get("matter", ())),
        attachments=frozenset(found.ids.get("attachment", ())),
        parts={path: frozenset(people) for path, people in found.parts.items()},
        heard=frozenset(found.heard),
    )


def _look_at(path: str, marks: tuple[Mark, ...], value: Any, policy: Policy, today: date, found: _Found) -> None:
    names = any(isinstance(m, Names) for m in marks)
    for mark in marks:
        match mark:
            case Coded(list=which) if value not in policy.codes(which):
                listed = "、".join(policy.codes(which).values())
                found.errors.append(
                    _error(path, "unknown_code", f"{value!r} is not in the list {which}", f"请选择：{listed}")
                )
            case Anchor() if isinstance(value, date) and _day(value) > today:
                found.errors.append(_error(path, "in_the_future", f"{value} has not come yet", "日期不得晚于今天"))
            case Ref(to=kind):
                found.ids.setdefault(kind, {})[value] = path
                if kind == "person" and any(isinstance(m, Heard) for m in marks):
                    found.heard.add(value)
                elif kind == "person" and not names:
                    found.handlers[value] = path
                    found.parts.setdefault(path, set()).add(value)
            case Destination():
                found.destinations[value] = path
            case FreshEvidence():
                found.evidence[value] = path
    if names:
        _note_named(marks, value, found)


def _unasked(answers: Form, policy: Policy) -> Iterator[dict[str, Any]]:
    """What this policy asks for and is empty, and what it does not ask for and is filled."""
    for name, found in marks_of(type(answers)).items():
        for mark in found:
            if isinstance(mark, Asked) and (mark.code in policy.codes(mark.list)) == (getattr(answers, name) is None):
                if getattr(answers, name) is None:
                    yield _error(name, "missing", "this policy asks for it", "请填写此项")
                else:
                    yield _error(name, "extra_forbidden", "this policy does not ask for it", "不应有此项内容")


def _note_named(marks: tuple[Mark, ...], value: Any, found: _Found) -> None:
    kinds = [m.to for m in marks if isinstance(m, Ref)]
    if "person" in kinds:
        found.named_people.add(value)
    elif "unit" in kinds:
        found.named_units.add(value)
    elif isinstance(value, str):
        found.names.add(value)


_TABLES: dict[str, Any] = {"person": Person, "unit": Unit, "matter": Matter, "attachment": Attachment}


def _usable(uploader: int | None, matters: Collection[int]) -> ColumnElement[bool]:
    fresh = and_(Attachment.matter_id.is_(None), Attachment.uploaded_by == uploader)
    return or_(fresh, Attachment.matter_id.in_(matters))


def _check_references(session: Session, found: _Found, away: frozenset[int], usable: Mapping[str, Condition]) -> None:
    for kind, ids in found.ids.items():
        table = _TABLES[kind]
        known = set(session.scalars(select(table.id).where(table.id.in_(ids), usable.get(kind, true)())))
        for missing in sorted(ids.keys() - known):
            found.errors.append(
                _error(
                    ids[missing],
                    f"unknown_{kind}",
                    f"there is no {kind} {missing}",
                    "所选内容不存在，请重新选择",
                )
            )
    for person in sorted(found.handlers.keys() & (away | found.named_people)):
        found.errors.append(
            _error(
                found.handlers[person],
                "excluded_person",
                "this person is named in the matter or recused",
                "该人员被本事项反映或已回避，不能参与",
            )
        )


def _check_destinations(session: Session, found: _Found, away_units: frozenset[int]) -> None:
    named = away_units | found.named_units
    if not (found.destinations and named):
        return
    paths = dict(
        session.execute(select(Unit.id, Unit.path).where(Unit.id.in_({*found.destinations, *named}))).tuples().all()
    )
    for unit, where in found.destinations.items():
        if any(paths.get(unit, "").startswith(paths[n]) for n in named if n in paths):
            found.errors.append(
                _error(
                    where,
                    "sent_to_reported_unit",
                    "material never goes to the unit reported, nor below it",
                    "不得将材料转给被反映单位及其下级单位",
                )
            )


def _check_evidence(session: Session, found: _Found, matters: Collection[int]) -> None:
    """The same content shown once before, for whatever other matter, shows nothing."""
    if not found.evidence:
        return
    earlier = aliased(Attachment)
    used = (
        select(Attachment.id)
        .join(earlier, earlier.sha256 == Attachment.sha256)
        .where(Attachment.id.in_(found.evidence), earlier.matter_id.is_not(None), earlier.matter_id.not_in(matters))
    )
    for attachment in sorted(set(session.scalars(used))):
        found.errors.append(
            _error(
                found.evidence[attachment],
                "evidence_used_before",
                "the same file was handed in for another matter before",
                "该材料已用于其他事项，请上传本次整改形成的材料",
            )
        )


_CALLED = select(Person.__table__.c.id).where(Person.__table__.c.name.in_(bindparam("names", expanding=True)))


def _sealed_text(answers: Form, name: str) -> str | None:
    value = getattr(answers, name)
    if value is None:
        return None
    dumped = value.model_dump(mode="json") if hasattr(value, "model_dump") else value
    return json.dumps(dumped, ensure_ascii=False)


def _objection(error: Any) -> dict[str, Any]:
    path = ".".join(str(part) for part in error["loc"])
    return _error(path, error["type"], error["msg"], (error.get("ctx") or {}).get("zh", ""))


def _error(path: str, code: str, en: str, zh: str) -> dict[str, Any]:
    return {"field": path, "code": code, "en": en, "zh": zh}


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value
