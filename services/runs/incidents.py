"""What goes wrong with a flow is told to those who supervise, once: until it has gone right again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
_REGULAR = or_(FlowRun.via.is_(None), FlowRun.via.not_in((Via.WATCH, Via.HAND))), FlowRun.requested_by.is_(None)
_SENTENCES: Mapping[Trouble, str] = {
    Trouble.LATE: "自动任务没有按时运行：{named}。系统会自行补上；请系统管理员检查执行程序是否在运行",
    Trouble.FAILED: "自动任务运行失败：{named}。下次到点自动再试；原因见“自动任务”页的运行日志",
    Trouble.CRASHED: "自动任务运行中断：{named}。下次到点自动补上；请系统管理员检查服务器",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What is wrong with a flow, and which slot or start of a run that was."""

    flow: str
    trouble: Trouble
    at: datetime


def hold_flow(session: Session, flow: str) -> bool:
    """Hold a flow's row of the plan to the end of the transaction, so that one alone decides about the flow; False if
    somebody else is at it, or the flow is in no plan."""
    held = select(FlowPlan.flow).where(FlowPlan.flow == flow).with_for_update(skip_locked=True)
    return session.scalar(held) is not None


def last_regular_slot(session: Session, flow: str) -> datetime | None:
    """The latest slot that was run as it should be, not for the asking, by hand or by the watch, however it ended.

    Where none ever was: when the flow was first run at all, since it cannot have been late before.
    """
    slots = select(func.max(FlowRun.scheduled_for)).where(FlowRun.flow == flow, *_REGULAR)
    return session.scalar(slots) or session.scalar(select(func.min(FlowRun.scheduled_for)).where(FlowRun.flow == flow))


def last_served_slot(session: Session, flow: str) -> datetime | None:
    """The latest slot that needs no catching up: a run that died does not count, except the watch's own."""
    served = or_(FlowRun.state != RunState.CRASHED, FlowRun.via == Via.WATCH)
    return session.scalar(select(func.max(FlowRun.scheduled_for)).where(FlowRun.flow == flow, served))


def note_trouble(session: Session, flow: str, late_for: datetime | None, now: datetime) -> Told | None:
    """Open or close the flow's incident; return what supervisors have to be told, None for nothing new.

    `late_for`: the slot for which it should have started long ago, None if there is none. The flow is held.
    """
    last = _last_incident(session, flow)
    if last is not None and last.closed_at is None:
        if late_for is None and _is_well(session, flow):
            last.closed_at = now
        return None
    recently = now - RECENTLY
    bad = _bad_since(session, flow, max(recently, last.closed_at) if last and last.closed_at else recently)
    if late_for is not None:
        told = Told(flow, Trouble.LATE, late_for)
    elif bad is not None:
        told = Told(flow, Trouble(bad.state), bad.started_at or bad.scheduled_for)
    else:
        return None
    session.add(FlowIncident(flow=flow, trouble=told.trouble, opened_at=now))
    return told


def open_troubles(session: Session) -> dict[str, Trouble]:
    """Return what is wrong with which flow just now."""
    rows = session.execute(select(FlowIncident.flow, FlowIncident.trouble).where(FlowIncident.closed_at.is_(None)))
    return {row.flow: Trouble(row.trouble) for row in rows}


def tell(session: Session, troubles: Sequence[Told], now: datetime) -> None:
    """Send supervisors and administrators one message for each kind of trouble: a power cut makes all flows late."""
    root = session.scalar(select(Unit.path).where(Unit.parent_id.is_(None)))
    if root is None:
        return
    found = [holders(session, role, root, local_date(now)) for role in TOLD]
    people = [person for held in found if held for person in held[1]]
    for kind in Trouble:
        named = "、".join(_named(told) for told in troubles if told.trouble is kind)
        if named:
            send(session, message_rows(people, None, "machine", _SENTENCES[kind].format(named=named), now))


def _named(told: Told) -> str:
    title = FLOWS[told.flow].title if told.flow in FLOWS else told.flow
    return f"“{title}”（{told.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}）"


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


def forget_closed_before(session: Session, before: datetime) -> None:
    """Delete incidents that were over before the instant: they are about the machine, not about any matter."""
    session.execute(delete(FlowIncident).where(FlowIncident.closed_at < before))
