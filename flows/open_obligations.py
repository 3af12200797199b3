"""Opens the matters that recur by rule."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.execution import report, utc_now
from services.engine import obligations
from services.runtime import runtime


@flow(name="open-obligations")
def open_obligations(as_of: datetime | None = None) -> dict[str, Any]:
    """Obligations opened, waived and failed, as of an aware instant (default: now)."""
    return report(obligations.open_obligations(runtime(), as_of or utc_now()))
