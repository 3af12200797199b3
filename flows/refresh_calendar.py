"""Recomputes due dates when the working calendar has changed."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.carrying import carry
from services.engine import recomputing


@flow(name="refresh-calendar")
def refresh_calendar(as_of: datetime | None = None) -> dict[str, Any]:
    """Clocks looked at and recomputed as of an aware instant (default: now)."""
    return carry("refresh_calendar", recomputing.refresh_calendar, as_of)
