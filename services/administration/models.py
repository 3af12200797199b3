"""The record of administration: append-only, one chain of hashes for the whole installation."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from services.db.base import Base


class Deed(Base):
    """What somebody changed. `content` holds the names as they were, and the row `before` and `after` (null: none).

    `unit_id` and `person_id` are whom it was about; `hash` covers everything but the id, `previous` included.
    """

    __tablename__ = "deed"
    __table_args__ = (Index("ix_deed_unit", "unit_id", "seq"), Index("ix_deed_person", "person_id", "seq"))

    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(unique=True)
    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    actor_name: Mapped[str]
    action: Mapped[str]
    unit_id: Mapped[int | None]
    person_id: Mapped[int | None]
    content: Mapped[dict[str, Any]]
    previous: Mapped[str]
    hash: Mapped[str]


class DeedHead(Base):
    """Where the chain ends: the one row that writers queue up at, and that a deed cut off the end does not match."""

    __tablename__ = "deed_head"

    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int]
    hash: Mapped[str]
