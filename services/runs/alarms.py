"""That deadlines are not being watched, told by whoever still lives: a dead clock cannot."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from services.db.upsert import insert_missing
from services.runs.health import SWEEP, watch
from services.runs.incidents import hold_flow, note_trouble, tell
from services.runs.models import FlowPlan

SWEEP_EVERY = timedelta(minutes=10)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def is_late(session: Session, now: datetime) -> bool:
    """Whether the last successful sweep is too long ago, and nobody paused it on purpose."""
    watched = watch(session, now)
    return watched.overdue and watched.paused is None


def tell_that_late(session: Session, now: datetime) -> bool:
    """Tell supervisors and administrators, once for each time that it happens; return whether they were told now.

    Of several processes that look at once one tells: it holds the sweep's row of the plan, which is made where no
    clock ever ran.
    """
    insert_missing(session, FlowPlan, [{"flow": SWEEP, "next_at": None, "noted_at": _LONG_AGO}], ["flow"])
    if not hold_flow(session, SWEEP) or not is_late(session, now):
        return False
    swept_at = watch(session, now).swept_at
    told = note_trouble(session, SWEEP, swept_at + SWEEP_EVERY if swept_at else now, now)
    tell(session, [told] if told else [], now)
    return told is not None
