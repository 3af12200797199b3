"""Fires every rung that is due."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.execution import report, utc_now
from services.engine.sweep import sweep
from services.runtime import runtime


@flow(name="escalate-overdue")
def escalate_overdue(as_of: datetime | None = None) -> dict[str, Any]:
    """Due, fired and skipped rungs, with reasons, as of an aware instant (default: now)."""
    return report(sweep(runtime(), as_of or utc_now()))
