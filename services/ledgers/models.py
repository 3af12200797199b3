"""What people keep of the ledger: views they named, and exports."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.db.base import Base
from services.identity.models import Person


class ExportState(StrEnum):
    """`running` includes waiting for a free hand; a file is there only when `done`, and for a day."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


_STATES = ", ".join(f"'{state}'" for state in ExportState)
_RUNNING = text("state = 'running'")


class SavedView(Base):
    """A person's filters and columns under a name; `address` is the query of the ledger's address."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("person_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    name: Mapped[str]
    address: Mapped[str] = mapped_column(Text)
    default: Mapped[bool]
    made_at: Mapped[datetime]


class Export(Base):
    """A workbook of the ledger that somebody asked for: who, when, of what. The row is kept, the file for a day.

    `beat_at` is the writer's sign of life: one that stopped without an end was cut off with its process.
    """

    __tablename__ = "ledger_export"
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        Index("ix_ledger_export_person", "person_id", "id"),
        Index("uq_ledger_export_running", "person_id", unique=True, sqlite_where=_RUNNING, postgresql_where=_RUNNING),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    address: Mapped[str] = mapped_column(Text)
    state: Mapped[str]
    total: Mapped[int]
    written: Mapped[int]
    asked_at: Mapped[datetime]
    beat_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    file: Mapped[str | None]
