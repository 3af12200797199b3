"""Computes the score cards of years that are over."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.carrying import carry
from services.scoring.computing import close_periods as close


@flow(name="close-periods")
def close_periods(as_of: datetime | None = None) -> dict[str, Any]:
    """Periods, cards, new ones and corrections, as of an aware instant (default: now)."""
    return carry("close_periods", close, as_of)
