"""Recomputes running clocks when the working calendar changed: in batches, resumable, with a recorded reason."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.db.failures import is_outage
from services.db.session import Database
from services.engine import clocks as clk
from services.engine import journal
from services.engine.aside import resting, set_aside
from services.engine.core import Engine, engine_for
from services.engine.loading import TURN
from services.engine.messages import message_rows, send
from services.engine.models import Clock, Matter, WorkItem
from services.identity.access import CLOCK
from services.runtime import Runtime

BATCH = 500


def refresh_calendar(runtime: Runtime, now: datetime) -> dict[str, Any]:
    """Bring every running clock to the present calendar; return {"looked_at", "moved", "still_provisional"}."""
    return recompute_all(runtime.database, engine_for(runtime), now)


def recompute_all(
    database: Database, engine: Engine, now: datetime, progress: Callable[[int], None] | None = None
) -> dict[str, Any]:
    """Recompute clocks of another calendar version, `BATCH` a transaction: what is done stays done if interrupted."""
    totals: Counter[str] = Counter(looked_at=0, moved=0, still_provisional=0)
    while True:
        with database.write() as session:
            counts = recompute_batch(session, engine, now)
        totals.update(counts)
        if progress:
            progress(counts["looked_at"])
        if counts["looked_at"] < BATCH:
            return dict(totals)


def recompute_batch(session: Session, engine: Engine, now: datetime) -> Counter[str]:
    """Recompute up to `BATCH` clocks; those whose date moved are journalled and their holders told, those that cannot
    be recomputed are set aside."""
    stale = (
        select(*Clock.__table__.columns, Matter.procedure_hash, Matter.policy_hash)
        .join(Matter, Matter.id == Clock.matter_id)
        .where(Clock.state != clk.STOPPED, Clock.calendar_version != engine.calendar.version, ~resting(now))
        .order_by(Clock.matter_id, Clock.id)
        .limit(BATCH)
        .with_for_update(of=[Matter.__table__, Clock.__table__], key_share=True)
    )
    rows = [dict(row) for row in session.execute(stale).mappings()]
    updates, moved = [], defaultdict(list)
    for row in rows:
        try:
            columns = _recomputed(session, engine, row, now)
        except Exception as problem:
            if is_outage(problem):
                raise
            set_aside(session, row["matter_id"], row["id"], problem, now)
            continue
        updates.append({"id": row["id"], **columns})
        if columns["effective_due"] != row["effective_due"]:
            moved[row["matter_id"]].append((row, columns))
    if updates:
        session.execute(update(Clock), updates)
    for matter_id, changes in moved.items():
        _record(session, matter_id, changes, now)
    provisional = sum(bool(u["provisional"]) for u in updates)
    return Counter(looked_at=len(rows), moved=sum(map(len, moved.values())), still_provisional=provisional)


def _recomputed(session: Session, engine: Engine, row: dict[str, Any], now: datetime) -> dict[str, Any]:
    rule = engine.registry.pinned(session, row["procedure_hash"], row["policy_hash"]).policy.clocks[row["name"]]
    return clk.recompute(row, rule, engine.calendar, now)


def _record(
    session: Session, matter_id: int, changes: list[tuple[dict[str, Any], dict[str, Any]]], now: datetime
) -> None:
    """Journal what moved and why, bring the projections along, tell whoever has it."""
    content = {
        "why": "the working calendar changed",
        "clocks": [
            {"clock": row["name"], "before": str(row["effective_due"]), "after": str(columns["effective_due"]),
             "calendar_before": row["calendar_version"], "calendar_after": columns["calendar_version"]}
            for row, columns in changes
        ],
    }  # fmt: skip
    journal.note(session, matter_id, journal.Event("recomputed", CLOCK, now, content))
    running = session.execute(
        select(Clock.state, Clock.due_at).where(Clock.matter_id == matter_id, Clock.state == clk.RUNNING)
    ).mappings()
    due = clk.earliest_due([dict(row) for row in running])
    session.execute(update(Matter).where(Matter.id == matter_id).values(due_at=due))
    still_open = WorkItem.matter_id == matter_id, WorkItem.closed_at.is_(None)
    session.execute(update(WorkItem).where(*still_open).values(due_at=due))
    holder = session.execute(select(WorkItem.person_id).where(*still_open, WorkItem.kind == TURN)).scalar()
    number = session.execute(select(Matter.number).where(Matter.id == matter_id)).scalar_one()
    dates = "、".join(f"{row['effective_due']}改为{columns['effective_due']}" for row, columns in changes)
    send(session, message_rows([holder], matter_id, "recomputed", f"{number}因工作日历更新，期限由{dates}", now))
