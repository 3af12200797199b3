"""A draw as it was made: from its row alone it can be made again."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.db.base import Base


class Sample(Base):
    """One draw. `population` and `drawn` are business numbers; `figures` the completion rate on that day.

    `period` is "2026-10" for a month's clean replies, "2026-H1" for a half-year's quality; a period is drawn once.
    """

    __tablename__ = "sample"
    __table_args__ = (UniqueConstraint("kind", "period"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    period: Mapped[str]
    seed: Mapped[str]
    ratio: Mapped[str]
    population: Mapped[list[Any]]
    drawn: Mapped[list[Any]]
    figures: Mapped[dict[str, Any]]
    made_at: Mapped[datetime]
