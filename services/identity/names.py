"""What people and units are called, by their ids."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BindParameter, Select, bindparam, select
from sqlalchemy.orm import Session

from services.db.together import READS, read_rows
from services.identity.editions import edition_of, known
from services.identity.models import Person, Unit


def people_by_id(session: Session, ids: Iterable[int | None], edition: str | None = None) -> dict[int, str]:
    """Return the names of those people; ids of nobody, and None, are missing. Whoever knows the edition gives it."""
    return _names(session, _PEOPLE, ids, edition)


def units_by_id(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    """Return the names of those units; ids of none, and None, are missing."""
    return _names(session, _UNITS, ids, None)


_IDS: BindParameter[int] = bindparam("ids", expanding=True)
_PEOPLE = select(Person.id, Person.name).where(Person.id.in_(_IDS))
_UNITS = select(Unit.id, Unit.name).where(Unit.id.in_(_IDS))


def _names(session: Session, statement: Select[Any], ids: Iterable[int | None], edition: str | None) -> dict[int, str]:
    """Each name is asked for once an edition; a session that changes something has to be told that."""
    wanted = sorted({one for one in ids if one is not None})
    if not wanted:
        return {}
    if edition is None and session.info.get(READS):
        edition = edition_of(session)
    names: dict[int, str] = known(edition, (statement,), dict)
    if missing := [one for one in wanted if one not in names]:
        names.update((row["id"], row["name"]) for row in read_rows(session, statement, {"ids": missing}))
    return {one: names[one] for one in wanted if one in names}
