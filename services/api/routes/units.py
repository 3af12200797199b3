"""The organisation tree."""

from datetime import date

from fastapi import APIRouter
from sqlalchemy import select

from services.api.administering import log_deed, refuse_unless_admin_at
from services.api.shapes import Day, Id, Name, Sent, Shown
from services.http.calls import Administering, Reading
from services.identity.models import Unit as UnitRow
from services.identity.models import UnitKind
from services.identity.units import abolish_unit, create_unit, get_unit, move_unit, rename_unit

router = APIRouter(prefix="/units", tags=["units"])


class Unit(Shown):
    """A unit; the county alone has no parent. An abolished one stays on record."""

    id: int
    code: str
    name: str
    kind: UnitKind
    parent_id: int | None
    founded_on: date | None
    abolished_on: date | None


class NewUnit(Sent):
    code: Name
    name: Name
    kind: UnitKind
    parent_id: Id
    founded_on: Day | None = None


class NewName(Sent):
    name: Name


class NewParent(Sent):
    parent_id: Id


class Abolition(Sent):
    on: Day


@router.get("")
def list_units(call: Reading) -> list[Unit]:
    """List all units, the county first, each after its parent."""
    with call.read() as session:
        rows = session.scalars(select(UnitRow))
        return [Unit.model_validate(row) for row in sorted(rows, key=lambda unit: (unit.path.count("/"), unit.code))]


@router.get("/{unit_id}")
def show_unit(unit_id: Id, call: Reading) -> Unit:
    """Show one unit."""
    with call.read() as session:
        return Unit.model_validate(get_unit(session, unit_id))


@router.post("", status_code=201)
def add_unit(body: NewUnit, call: Administering) -> Unit:
    """Add a unit below another (administrators of that one)."""
    with call.write() as session:
        refuse_unless_admin_at(call.actor, get_unit(session, body.parent_id).path)
        unit = create_unit(session, body.code, body.name, body.kind, body.parent_id, body.founded_on)
        shown = Unit.model_validate(unit)
    log_deed(call, "unit added", unit=shown.id)
    return shown


@router.put("/{unit_id}/name")
def give_unit_name(unit_id: Id, body: NewName, call: Administering) -> Unit:
    """Give a unit another name (its administrators)."""
    with call.write() as session:
        refuse_unless_admin_at(call.actor, get_unit(session, unit_id).path)
        shown = Unit.model_validate(rename_unit(session, unit_id, body.name))
    log_deed(call, "unit renamed", unit=unit_id)
    return shown


@router.put("/{unit_id}/parent")
def give_unit_parent(unit_id: Id, body: NewParent, call: Administering) -> Unit:
    """Move a unit with all below it under another (administrators of where it was and of where it comes)."""
    with call.write() as session:
        unit, parent = get_unit(session, unit_id), get_unit(session, body.parent_id)
        if unit.parent_id is not None:
            refuse_unless_admin_at(call.actor, get_unit(session, unit.parent_id).path)
        refuse_unless_admin_at(call.actor, parent.path)
        shown = Unit.model_validate(move_unit(session, unit_id, body.parent_id))
    log_deed(call, "unit moved", unit=unit_id, parent=body.parent_id)
    return shown


@router.put("/{unit_id}/abolition")
def end_unit(unit_id: Id, body: Abolition, call: Administering) -> Unit:
    """Abolish a unit as of a day; nothing is deleted (its administrators)."""
    with call.write() as session:
        refuse_unless_admin_at(call.actor, get_unit(session, unit_id).path)
        shown = Unit.model_validate(abolish_unit(session, unit_id, body.on))
    log_deed(call, "unit abolished", unit=unit_id, on=str(body.on))
    return shown
