"""Whether deadlines are watched: what is said loudly where they are not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from services.engine.aside import count_aside
from services.runs.models import FlowPlan, FlowRun, RunState
from services.runs.pausing import Pause, pauses
from services.runs.timekeeping import doubt

SWEEP = "escalate_overdue"
SWEPT_WITHIN = timedelta(minutes=30)
"""The sweep comes round every ten minutes: three missed in a row are no accident."""
SIGN_OF_LIFE = timedelta(minutes=3)
"""The clock notes every minute that it is there."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How it stands: whether the sweep is paused, when it last succeeded, whether that is too long ago, whether the
    clock shows signs of life, how many matters are set aside, and why the time cannot be right, if it cannot."""

    paused: Pause | None
    swept_at: datetime | None
    overdue: bool
    clock_alive: bool
    set_aside: int = 0
    time_wrong: str | None = None

    @property
    def alarming(self) -> bool:
        return self.paused is not None or self.overdue or self.time_wrong is not None


def watch(session: Session, now: datetime) -> Watch:
    """Look at the record of runs."""
    done = FlowRun.flow == SWEEP, FlowRun.state == RunState.COMPLETED
    swept = session.scalar(select(FlowRun.ended_at).where(*done).order_by(FlowRun.id.desc()).limit(1))
    seen = session.scalar(select(func.max(FlowPlan.noted_at)))
    alive = seen is not None and seen > now - SIGN_OF_LIFE
    overdue = swept is None or not now - SWEPT_WITHIN <= swept <= now + SIGN_OF_LIFE  # the future: a clock was wrong
    wrong = doubt(session, now)
    return Watch(pauses(session).get(SWEEP), swept, overdue, alive, count_aside(session), wrong.zh if wrong else None)


def note_plan(session: Session, plan: Mapping[str, datetime | None], now: datetime) -> None:
    """Write down when each flow is woken next; what is no longer in the table goes."""
    session.execute(delete(FlowPlan).where(FlowPlan.flow.not_in(plan)))
    for flow, next_at in plan.items():
        session.merge(FlowPlan(flow=flow, next_at=next_at, noted_at=now))


def next_times(session: Session, now: datetime) -> dict[str, datetime]:
    """Return when a clock that is alive wakes each flow next."""
    alive = FlowPlan.noted_at > now - SIGN_OF_LIFE, FlowPlan.next_at.is_not(None)
    return {row.flow: row.next_at for row in session.scalars(select(FlowPlan).where(*alive)) if row.next_at}
