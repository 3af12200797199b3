"""Sends what waits in the outbox."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.carrying import carry
from services.notifications.outbox import deliver


@flow(name="deliver-notifications")
def deliver_notifications(as_of: datetime | None = None) -> dict[str, Any]:
    """Sent, failed and waiting notices as of an aware instant (default: now)."""
    return carry("deliver_notifications", deliver, as_of)
