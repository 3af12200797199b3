"""Sends what waits in the outbox."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.execution import report, utc_now
from services.notifications.outbox import deliver
from services.runtime import runtime


@flow(name="deliver-notifications")
def deliver_notifications(as_of: datetime | None = None) -> dict[str, Any]:
    """Sent, failed and waiting notices as of an aware instant (default: now)."""
    return report(deliver(runtime(), as_of or utc_now()))
