"""What is on record of a matter, step by step, in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from services.db.together import Query, read_rows
from services.engine.queries import MatterView, form_schema
from services.engine.registry import Definition
from services.identity.models import Sealed
from services.web.calls import Call
from services.web.forms.fields import Field, read_fields
from services.web.forms.pickers import Names, names_of
from services.web.forms.words import Fact, facts, ids_in

OPENING = "open"


class StepFacts(NamedTuple):
    """One step on record, told; `at` is its instant."""

    title: str
    by: str
    at: datetime
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """All that is on record of a matter, with the rules it is bound to: what is drawn once, however often shown."""

    matter_id: int
    policy: str
    policy_effective: date
    steps: tuple[StepFacts, ...]


def form_of(definition: Definition, action: str) -> tuple[Field, ...]:
    """The fields of an action's form and of what it derives; none for what the engine does. Read once per version."""
    key = (definition.procedure_hash, definition.policy_hash, action)
    if key not in _FORMS:
        procedure = definition.procedure
        declared = procedure.opening if action == OPENING else procedure.actions.get(action)
        forms = [declared.form, getattr(declared, "derived", None)] if declared else []
        _FORMS[key] = tuple(f for form in forms if form for f in read_fields(form_schema(form, definition.policy)))
    return _FORMS[key]


_FORMS: dict[tuple[str, str, str], tuple[Field, ...]] = {}


def record_of(session: Session, call: Call, definition: Definition, view: MatterView) -> Record:
    forms = {step.action: form_of(definition, step.action) for step in view.steps}
    names = names_in(session, call, ((forms[step.action], step.answers) for step in view.steps))
    sealed = {row["name"] for row in read_rows(session, *sealed_asked(view.id))}
    steps = (
        StepFacts(step.title, step.by_name or "系统", datetime.fromisoformat(step.at),
                  tuple(facts(forms[step.action], step.answers, names, sealed)))
        for step in view.steps
    )  # fmt: skip
    return Record(view.id, view.policy, view.policy_effective, tuple(steps))


def sealed_asked(matter_id: int) -> Query:
    """What `record_of` asks of a matter besides names."""
    return _SEALED, {"matter_id": matter_id}


_SEALED = select(Sealed.name).where(Sealed.matter_id == bindparam("matter_id")).distinct()


def names_in(session: Session, call: Call, told: Iterable[tuple[tuple[Field, ...], Mapping[str, Any]]]) -> Names:
    ids: dict[str, set[int]] = {}
    for fields, answers in told:
        for kind, found in ids_in(fields, answers).items():
            ids.setdefault(kind, set()).update(found)
    return names_of(session, call, ids)
