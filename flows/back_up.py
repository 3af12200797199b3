"""Writes tonight's backup and deletes the oldest beyond those to keep."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.execution import report, utc_now
from services.keeping.backing import back_up_nightly
from services.runtime import runtime


@flow(name="back-up")
def back_up(as_of: datetime | None = None) -> dict[str, Any]:
    """Backups written, kept and removed as of an aware instant (default: now)."""
    return report(back_up_nightly(runtime(), as_of or utc_now()))
