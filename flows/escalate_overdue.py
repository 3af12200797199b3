"""Fires every rung that is due."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.carrying import carry
from services.engine.sweep import sweep


@flow(name="escalate-overdue")
def escalate_overdue(as_of: datetime | None = None) -> dict[str, Any]:
    """Due, fired and skipped rungs, with reasons, as of an aware instant (default: now)."""
    return carry("escalate_overdue", sweep, as_of)
