"""The sweep: finds clocks whose next rung has come, claims each rung once, does what the ladder says.

It narrows with one indexed query, locks matter then clocks and passes over what somebody else holds; the insert
of a rung is the claim. Batches of `BATCH` clocks, each in its own transaction, so a kill loses no more than those at
work; many batches are served in lanes.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import structlog
from sqlalchemy import Integer, bindparam, select
from sqlalchemy.orm import Session

from services.db.failures import is_outage
from services.db.rows import update_rows
from services.db.session import Database
from services.db.together import read_rows
from services.db.upsert import insert_missing
from services.engine import clocks as clk
from services.engine.aside import forget_ended, reason, resting, set_aside, take_back
from services.engine.core import Engine, engine_for
from services.engine.deeds import Deed, do_deeds
from services.engine.errors import VersionLost
from services.engine.lanes import Lane, in_lanes
from services.engine.models import Clock, FiredRung, Matter
from services.engine.reactions import tell_all
from services.engine.rerouting import reroute_stranded
from services.identity.models import Unit
from services.runtime import Runtime
from statemachines.kit.policy import Rung

BATCH = 500
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a due clock will do: the rungs whose day has come, and when the next one does."""

    clock: dict[str, Any]
    rungs: list[tuple[Rung, date]]
    next_rung_at: datetime | None


def sweep(runtime: Runtime, now: datetime) -> dict[str, Any]:
    """Route on what waits for nobody, let go on what waited for others, then fire every rung due at `now`."""
    rerouted = reroute_stranded(runtime.database, now)
    engine = engine_for(runtime)
    gone_on = tell_all(runtime.database, engine, now)
    with runtime.database.write() as session:
        forget_ended(session, now)
    return {**sweep_all(runtime.database, engine, now), "rerouted": rerouted, "gone_on": gone_on}


def sweep_all(
    database: Database, engine: Engine, now: datetime, progress: Callable[[int], None] | None = None
) -> dict[str, Any]:
    """Fire every rung due at `now`; return {"due", "fired", "skipped", "set_aside", "failed_deeds", "by_rung"}.

    `due` counts clocks looked at, `skipped` rungs that somebody else had fired, `set_aside` clocks that could not be
    served (see `aside`: their reason is kept, they are tried again after an hour and stop nobody else).
    """
    totals: Counter[str] = Counter(due=0, fired=0, skipped=0, set_aside=0, failed_deeds=0)
    by_rung: Counter[str] = Counter()

    def serve(lane: Lane) -> bool:
        batch, more = _batch(database, engine, now)
        with lane.alone:
            totals.update({k: v for k, v in batch.items() if k != "by_rung"})
            by_rung.update(batch["by_rung"])
            if progress:
                progress(batch["due"])
        return more

    def serve_all(lane: Lane) -> None:
        while not lane.stop.is_set() and serve(lane):
            pass

    if serve(Lane()):  # most often there is no more
        in_lanes(database, serve_all)
    return {**totals, "by_rung": dict(sorted(by_rung.items()))}


def _batch(database: Database, engine: Engine, now: datetime) -> tuple[dict[str, Any], bool]:
    """Serve one batch in one transaction; where something in it makes that fail, its clocks one by one.

    Return what came of it, and whether there may be more.
    """
    try:
        with database.write() as session:
            served = sweep_batch(session, engine, now)
        return served, served["due"] >= BATCH
    except Exception as problem:
        if is_outage(problem):
            raise
        log.warning("a batch failed and is served clock by clock", why=type(problem).__name__)
    return _singly(database, engine, now)


def _singly(database: Database, engine: Engine, now: datetime) -> tuple[dict[str, Any], bool]:
    """Several lanes may be at the same clocks: there is more as long as this one got hold of any."""
    with database.read() as session:
        clocks = [(row["id"], row["matter_id"]) for row in read_rows(session, _DUE, {"now": now, "batch": BATCH})]
    totals: Counter[str] = Counter()
    by_rung: Counter[str] = Counter()
    for clock_id, matter_id in clocks:
        try:
            with database.write() as session:
                served = sweep_batch(session, engine, now, clock_id)
            totals.update({k: v for k, v in served.items() if k != "by_rung"})
            by_rung.update(served["by_rung"])
        except Exception as problem:
            if is_outage(problem):
                raise
            with database.write() as session:
                news = _set_aside(session, clock_id, matter_id, problem, now)
            totals.update(due=news, set_aside=news)
    return {"due": 0, **totals, "by_rung": by_rung}, len(clocks) >= BATCH and totals["due"] > 0


def sweep_batch(session: Session, engine: Engine, now: datetime, only: int | None = None) -> dict[str, Any]:
    """Serve up to `BATCH` clocks, or `only` this one, inside the caller's transaction."""
    moment = {"now": now, "batch": BATCH}
    clocks = read_rows(session, _LOCKED, moment) if only is None else read_rows(session, _ONE, {**moment, "one": only})
    matters = _matters(session, {c["matter_id"] for c in clocks})
    counts: Counter[str] = Counter(due=len(clocks), fired=0, skipped=0, set_aside=0)
    plans = []
    for clock in clocks:
        try:
            plans.append(_plan(session, engine, clock, matters[clock["matter_id"]], now))
        except Exception as problem:
            if is_outage(problem):
                raise
            counts["set_aside"] += _set_aside(session, clock["id"], clock["matter_id"], problem, now)
    deeds = _claim(session, plans, now)
    counts["fired"] = len(deeds)
    counts["skipped"] = sum(len(p.rungs) for p in plans) - len(deeds)
    counts["failed_deeds"] = do_deeds(engine, session, deeds, matters, now)
    take_back(session, ((p.clock["matter_id"], p.clock["id"]) for p in plans))
    return {**counts, "by_rung": Counter(f"{d.clock['name']} {d.rung.at}" for d in deeds)}


_C, _M, _U = (model.__table__.c for model in (Clock, Matter, Unit))
_NOW = bindparam("now", type_=Clock.next_rung_at.type)
_DUE = (
    select(_C.id, _C.matter_id, _C.name, _C.effective_due, _C.rungs_fired)
    .join(Matter.__table__, _M.id == _C.matter_id)
    .where(_C.state == clk.RUNNING, _C.next_rung_at <= _NOW, ~resting(_NOW))
    .order_by(_C.next_rung_at, _C.id)
    .limit(bindparam("batch", type_=Integer))
)
_LOCKED = _DUE.with_for_update(of=[Matter.__table__, Clock.__table__], skip_locked=True, key_share=True)
_ONE = _LOCKED.where(_C.id == bindparam("one"))
_MATTERS = select(
    _M.id, _M.procedure, _M.number, _M.title, _M.unit_id, _M.level, _M.procedure_hash, _M.policy_hash, _M.journal_seq,
    _M.journal_head, select(_U.path).where(_U.id == _M.unit_id).scalar_subquery().label("unit_path"),
).where(_M.id.in_(bindparam("ids", expanding=True)))  # fmt: skip


def _matters(session: Session, ids: set[int]) -> dict[int, dict[str, Any]]:
    return {row["id"]: row for row in read_rows(session, _MATTERS, {"ids": sorted(ids)})}


def _plan(session: Session, engine: Engine, clock: dict[str, Any], matter: dict[str, Any], now: datetime) -> Plan:
    definition = engine.registry.pinned(session, matter["procedure_hash"], matter["policy_hash"])
    rule = definition.policy.clocks.get(clock["name"])
    if rule is None:
        raise VersionLost(f"the policy of this matter has no clock {clock['name']}")
    rungs = clk.due_rungs(clock, rule, engine.calendar, now)
    fired = clock["rungs_fired"] + len(rungs)
    clock["rungs_fired"] = fired
    return Plan(clock, rungs, clk.next_rung_at(clock, clock["effective_due"], rule, engine.calendar))


def _claim(session: Session, plans: list[Plan], now: datetime) -> list[Deed]:
    """Claim the rungs by inserting them, and point each clock at its next; return those that were free."""
    rows = [
        {"clock_id": p.clock["id"], "matter_id": p.clock["matter_id"], "rung": rung.at, "due_on": day, "fired_at": now,
         "did": list(rung.do), "acknowledged_by": None, "acknowledged_at": None}
        for p in plans for rung, day in p.rungs
    ]  # fmt: skip
    returning = [FiredRung.clock_id, FiredRung.rung, FiredRung.id]
    claimed = {(c, r): i for c, r, i in insert_missing(session, FiredRung, rows, ["clock_id", "rung"], returning)}
    pointers = {p.clock["id"]: {"rungs_fired": p.clock["rungs_fired"], "next_rung_at": p.next_rung_at} for p in plans}
    update_rows(session, Clock, pointers)
    return [
        Deed(p.clock, rung, claimed[p.clock["id"], rung.at])
        for p in plans
        for rung, _ in p.rungs
        if (p.clock["id"], rung.at) in claimed
    ]


def _set_aside(session: Session, clock_id: int, matter_id: int, problem: Exception, now: datetime) -> bool:
    news = set_aside(session, matter_id, clock_id, problem, now)
    if news:
        log.warning("clock set aside", clock=clock_id, matter=matter_id, why=reason(problem)[0])
    return news
