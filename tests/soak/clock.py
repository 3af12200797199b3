"""The clock of one machine as it is, at the simulated present, with a table that comes round every few seconds."""

import sys
from datetime import datetime, timedelta

from apscheduler.triggers.interval import IntervalTrigger

import flows.carrying
import flows.clock
import flows.execution
import flows.tending
from config.calendar import SHANGHAI
from flows.schedule import SCHEDULE, Scheduled
from services.notifications import outbox
from services.runs import timekeeping
from tests.soak.simulated import LEASE, Present

OFTEN = {"escalate_overdue": 2, "deliver_notifications": 3}
"""Seconds between two runs of a flow."""


class Often(Scheduled):
    """A row of the table that comes round every few real seconds; nothing of it is ever missed."""

    def trigger(self) -> IntervalTrigger:
        return IntervalTrigger(seconds=OFTEN[self.name], timezone=SHANGHAI)

    def last_slot(self, now: datetime) -> datetime | None:
        return now

    def missed_since(self, last: datetime | None, now: datetime) -> bool:
        return True


def main() -> int:
    present = Present.from_environ()
    for module in (flows.carrying, flows.clock, flows.execution, flows.tending):
        module.utc_now = present.now
    flows.tending.LATE_AFTER = present.span(60)
    timekeeping.server_now = lambda session: None  # the server's clock is not simulated
    outbox.LEASE = present.span(LEASE)
    rows = (item for item in SCHEDULE if item.name in OFTEN)
    flows.clock.SCHEDULE = tuple(Often(i.name, i.title, i.work, i.cron, timedelta(hours=1)) for i in rows)
    return flows.clock.main()


if __name__ == "__main__":
    sys.exit(main())
