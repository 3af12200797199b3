"""Checks every matter's chain of journal entries, that of the record of administration, and the anchors."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.carrying import carry
from services.keeping.anchors import verify_everything


@flow(name="verify-journal")
def verify_journal(as_of: datetime | None = None) -> dict[str, Any]:
    """Matters, entries and anchors checked as of an aware instant (default: now); what does not hold fails the run."""
    return carry("verify_journal", verify_everything, as_of)
