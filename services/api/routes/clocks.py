"""Clocks by themselves: how their dates came about, more time, standing still.

Each request is the matter's own action that does this to this clock: same rights, same guards, same journal.
"""

from collections.abc import Mapping
from typing import Literal

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy.orm import Session

from services.api.routes.actions import DeedDone, Version
from services.api.shapes import Id, IdempotencyKey, Reason, Sent
from services.engine.perform import perform
from services.engine.queries.explaining import Explanation, explain_clock
from services.engine.visibility import find_visible
from services.http.calls import Acting, Call, Reading
from services.http.errors import NoSuchStep
from statemachines.kit import effects as fx
from statemachines.kit.procedure import Kind

router = APIRouter(prefix="/clocks", tags=["clocks"])


class Extension(Sent):
    amount: int = Field(ge=1, le=999)
    unit: Literal["month", "day", "workday"]
    reason: Reason
    version: Version = None


class Decision(Sent):
    """`reason` is needed for a refusal."""

    granted: bool
    reason: Reason | None = None
    version: Version = None


class Why(Sent):
    reason: Reason
    version: Version = None


@router.get("/{clock_id}")
def show_clock(clock_id: Id, call: Reading) -> Explanation:
    """Show a clock and, line by line, how its dates came about."""
    with call.read() as session:
        return explain_clock(session, call.engine, call.actor, clock_id, call.now)


@router.post("/{clock_id}/extension")
def ask_for_extension(clock_id: Id, body: Extension, call: Acting, idempotency_key: IdempotencyKey = None) -> DeedDone:
    """Ask for more time, before the period is over."""
    answers = body.model_dump(include={"amount", "unit", "reason"})
    return _step(call, clock_id, fx.AskExtension, answers, body.version, idempotency_key)


@router.post("/{clock_id}/extension/decision")
def decide_on_extension(clock_id: Id, body: Decision, call: Acting, idempotency_key: IdempotencyKey = None) -> DeedDone:
    """Grant or refuse the extension asked for, by the level the policy names and by somebody else than asked."""
    if body.granted:
        note = {"note": body.reason} if body.reason else {}
        return _step(call, clock_id, fx.GrantExtension, note, body.version, idempotency_key)
    why = {"reason": body.reason} if body.reason else {}
    return _step(call, clock_id, fx.RefuseExtension, why, body.version, idempotency_key)


@router.post("/{clock_id}/suspension")
def suspend_clock(clock_id: Id, body: Why, call: Acting, idempotency_key: IdempotencyKey = None) -> DeedDone:
    """Let the clock stand still from today."""
    return _step(call, clock_id, fx.Suspend, {"reason": body.reason}, body.version, idempotency_key)


@router.post("/{clock_id}/resumption")
def resume_clock(clock_id: Id, body: Why, call: Acting, idempotency_key: IdempotencyKey = None) -> DeedDone:
    """Let the clock run on from today."""
    return _step(call, clock_id, fx.Resume, {"reason": body.reason}, body.version, idempotency_key)


def _step(
    call: Call, clock_id: int, effect: type[fx.Effect], answers: Mapping[str, object], seen: int | None, key: str | None
) -> DeedDone:
    with call.write() as session:
        matter_id, action = _action(session, call, clock_id, effect)
        done = perform(
            call.engine, session, matter_id, action, call.actor, answers, call.now, request_key=key, seen_version=seen
        )
    return DeedDone.model_validate(done)


def _action(session: Session, call: Call, clock_id: int, effect: type[fx.Effect]) -> tuple[int, str]:
    """Find the action that does just this; an action that moves the matter on and also does this is not meant."""
    explained = explain_clock(session, call.engine, call.actor, clock_id, call.now)
    clock = explained.clock.name
    matter = find_visible(session, call.engine, call.actor, explained.matter_id)
    procedure = call.engine.registry.pinned(session, matter["procedure_hash"], matter["policy_hash"]).procedure
    for action in procedure.actions.values():
        if action.kind is Kind.NOTE and any(isinstance(e, effect) and _of(e) == clock for e in action.effects):
            return explained.matter_id, action.name
    raise NoSuchStep(clock)


def _of(effect: fx.Effect) -> str | None:
    return getattr(effect, "clock", None)
