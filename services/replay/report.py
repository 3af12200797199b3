"""What came of a replay, read from the engine's own tables."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from services.engine import clocks as clk
from services.engine import journal
from services.engine.models import Clock, Entry, FiredRung, Matter

_CASES = (
    select(func.count()).select_from(Matter).join(Clock, and_(Clock.matter_id == Matter.id, Clock.name == "handling"))
).where(Matter.external_ref.is_not(None))
_ENDED = _CASES.where(Clock.state == clk.STOPPED)
_OPEN = _CASES.where(Clock.state != clk.STOPPED)
_AT_OR_AFTER_DUE = select(FiredRung.id).where(FiredRung.clock_id == Clock.id, ~FiredRung.rung.startswith("-")).exists()


def figures(session: Session, at: datetime) -> dict[str, Any]:
    """Return how things stand at an instant: cases by their handling clock, rungs, journal.

    `open_overdue` are open past their deadline, `escalated_overdue` those of them for which a rung at or after it
    has fired; `supervised` are the matters that rungs opened; `rungs` counts by procedure, clock and rung.
    """
    overdue = _OPEN.where(Clock.due_at < at)
    rungs = _rungs(session)
    checked = journal.verify(session)
    return {
        "started": _count(session, _CASES),
        "ended": _count(session, _ENDED),
        "ended_late": _count(session, _ENDED.where(Clock.outcome == "late")),
        "open": _count(session, _OPEN),
        "open_overdue": _count(session, overdue),
        "escalated_overdue": _count(session, overdue.where(_AT_OR_AFTER_DUE)),
        "archived": _count(session, _CASES.where(Matter.closed_at.is_not(None))),
        "supervised": _count(session, select(func.count(Matter.id)).where(Matter.external_ref.is_(None))),
        "notes": _count(session, select(func.count(Entry.seq)).where(Entry.action == "note_progress")),
        "rungs_fired": sum(rungs.values()),
        "rungs": rungs,
        "journal_entries": checked["entries"],
        "journal_ok": checked["ok"],
    }


def _count(session: Session, query: Select[tuple[int]]) -> int:
    return session.execute(query).scalar_one()


def _rungs(session: Session) -> dict[str, int]:
    by = Matter.procedure, Clock.name, FiredRung.rung
    query = (
        select(*by, func.count())
        .select_from(FiredRung)
        .join(Clock, Clock.id == FiredRung.clock_id)
        .join(Matter, Matter.id == FiredRung.matter_id)
        .group_by(*by)
        .order_by(*by)
    )
    return {f"{procedure} {clock} {rung}": n for procedure, clock, rung, n in session.execute(query)}
