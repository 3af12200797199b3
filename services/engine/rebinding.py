"""Moves a running matter to the rules now in force: on purpose, with a reason, after a preview (`rules.md` §3.10)."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.engine import clocks as clk
from services.engine import journal
from services.engine.core import Engine
from services.engine.errors import ActionRefused, NotPermitted
from services.engine.loading import Loaded, load, load_locked
from services.engine.models import Clock, Matter, WorkItem
from services.engine.permission import refuse_unless_visible
from services.engine.registry import Definition
from services.identity.access import Actor
from statemachines.kit.policy import ClockRule

MAY_REBIND = frozenset({"admin", "county_leader"})


class Mode(StrEnum):
    """What becomes of running clocks: their budget stays, is taken anew from the same anchor, or from today."""

    KEEP = "keep"
    RECOMPUTE = "recompute"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Effect:
    """What a move to other rules does to one clock."""

    clock: str
    before: date | None
    after: date | None


def preview(engine: Engine, session: Session, matter_id: int, mode: Mode, actor: Actor, now: datetime) -> list[Effect]:
    """Say what `rebind` would do to the dates; changes nothing."""
    loaded = load(engine, session, matter_id)
    _refuse_unless_permitted(loaded, actor)
    return _effects(_changes(engine, loaded, _target(engine, loaded, now), mode, now))


def rebind(
    engine: Engine, session: Session, matter_id: int, mode: Mode, reason: str, actor: Actor, now: datetime
) -> list[Effect]:
    """Bind the matter to today's rules and treat its clocks as `mode` says; journalled with the reason."""
    if len(reason.strip()) < 5:
        raise ActionRefused("reason_missing", "say why the rules are changed (5 characters at least)", "请写明调整理由")
    loaded, actor, _ = load_locked(engine, session, matter_id, actor)
    _refuse_unless_permitted(loaded, actor)
    target = _target(engine, loaded, now)
    changes = _changes(engine, loaded, target, mode, now)
    effects = _effects(changes)
    engine.registry.keep(session, target, now)
    for row, columns in changes:
        session.execute(update(Clock).where(Clock.id == row["id"]).values(**columns))
        row.update(columns)
    content = {
        "mode": str(mode), "reason": reason, "policy_before": loaded.row["policy_hash"], "policy": target.policy_hash,
        "procedure_before": loaded.row["procedure_hash"], "procedure": target.procedure_hash,
        "clocks": [{"clock": e.clock, "before": str(e.before), "after": str(e.after)} for e in effects],
    }  # fmt: skip
    journal.note(session, matter_id, journal.Event("rules_changed", actor, now, content))
    _write(session, loaded, target)
    return effects


def _write(session: Session, loaded: Loaded, target: Definition) -> None:
    due = clk.earliest_due(loaded.clocks)
    columns = {
        "procedure_hash": target.procedure_hash, "policy_hash": target.policy_hash, "undo": None, "due_at": due,
        "version": loaded.row["version"] + 1,
    }  # fmt: skip
    session.execute(update(Matter).where(Matter.id == loaded.id).values(**columns))
    still_open = WorkItem.matter_id == loaded.id, WorkItem.closed_at.is_(None)
    session.execute(update(WorkItem).where(*still_open).values(due_at=due))


def _refuse_unless_permitted(loaded: Loaded, actor: Actor) -> None:
    refuse_unless_visible(loaded, actor)
    if not actor.roles_at(loaded.row["unit_path"], loaded.people) & MAY_REBIND:
        raise NotPermitted(
            f"changing a matter's rules needs {' or '.join(sorted(MAY_REBIND))}", "您没有调整适用规则的权限"
        )


def _target(engine: Engine, loaded: Loaded, now: datetime) -> Definition:
    """Return today's rules, if the matter can go on under them."""
    target = engine.registry.current(loaded.row["procedure"], local_date(now))
    if loaded.row["state"] not in set(target.procedure.states):
        raise ActionRefused("state_unknown", "the rules in force have no such state", "现行流程没有本事项所处的环节")
    if missing := [c["name"] for c in loaded.clocks if c["name"] not in target.policy.clocks]:
        raise ActionRefused("clock_unknown", f"the rules in force have no clock {missing[0]}", "现行规则没有对应的时限")
    return target


def _changes(
    engine: Engine, loaded: Loaded, target: Definition, mode: Mode, now: datetime
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Pair each clock with its new columns. Rungs that fired stay fired: the claim is unique on clock and rung."""
    changes = []
    for row in loaded.clocks:
        rule = target.policy.clocks[row["name"]]
        anchor = local_date(now) if mode is Mode.RESTART else row["anchor"]
        fresh = {**row, "anchor": anchor, "rungs_fired": 0}
        columns = clk.rebudget(fresh, _term(row, rule, mode), rule, engine.calendar, now)
        changes.append((row, {"anchor": anchor, "rungs_fired": 0, **columns}))
    return changes


def _term(row: dict[str, Any], rule: ClockRule, mode: Mode) -> clk.Term:
    """Return the new rule's budget of the same key, unless the clock keeps its own."""
    budget = row["budget"] if mode is Mode.KEEP else rule.budget_for(row["budget_key"])
    if budget is None:
        raise ActionRefused(
            "budget_unknown", f"no budget for clock {row['name']}", "现行规则没有对应的期限，请选择保持原期限"
        )
    return clk.Term(budget, row["budget_key"], row["given_at"])


def _effects(changes: list[tuple[dict[str, Any], dict[str, Any]]]) -> list[Effect]:
    return [Effect(row["name"], row["effective_due"], columns["effective_due"]) for row, columns in changes]
