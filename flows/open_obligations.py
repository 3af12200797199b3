"""Opens the matters that recur by rule."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.carrying import carry
from services.engine import obligations


@flow(name="open-obligations")
def open_obligations(as_of: datetime | None = None) -> dict[str, Any]:
    """Obligations opened, waived and failed, as of an aware instant (default: now)."""
    return carry("open_obligations", obligations.open_obligations, as_of)
