"""Moving a running matter to the rules now in force: first looked at, then done on purpose."""

from datetime import date

from fastapi import APIRouter

from services.api.shapes import Id, Reason, Sent, Shown
from services.engine.rebinding import Mode, preview, rebind
from services.http.calls import Acting, Reading

router = APIRouter(tags=["matters"])


class RuleChange(Sent):
    mode: Mode
    reason: Reason


class ClockEffect(Shown):
    """What becomes of one running clock; a date is null while the clock stands still."""

    clock: str
    before: date | None
    after: date | None


@router.get("/matters/{matter_id}/rules/{mode}")
def preview_rules(matter_id: Id, mode: Mode, call: Reading) -> list[ClockEffect]:
    """Say what today's rules would do to the matter's dates; changes nothing."""
    with call.read() as session:
        effects = preview(call.engine, session, matter_id, mode, call.actor, call.now)
    return [ClockEffect.model_validate(effect) for effect in effects]


@router.post("/matters/{matter_id}/rules")
def change_rules(matter_id: Id, body: RuleChange, call: Acting) -> list[ClockEffect]:
    """Bind the matter to today's rules; its clocks keep their budgets, are recomputed, or restart."""
    with call.write() as session:
        effects = rebind(call.engine, session, matter_id, body.mode, body.reason, call.actor, call.now)
    return [ClockEffect.model_validate(effect) for effect in effects]
