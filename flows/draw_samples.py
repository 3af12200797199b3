"""Draws the samples whose period has closed."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.execution import report, utc_now
from services.runtime import runtime
from services.sampling.draws import draw_due_samples


@flow(name="draw-samples")
def draw_samples(as_of: datetime | None = None) -> dict[str, Any]:
    """Samples due and drawn, with their sizes, as of an aware instant (default: now)."""
    return report(draw_due_samples(runtime(), as_of or utc_now()))
