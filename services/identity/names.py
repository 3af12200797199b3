"""What people and units are called, by their ids."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BindParameter, Select, bindparam, select
from sqlalchemy.orm import Session

from services.identity.models import Person, Unit


def people_by_id(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    """Return the names of those people; ids of nobody, and None, are missing."""
    return _names(session, _PEOPLE, ids)


def units_by_id(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    """Return the names of those units; ids of none, and None, are missing."""
    return _names(session, _UNITS, ids)


_IDS: BindParameter[int] = bindparam("ids", expanding=True)
_PEOPLE = select(Person.id, Person.name).where(Person.id.in_(_IDS))
_UNITS = select(Unit.id, Unit.name).where(Unit.id.in_(_IDS))


def _names(session: Session, statement: Select[Any], ids: Iterable[int | None]) -> dict[int, str]:
    wanted = sorted({one for one in ids if one is not None})
    return dict(session.connection().execute(statement, {"ids": wanted}).tuples().all()) if wanted else {}
