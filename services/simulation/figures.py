"""What came of a run, read from the engine's own tables, and one digest of all journals."""

from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import case, exists, func, or_, select
from sqlalchemy.orm import Session

from services.engine import clocks as clk
from services.engine.models import Clock, Entry, FiredRung, Matter

SCORE = "score"
_ITEM = Matter.record["steps"]["open"]["answers"]["item"].as_string()


def figures(session: Session, at: datetime) -> dict[str, Any]:
    """Return counts per procedure, rung and score item as of an instant, and the digest.

    `overdue` are open past their deadline; `late` are matters of which any period ended late or is past its end.
    """
    return {
        "procedures": _procedures(session, at),
        "rungs": fired_rungs(session),
        "scores": _scores(session),
        "entries": session.scalar(select(func.count(Entry.seq))) or 0,
        "digest": digest(session),
    }


def digest(session: Session) -> str:
    """Return one SHA-256 over the end of every matter's chain, in the order of their ids."""
    total = sha256()
    for head in session.execute(
        select(Matter.id, Matter.journal_seq, Matter.journal_head).order_by(Matter.id)
    ).tuples():
        total.update(f"{head}\n".encode())
    return total.hexdigest()


def _procedures(session: Session, at: datetime) -> dict[str, dict[str, int]]:
    over = or_(Clock.outcome == "late", (Clock.state == clk.RUNNING) & (Clock.due_at < at))
    late = exists().where(Clock.matter_id == Matter.id, over)
    open_now, past = Matter.closed_at.is_(None), Matter.closed_at.is_(None) & (Matter.due_at < at)
    counts = [func.sum(case((condition, 1), else_=0)) for condition in (~open_now, open_now, past, late)]
    rows = select(Matter.procedure, func.count(), *counts).group_by(Matter.procedure).order_by(Matter.procedure)
    names = ("opened", "closed", "open", "overdue", "late")
    return {key: dict(zip(names, map(int, found), strict=True)) for key, *found in session.execute(rows)}


def fired_rungs(session: Session) -> dict[str, int]:
    """Return how often each rung fired, by procedure, clock and rung."""
    by = Matter.procedure, Clock.name, FiredRung.rung
    joined = select(*by, func.count()).select_from(FiredRung).join(Clock, Clock.id == FiredRung.clock_id)
    rows = joined.join(Matter, Matter.id == FiredRung.matter_id).group_by(*by).order_by(*by)
    return {f"{procedure} {clock} {rung}": n for procedure, clock, rung, n in session.execute(rows)}


def _scores(session: Session) -> dict[str, dict[str, int]]:
    found = select(_ITEM, Matter.state, func.count()).where(Matter.procedure == SCORE).group_by(_ITEM, Matter.state)
    scores: dict[str, dict[str, int]] = {}
    for item, state, count in sorted(session.execute(found).tuples().all()):
        scores.setdefault(item, {})[state] = count
    return scores
