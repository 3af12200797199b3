"""Recomputes running clocks when the working calendar changed: in batches, resumable, with a recorded reason."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Integer, bindparam, select, update
from sqlalchemy.orm import Session

from services.db.failures import is_outage
from services.db.rows import update_rows
from services.db.session import Database
from services.db.together import read_rows, read_together
from services.engine import clocks as clk
from services.engine import journal
from services.engine.aside import resting, set_aside
from services.engine.core import Engine, engine_for
from services.engine.lanes import Lane, in_lanes
from services.engine.loading import TURN
from services.engine.messages import message_rows, send
from services.engine.models import Clock, Matter, WorkItem
from services.identity.access import CLOCK
from services.runtime import Runtime

BATCH = 500

Moved = tuple[dict[str, Any], dict[str, Any]]
"""A clock as it was, and what changed."""
_DECIDES = ("name", "state", "anchor", "budget", "given_at", "rungs_fired")
Known = dict[tuple[Any, ...], dict[str, Any]]
"""Dates computed already in this run: many clocks of one rule began on the same day."""


def refresh_calendar(runtime: Runtime, now: datetime) -> dict[str, Any]:
    """Bring every running clock to the present calendar; return {"looked_at", "moved", "still_provisional"}."""
    return recompute_all(runtime.database, engine_for(runtime), now)


def recompute_all(
    database: Database, engine: Engine, now: datetime, progress: Callable[[int], None] | None = None
) -> dict[str, Any]:
    """Recompute clocks of another calendar version, `BATCH` a transaction: what is done stays done if interrupted."""
    totals: Counter[str] = Counter(looked_at=0, moved=0, still_provisional=0)
    known = Known()

    def recompute(lane: Lane) -> None:
        last, full = 0, True
        while full and not lane.stop.is_set():
            with database.write() as session:
                counts, last = _batch(session, engine, now, last, known, lane)
            with lane.alone:
                totals.update(counts)
                if progress:
                    progress(counts["looked_at"])
            full = counts["looked_at"] >= BATCH

    in_lanes(database, recompute)
    return dict(totals)


def recompute_batch(session: Session, engine: Engine, now: datetime) -> Counter[str]:
    """Recompute up to `BATCH` clocks; those whose date moved are journalled and their holders told, those that cannot
    be recomputed are set aside."""
    return _batch(session, engine, now, 0, Known(), Lane())[0]


_C, _M, _W = (model.__table__.c for model in (Clock, Matter, WorkItem))
_NOW = bindparam("now", type_=Clock.next_rung_at.type)
_IDS: BindParameter[int] = bindparam("matters", expanding=True)
# `last` is the last matter of the batch before: else each would begin by stepping over all that are done
_STALE = (
    select(*_C, _M.procedure_hash, _M.policy_hash, _M.number, _M.journal_seq, _M.journal_head)
    .join(Matter.__table__, _M.id == _C.matter_id)
    .where(
        _C.state != clk.STOPPED, _C.calendar_version != bindparam("version"), _C.matter_id >= bindparam("last"),
        _C.matter_id % bindparam("lanes", type_=Integer) == bindparam("lane", type_=Integer),
        ~resting(_NOW),
    )
    .order_by(_C.matter_id, _C.id)
    .limit(bindparam("batch", type_=Integer))
    .with_for_update(of=[Matter.__table__, Clock.__table__], key_share=True)
)  # fmt: skip
_RUNNING = select(_C.matter_id, _C.state, _C.due_at).where(_C.matter_id.in_(_IDS), _C.state == clk.RUNNING)
_KEPT: BindParameter[int] = bindparam("clocks", expanding=True)
_KEEP = update(Clock).where(_C.id.in_(_KEPT)).values(calendar_version=bindparam("version")).returning(_C.id)
_WAITING = select(_W.id, _W.matter_id, _W.kind, _W.person_id).where(_W.matter_id.in_(_IDS), _W.closed_at.is_(None))


def _batch(
    session: Session, engine: Engine, now: datetime, last: int, known: Known, lane: Lane
) -> tuple[Counter[str], int]:
    """Recompute the clocks of this and later matters in the lane; return the counts and the last matter looked at."""
    values = {"version": engine.calendar.version, "last": last, "now": now, "batch": BATCH,
              "lane": lane.number, "lanes": lane.of}  # fmt: skip
    rows, provisional = read_rows(session, _STALE, values), 0
    same, updates = [], {}
    moved: dict[int, list[Moved]] = defaultdict(list)
    for row in rows:
        try:
            columns = clk.recompute(row, _derived(session, engine, row, known), now)
        except Exception as problem:
            if is_outage(problem):
                raise
            set_aside(session, row["matter_id"], row["id"], problem, now)
            continue
        provisional += columns["provisional"]
        if all(columns[name] == row[name] for name in columns if name != "calendar_version"):
            same.append(row["id"])
            continue
        updates[row["id"]] = columns
        if columns["effective_due"] != row["effective_due"]:
            moved[row["matter_id"]].append((row, columns))
    if same:
        read_rows(session, _KEEP, {"clocks": same, "version": engine.calendar.version})
    update_rows(session, Clock, updates)
    _record(session, moved, now)
    counts = Counter(looked_at=len(rows), moved=sum(map(len, moved.values())), still_provisional=provisional)
    return counts, rows[-1]["matter_id"] if rows else last


def _derived(session: Session, engine: Engine, row: dict[str, Any], known: Known) -> dict[str, Any]:
    key = None
    if not (row["ledger"]["extensions"] or row["ledger"]["suspensions"]):
        key = (row["policy_hash"], *(row[name] for name in _DECIDES))
        if key in known:
            return known[key]
    rule = engine.registry.pinned(session, row["procedure_hash"], row["policy_hash"]).policy.clocks[row["name"]]
    derived = clk.derive(row, rule, engine.calendar)
    if key is not None:
        known[key] = derived
    return derived


def _record(session: Session, moved: Mapping[int, list[Moved]], now: datetime) -> None:
    """Journal what moved and why, bring the projections along, tell whoever has it."""
    if not moved:
        return
    ids = {"matters": sorted(moved)}
    running, waiting = read_together(session, (_RUNNING, ids), (_WAITING, ids))
    due = {matter_id: clk.earliest_due(rows) for matter_id, rows in _by_matter(running).items()}
    items = _by_matter(waiting)
    entries, matters, messages = [], {}, []
    for matter_id, changes in moved.items():
        first = changes[0][0]
        head = journal.Head(matter_id, first["journal_seq"], first["journal_head"])
        entries.append(journal.chain(head, journal.Event("recomputed", CLOCK, now, _content(changes))))
        matters[matter_id] = {"due_at": due.get(matter_id), **head.columns()}
        dates = "、".join(f"{row['effective_due']}改为{columns['effective_due']}" for row, columns in changes)
        holders = [item["person_id"] for item in items[matter_id] if item["kind"] == TURN]
        text = f"{first['number']}因工作日历更新，期限由{dates}"
        messages += message_rows(holders[:1], matter_id, "recomputed", text, now)
    journal.write(session, entries)
    update_rows(session, Matter, matters)
    update_rows(session, WorkItem, {i["id"]: {"due_at": due.get(i["matter_id"])} for i in waiting})
    send(session, messages)


def _by_matter(rows: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["matter_id"]].append(row)
    return found


def _content(changes: list[Moved]) -> dict[str, Any]:
    return {
        "why": "the working calendar changed",
        "clocks": [
            {"clock": row["name"], "before": str(row["effective_due"]), "after": str(columns["effective_due"]),
             "calendar_before": row["calendar_version"], "calendar_after": columns["calendar_version"]}
            for row, columns in changes
        ],
    }  # fmt: skip
