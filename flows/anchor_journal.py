"""Writes where every chain of the journal ends into a file outside the database."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.execution import report, utc_now
from services.keeping import anchors
from services.runtime import runtime


@flow(name="anchor-journal")
def anchor_journal(as_of: datetime | None = None) -> dict[str, Any]:
    """The anchor's number, hash and how many chains had grown, as of an aware instant (default: now)."""
    return report(anchors.anchor_journal(runtime(), as_of or utc_now()))
