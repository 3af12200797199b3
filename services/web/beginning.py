"""What somebody may open by hand, and the form he opens it with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from secrets import token_urlsafe

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.engine.core import Engine
from services.engine.errors import NotPermitted
from services.engine.queries import form_schema
from services.engine.registry import Definition
from services.identity.access import unit_ids_in_scope
from services.identity.models import Unit
from services.web.calls import Call
from services.web.choices import Choice
from services.web.forms.fields import Field, read_fields
from services.web.forms.objections import Objections
from services.web.forms.pickers import Names, names_of
from services.web.forms.reading import Typed, picked
from services.web.pinyin import initials


@dataclass(frozen=True, slots=True)
class Opening:
    """A procedure this person may open, and the units where he may."""

    key: str
    title: str
    policy: str
    initial_label: str
    fields: tuple[Field, ...]
    units: Sequence[Choice]


@dataclass(frozen=True, slots=True)
class OpenForm:
    """The form as it stands; `key` is the key of the request to come."""

    offer: Opening
    typed: Typed
    names: Names
    unit: str
    key: str
    objections: Objections
    refusal: str


def openings(session: Session, call: Call) -> list[Opening]:
    """Return every procedure that this person may open by hand somewhere."""
    return [made for key in sorted(call.engine.registry.procedures) if (made := _opening(session, call, key))]


@lru_cache(maxsize=16)
def opening_roles(engine: Engine, today: date) -> frozenset[str]:
    """Return the roles that may open something by hand on a day."""
    registry = engine.registry
    current = (registry.current(key, today) for key in registry.procedures)
    return frozenset(role for found in current if found.procedure.by_hand for role in found.policy.open)


def opening(session: Session, call: Call, key: str) -> Opening:
    """Return one of them; raise NotPermitted for any other, whether it exists or not."""
    made = _opening(session, call, key) if key in call.engine.registry.procedures else None
    if made is None:
        raise NotPermitted(f"you may not open {key} by hand", "您不能登记这类事项，请联系本单位管理员")
    return made


def show_opening(
    session: Session, call: Call, offer: Opening, typed: Typed, *, unit: str, objections: Objections | None = None,
    refusal: str = "",
) -> OpenForm:  # fmt: skip
    """Return the form with what was typed; without a unit it proposes the first one."""
    unit = unit if unit in {choice.value for choice in offer.units} else offer.units[0].value
    names = names_of(session, call, picked(typed, offer.fields))
    return OpenForm(offer, typed, names, unit, token_urlsafe(18), objections or Objections(), refusal)


def _opening(session: Session, call: Call, key: str) -> Opening | None:
    definition = call.engine.registry.current(key, local_date(call.now))
    if not (definition.procedure.by_hand and definition.policy.open):
        return None
    units = _units(session, call, definition)
    procedure = definition.procedure
    label = procedure.label(str(procedure.initial))
    fields = read_fields(form_schema(procedure.opening.form, definition.policy))
    return Opening(key, procedure.title, definition.policy.source.title, label, fields, units) if units else None


def _units(session: Session, call: Call, definition: Definition) -> list[Choice]:
    """As a tree: one's own unit first, what lies below it indented."""
    inside = unit_ids_in_scope(session, call.actor, definition.policy.open)
    living = select(Unit.id, Unit.name, Unit.path).where(Unit.abolished_on.is_(None))
    rows = session.execute(living if inside is None else living.where(Unit.id.in_(inside))).all()
    rows = sorted(rows, key=lambda row: [int(part) for part in row.path.split("/") if part])
    top = min((row.path.count("/") for row in rows), default=0)
    return [Choice(str(row.id), row.name, initials(row.name), row.path.count("/") - top) for row in rows]
