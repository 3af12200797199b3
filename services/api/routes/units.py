"""The organisation tree."""

from datetime import date

from fastapi import APIRouter
from sqlalchemy import select

from services.administration import units
from services.api.shapes import Day, Id, Name, Sent, Shown
from services.http.administering import office
from services.http.calls import Administering, Reading
from services.identity.models import Unit as UnitRow
from services.identity.models import UnitKind
from services.identity.units import get_unit

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
    with office(call) as at:
        return Unit.model_validate(units.add(at, body.code, body.name, body.kind, body.parent_id, body.founded_on))


@router.put("/{unit_id}/name")
def give_unit_name(unit_id: Id, body: NewName, call: Administering) -> Unit:
    """Give a unit another name (its administrators)."""
    with office(call) as at:
        return Unit.model_validate(units.rename(at, unit_id, body.name))


@router.put("/{unit_id}/parent")
def give_unit_parent(unit_id: Id, body: NewParent, call: Administering) -> Unit:
    """Move a unit with all below it under another (administrators of where it was and of where it comes)."""
    with office(call) as at:
        return Unit.model_validate(units.move(at, unit_id, body.parent_id))


@router.put("/{unit_id}/abolition")
def end_unit(unit_id: Id, body: Abolition, call: Administering) -> Unit:
    """Abolish a unit as of a day, once nothing and nobody is left there; nothing is deleted (its administrators)."""
    with office(call) as at:
        return Unit.model_validate(units.abolish(at, unit_id, body.on))


@router.put("/{unit_id}/restoration")
def restore_unit(unit_id: Id, call: Administering) -> Unit:
    """Take an abolition back (its administrators)."""
    with office(call) as at:
        return Unit.model_validate(units.restore(at, unit_id))
