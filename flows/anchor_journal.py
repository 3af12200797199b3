"""Writes where every chain of the journal ends into a file outside the database."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.carrying import carry
from services.keeping import anchors


@flow(name="anchor-journal")
def anchor_journal(as_of: datetime | None = None) -> dict[str, Any]:
    """The anchor's number, hash and how many chains had grown, as of an aware instant (default: now)."""
    return carry("anchor_journal", anchors.anchor_journal, as_of)
