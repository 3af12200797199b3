"""A card as it was computed: from its row alone it can be told what it rested on."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.db.base import Base


class ScoreCard(Base):
    """One computation of one subject's card that gave something new. Nothing is ever changed: `number` counts up.

    `person_id` is 0 for the unit itself. `kind` is "interim" while the period runs, "final" for the first card after
    its end and "correction" for every later one; `changed` names the entries that came or went since the one before.
    """

    __tablename__ = "score_card"
    __table_args__ = (UniqueConstraint("period", "unit_id", "person_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    period: Mapped[str]
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    person_id: Mapped[int]
    number: Mapped[int]
    kind: Mapped[str]
    digest: Mapped[str]
    figures: Mapped[dict[str, Any]]
    entries: Mapped[list[Any]]
    changed: Mapped[dict[str, Any]]
    computed_at: Mapped[datetime]
    computed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
