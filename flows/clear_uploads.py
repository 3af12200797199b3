"""Clears away uploads that no form ever used."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.carrying import carry
from services.documents.clearing import clear_unused


@flow(name="clear-uploads")
def clear_uploads(as_of: datetime | None = None) -> dict[str, Any]:
    """Uploads forgotten and files removed as of an aware instant (default: now)."""
    return carry("clear_uploads", clear_unused, as_of)
