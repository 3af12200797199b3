"""What goes wrong with a flow is told to those who supervise, once: until it has gone right again."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from config.calendar import SHANGHAI, local_date
from services.engine.messages import message_rows, send
from services.identity.models import Unit
from services.identity.people import holders
from services.runs.models import FlowIncident, FlowPlan, FlowRun, RunState, Trouble, Via
from services.runs.overview import FLOWS

TOLD = ("supervisor", "admin")
"""Those who can do something about it: by watching deadlines themselves, and by mending the machine."""

RECENTLY = timedelta(hours=1)
"""What ended before that is no news any more."""

_BAD = RunState.FAILED, RunState.CRASHED
_REGULAR = or_(FlowRun.via.is_(None), FlowRun.via != Via.WATCH), FlowRun.requested_by.is_(None)
_SENTENCES: Mapping[Trouble, str] = {
    Trouble.LATE: "自动任务“{title}”没有按时运行（应于{at}）。系统会自行补上；请系统管理员检查执行程序是否在运行",
    Trouble.FAILED: "自动任务“{title}”运行失败（{at}）。下次到点自动再试；原因见“自动任务”页的运行日志",
    Trouble.CRASHED: "自动任务“{title}”运行中断（{at}）。下次到点自动补上；请系统管理员检查服务器",
}


def hold_flow(session: Session, flow: str) -> bool:
    """Hold a flow's row of the plan to the end of the transaction, so that one alone decides about the flow; False if
    somebody else is at it, or the flow is in no plan."""
    held = select(FlowPlan.flow).where(FlowPlan.flow == flow).with_for_update(skip_locked=True)
    return session.scalar(held) is not None


def last_regular_slot(session: Session, flow: str) -> datetime | None:
    """The latest slot that was run as it should be, not for the asking and not by the watch, however it ended. Where
    none ever was: when the flow was first run at all, since it cannot have been late before."""
    slots = select(func.max(FlowRun.scheduled_for)).where(FlowRun.flow == flow, *_REGULAR)
    return session.scalar(slots) or session.scalar(select(func.min(FlowRun.scheduled_for)).where(FlowRun.flow == flow))


def last_served_slot(session: Session, flow: str) -> datetime | None:
    """The latest slot that needs no catching up: a run that died does not count, except the watch's own."""
    served = or_(FlowRun.state != RunState.CRASHED, FlowRun.via == Via.WATCH)
    return session.scalar(select(func.max(FlowRun.scheduled_for)).where(FlowRun.flow == flow, served))


def note_trouble(session: Session, flow: str, late_for: datetime | None, now: datetime) -> Trouble | None:
    """Open or close the flow's incident, telling of one that opens; return the trouble told of now.

    `late_for`: the slot for which it should have started long ago, None if there is none. The flow is held.
    """
    last = _last_incident(session, flow)
    if last is not None and last.closed_at is None:
        if late_for is None and _is_well(session, flow):
            last.closed_at = now
        return None
    bad = _bad_since(session, flow, max(now - RECENTLY, last.closed_at if last and last.closed_at else now - RECENTLY))
    if late_for is not None:
        trouble, at = Trouble.LATE, late_for
    elif bad is not None:
        trouble, at = Trouble(bad.state), bad.started_at or bad.scheduled_for
    else:
        return None
    session.add(FlowIncident(flow=flow, trouble=trouble, opened_at=now))
    _tell(session, flow, trouble, at, now)
    return trouble


def _last_incident(session: Session, flow: str) -> FlowIncident | None:
    of_flow = select(FlowIncident).where(FlowIncident.flow == flow)
    return session.scalars(of_flow.order_by(FlowIncident.id.desc()).limit(1)).first()


def _is_well(session: Session, flow: str) -> bool:
    """Whether the run that ended last completed."""
    ended = select(FlowRun.state).where(FlowRun.flow == flow, FlowRun.ended_at.is_not(None))
    return session.scalar(ended.order_by(FlowRun.ended_at.desc(), FlowRun.id.desc()).limit(1)) == RunState.COMPLETED


def _bad_since(session: Session, flow: str, instant: datetime) -> FlowRun | None:
    """The latest run that failed or crashed after the instant, though others may have gone well since."""
    bad = FlowRun.flow == flow, FlowRun.state.in_(_BAD), FlowRun.ended_at > instant
    return session.scalars(select(FlowRun).where(*bad).order_by(FlowRun.ended_at.desc()).limit(1)).first()


def _tell(session: Session, flow: str, trouble: Trouble, at: datetime, now: datetime) -> None:
    title = FLOWS[flow].title if flow in FLOWS else flow
    text = _SENTENCES[trouble].format(title=title, at=at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M"))
    root = session.scalar(select(Unit.path).where(Unit.parent_id.is_(None)))
    if root is not None:
        found = [holders(session, role, root, local_date(now)) for role in TOLD]
        people = [person for held in found if held for person in held[1]]
        send(session, message_rows(people, None, "machine", text, now))


def forget_closed_before(session: Session, before: datetime) -> None:
    """Delete incidents that were over before the instant: they are about the machine, not about any matter."""
    session.execute(delete(FlowIncident).where(FlowIncident.closed_at < before))
