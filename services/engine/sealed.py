"""What is sealed and who may look: the complainant's identity, and the few words a receipt code shows."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.engine import clocks as clk
from services.engine import journal
from services.engine.core import Engine
from services.engine.errors import InvalidAnswers, NotPermitted
from services.engine.loading import load_locked
from services.engine.models import Clock, Matter, Receipt
from services.engine.permission import behalf_of
from services.engine.registry import Definition
from services.engine.visibility import find_visible
from services.identity import receipts
from services.identity.access import Actor
from services.identity.errors import BadReceiptCode, NotFound
from services.identity.store import open_field

SHORTEST_PURPOSE = 5
_HANDLING = "handling"
_WORDS = {
    "registered": "已登记", "accepted": "已受理", "referred": "不予受理", "in_handling": "办理中", "closed": "已办结",
}  # fmt: skip


def open_sealed(
    session: Session, engine: Engine, matter_id: int, name: str, actor: Actor, purpose: str, now: datetime
) -> Any:
    """Return what is sealed under this name, as JSON; who looked and what for goes to the journal, the content never.

    Call it in a `write()`: the entry is kept only if that commits, so show nothing before. Raises MatterNotFound,
    NotPermitted (the policy's `sealed` names the roles, held where the matter lies), InvalidAnswers without a purpose
    of at least `SHORTEST_PURPOSE` characters, NotFound where nothing is sealed, SealBroken.
    """
    loaded, actor, _ = load_locked(engine, session, matter_id, actor)
    find_visible(session, engine, actor, matter_id)
    allowed = loaded.definition.policy.sealed.get(name, ())
    roles = actor.roles_at(loaded.row["unit_path"], loaded.people) & set(allowed)
    if not roles:
        raise NotPermitted(
            f"opening {name} needs one of the roles {', '.join(allowed)} here", "您没有查看该密封信息的权限"
        )
    if len(purpose.strip()) < SHORTEST_PURPOSE:
        raise InvalidAnswers([_no_purpose()])
    text = open_field(session, engine.vault, matter_id, name)
    if text is None:
        raise NotFound(f"nothing is sealed under {name} here", "本事项没有该项密封信息")
    content = {"name": name, "purpose": purpose.strip()}
    event = journal.Event("seal_opened", actor, now, content, behalf_of=behalf_of(loaded, actor, roles))
    journal.note(session, matter_id, event)
    return json.loads(text)


def public_status(session: Session, engine: Engine, code: str) -> dict[str, Any]:
    """Return what the holder of a receipt may know, and nothing else.

    {"state", "zh", "refusal": {"ground", "reason", "receiving_organ"} | None, "due": ISO date | None, "provisional"};
    `state` is registered, accepted, referred, in_handling or closed. Codes that are unknown or mistyped raise the very
    same NotFound, after the same two look-ups.
    """
    matter = session.execute(_MATTER.where(Receipt.digest.in_(_digests(engine, code)))).mappings().one_or_none()
    clock = session.execute(_CLOCK.where(Clock.matter_id == (matter["id"] if matter else 0))).mappings().first()
    if matter is None:
        raise NotFound(
            "no petition has this receipt code; check it letter by letter", "没有找到该查询码，请对照回执逐字核对"
        )
    definition = engine.registry.pinned(session, matter["procedure_hash"], matter["policy_hash"])
    word = definition.procedure.public[matter["state"]]
    return {
        "state": word,
        "zh": _WORDS[word],
        "refusal": _refusal(definition, matter["record"]["steps"].get("refuse")),
        "due": clock["effective_due"].isoformat() if clock and clock["effective_due"] else None,
        "provisional": bool(clock and clock["provisional"]),
    }


_MATTER = select(Matter.id, Matter.state, Matter.procedure_hash, Matter.policy_hash, Matter.record).join(
    Receipt, Receipt.matter_id == Matter.id
)
_CLOCK = (
    select(Clock.effective_due, Clock.provisional)
    .where(Clock.name == _HANDLING, Clock.state != clk.STOPPED)
    .order_by(Clock.id.desc())
    .limit(1)
)


def _digests(engine: Engine, code: str) -> tuple[str, ...]:
    try:
        return receipts.digests(code, engine.vault)
    except BadReceiptCode:
        return engine.vault.digests("no receipt", "mistyped receipt")


def _refusal(definition: Definition, step: dict[str, Any] | None) -> dict[str, str] | None:
    if step is None:
        return None
    answers = step["answers"]
    ground = definition.policy.codes("refusal_grounds").get(answers["ground"], answers["ground"])
    return {"ground": ground, "reason": answers["reason"], "receiving_organ": answers["receiving_organ"]}


def _no_purpose() -> dict[str, str]:
    return {
        "field": "purpose", "code": "purpose_missing", "en": f"say what for, in {SHORTEST_PURPOSE} characters or more",
        "zh": f"请说明查看事由（不少于{SHORTEST_PURPOSE}个字）",
    }  # fmt: skip
