"""Recomputes due dates when the working calendar has changed."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.execution import report, utc_now
from services.engine import recomputing
from services.runtime import runtime


@flow(name="refresh-calendar")
def refresh_calendar(as_of: datetime | None = None) -> dict[str, Any]:
    """Clocks looked at and recomputed as of an aware instant (default: now)."""
    return report(recomputing.refresh_calendar(runtime(), as_of or utc_now()))
