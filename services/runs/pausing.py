"""Stopping a flow on purpose: by name, with a reason, until somebody lets it run again. The clock asks each time."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.db.errors import DubanError
from services.engine.errors import Conflict, NotPermitted
from services.identity.access import Actor
from services.identity.models import Person
from services.identity.units import is_root
from services.runs.models import FlowPause, FlowRun
from services.runs.overview import FLOWS
from services.runs.record import UnknownFlow, is_paused, request_run

_PAUSING = frozenset({"admin", "county_office", "county_leader"})
LONGEST = 500


class AlreadyPaused(Conflict):
    code: ClassVar[str] = "already_paused"

    def __init__(self) -> None:
        super().__init__("this flow is paused already", "该任务已处于暂停状态")


class NotPaused(Conflict):
    code: ClassVar[str] = "not_paused"

    def __init__(self) -> None:
        super().__init__("this flow is not paused", "该任务未暂停，无需恢复")


class ReasonMissing(DubanError):
    code: ClassVar[str] = "reason_missing"
    status: ClassVar[int] = 422

    def __init__(self) -> None:
        super().__init__(f"say why, in at most {LONGEST} characters", f"请填写暂停理由，不超过 {LONGEST} 个字")


@dataclass(frozen=True, slots=True)
class Pause:
    """A flow that stands still: since when, by whom and why."""

    flow: str
    since: datetime
    by: str
    reason: str


def may_pause(actor: Actor) -> bool:
    """Whether the actor leads, administers or runs the office of the whole county."""
    return any(grant.role in _PAUSING and is_root(grant.path) for grant in actor.grants)


def pause_flow(session: Session, flow: str, reason: str, actor: Actor, now: datetime) -> None:
    """Let the clock leave this flow out from now on; a run at work is not cut off.

    Raises NotPermitted, UnknownFlow, ReasonMissing, AlreadyPaused.
    """
    _refuse_unless_pausing(actor)
    reason = reason.strip()
    if not reason or len(reason) > LONGEST:
        raise ReasonMissing
    if flow not in FLOWS and session.scalar(select(FlowRun.id).where(FlowRun.flow == flow).limit(1)) is None:
        raise UnknownFlow(flow)
    if is_paused(session, flow):
        raise AlreadyPaused
    session.add(FlowPause(flow=flow, reason=reason, paused_at=now, paused_by=actor.id))
    session.flush()


def resume_flow(session: Session, flow: str, actor: Actor, now: datetime) -> None:
    """Let it run again, and at once: what was due meanwhile is caught up. Raises NotPermitted, NotPaused."""
    _refuse_unless_pausing(actor)
    pause = session.scalars(select(FlowPause).where(FlowPause.flow == flow, FlowPause.resumed_at.is_(None))).first()
    if pause is None:
        raise NotPaused
    pause.resumed_at, pause.resumed_by = now, actor.id
    session.flush()
    if session.scalar(select(FlowRun.id).where(FlowRun.flow == flow).limit(1)) is not None:
        request_run(session, flow, now, actor.id)


def pauses(session: Session) -> dict[str, Pause]:
    """Return every flow that stands still, by name."""
    wanted = (
        select(FlowPause.flow, FlowPause.paused_at, Person.name, FlowPause.reason)
        .join(Person, Person.id == FlowPause.paused_by)
        .where(FlowPause.resumed_at.is_(None))
    )
    return {row.flow: Pause(*row) for row in session.execute(wanted)}


def _refuse_unless_pausing(actor: Actor) -> None:
    if not may_pause(actor):
        raise NotPermitted(
            f"pausing a flow needs one of {', '.join(sorted(_PAUSING))} on the county",
            "自动任务由县级领导、县信访室和系统管理员暂停、恢复",
        )
