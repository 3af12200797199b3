"""Draws the samples whose period has closed."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.carrying import carry
from services.sampling.draws import draw_due_samples


@flow(name="draw-samples")
def draw_samples(as_of: datetime | None = None) -> dict[str, Any]:
    """Samples due and drawn, with their sizes, as of an aware instant (default: now)."""
    return carry("draw_samples", draw_due_samples, as_of)
