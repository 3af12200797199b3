"""Writes tonight's backup and deletes the oldest beyond those to keep."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.carrying import carry
from services.keeping.backing import back_up_nightly


@flow(name="back-up")
def back_up(as_of: datetime | None = None) -> dict[str, Any]:
    """Backups written, kept and removed as of an aware instant (default: now)."""
    return carry("back_up", back_up_nightly, as_of)
