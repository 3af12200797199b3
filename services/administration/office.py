"""One administrator at work in one transaction: what he changes goes on record with how it was before."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from config.calendar import local_date
from services.administration import record
from services.db.base import Base
from services.identity.access import Actor
from services.identity.models import Person, Unit

COMMAND_LINE = Actor(None, "命令行")
"""Whoever runs `duban` on the machine itself: nothing is kept from him, but it goes on record."""


@dataclass(frozen=True, slots=True)
class Office:
    """`roles` are those of the policy pack, with their titles: no other is granted."""

    session: Session
    actor: Actor
    now: datetime
    roles: Mapping[str, str]

    def __post_init__(self) -> None:
        """Take turns from the first moment: the tree, the directory's edition and the record are locks in any order."""
        record.take_turn(self.session)

    @property
    def today(self) -> date:
        return local_date(self.now)

    def added(self, action: str, row: Base, *, unit: Unit | None = None, person: Person | None = None) -> None:
        """Put on record that there is something new."""
        self._write(action, None, record.facts(row), unit, person)

    @contextmanager
    def changing(
        self, action: str, row: Base, *, unit: Unit | None = None, person: Person | None = None
    ) -> Iterator[None]:
        """Put on record what the inside of this changes in a row; nothing where nothing is changed."""
        before = record.facts(row)
        yield
        self.session.flush()
        if (after := record.facts(row)) != before:
            self._write(action, before, after, unit, person)

    def happened(self, action: str, *, person: Person) -> None:
        """Put on record what leaves nothing to show: a password given."""
        self._write(action, None, None, None, person)

    def _write(
        self,
        action: str,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
        unit: Unit | None,
        person: Person | None,
    ) -> None:
        content = {
            "unit": unit.name if unit else None, "person": person.name if person else None,
            "before": before, "after": after,
        }  # fmt: skip
        record.write(
            self.session, self.actor, self.now, action, content,
            unit_id=unit.id if unit else None, person_id=person.id if person else None,
        )  # fmt: skip
