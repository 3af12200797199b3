"""Clears away uploads that no form ever used."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.execution import report, utc_now
from services.documents.clearing import clear_unused
from services.runtime import runtime


@flow(name="clear-uploads")
def clear_uploads(as_of: datetime | None = None) -> dict[str, Any]:
    """Uploads forgotten and files removed as of an aware instant (default: now)."""
    return report(clear_unused(runtime(), as_of or utc_now()))
