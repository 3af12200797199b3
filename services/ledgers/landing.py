"""Imported petitions in the present: which of their rungs the next sweep will fire."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.engine import clocks as clk
from services.engine.models import Clock

_AT_ONCE = 500


def due_to_escalate(session: Session, matter_ids: Sequence[int], now: datetime) -> int:
    """How many of the matters have a rung that the next sweep will fire."""
    counted = 0
    for start in range(0, len(matter_ids), _AT_ONCE):
        due = select(func.count(Clock.matter_id.distinct())).where(
            Clock.matter_id.in_(matter_ids[start : start + _AT_ONCE]),
            Clock.state == clk.RUNNING,
            Clock.next_rung_at <= now,
        )
        counted += session.scalar(due) or 0
    return counted
