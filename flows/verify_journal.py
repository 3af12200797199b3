"""Checks every matter's chain of journal entries, and that of the record of administration."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.execution import report, utc_now
from services.administration.record import verify_all
from services.runtime import runtime


@flow(name="verify-journal")
def verify_journal(as_of: datetime | None = None) -> dict[str, Any]:
    """Matters checked and bad entries found as of an aware instant (default: now)."""
    return report(verify_all(runtime(), as_of or utc_now()))
