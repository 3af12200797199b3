"""The one way to move a matter."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.db.errors import DubanError
from services.db.failures import is_outage
from services.db.together import read_together
from services.engine import journal, writing
from services.engine.answers import Answers, check_answers, read_form
from services.engine.changes import Changes
from services.engine.core import Engine
from services.engine.decided import Move
from services.engine.errors import ActionRefused, Stale
from services.engine.loading import Loaded, load, load_locked, load_others
from services.engine.models import Link, Matter
from services.engine.opening import open_children
from services.engine.permission import Right, refuse_unless_visible, right_to
from services.engine.visibility import visible
from services.identity.access import CLOCK, Actor
from statemachines.kit.forms import Form
from statemachines.kit.procedure import Action, Kind, Refused
from statemachines.kit.situation import Situation, Step


@dataclass(frozen=True, slots=True)
class Performed:
    """What came of it: where the matter stands now, its row version, the journal entry, matters opened by it."""

    matter_id: int
    state: str
    version: int
    entry_seq: int
    opened: tuple[int, ...] = ()


def perform(
    engine: Engine,
    session: Session,
    matter_id: int,
    action: str,
    actor: Actor,
    data: Mapping[str, Any],
    now: datetime,
    *,
    request_key: str | None = None,
    seen_version: int | None = None,
) -> Performed:
    """Move one matter by one action, or raise a DubanError and change nothing (the caller's transaction rolls back).

    `data` are the form's answers as JSON values. `request_key` is the client's key for this very request: a second
    one raises AlreadyPerformed. `seen_version` is the row version the client looked at: another one raises Stale. The
    actor's roles are those of the directory as it is once the matter is locked.
    """
    requested = journal.requested(actor, request_key)
    loaded, actor, repeated = load_locked(engine, session, matter_id, actor, *requested)
    refuse_unless_visible(loaded, actor)
    journal.refuse_repeat(repeated)
    if seen_version is not None and seen_version != loaded.row["version"]:
        raise Stale(seen_version, loaded.row["version"])
    right = right_to(loaded, action, actor)
    declared, answers, target, situation = _decide(engine, session, loaded, action, right, actor, data, now)
    changes = Changes(
        engine, loaded.definition, situation, answers.form, actor, now, loaded.clocks, sittings=loaded.sittings
    )
    changes.apply(declared.effects)
    move = Move(loaded, declared, target, answers, right.behalf_of, changes, request_key)
    written = writing.write_move(session, move)
    opened = open_children(engine, session, changes, matter_id)
    if target in loaded.definition.procedure.final:
        tell_waiting(engine, session, matter_id, now)
    return Performed(matter_id, target, written.version, written.entry_seq, tuple(opened))


def _decide(
    engine: Engine,
    session: Session,
    loaded: Loaded,
    action: str,
    right: Right,
    actor: Actor,
    data: Mapping[str, Any],
    now: datetime,
) -> tuple[Action, Answers, str, Situation]:
    """Validate the form and ask the procedure; return everything the writing needs. Writes nothing."""
    procedure, policy = loaded.definition.procedure, loaded.definition.policy
    declared = procedure.actions.get(action)
    try:
        if declared is None or loaded.row["state"] not in declared.sources:  # the table raises with the reason
            procedure.next_state(action, loaded.situation(actor, now, right.behalf_of), Form())
        assert declared is not None
        given = read_form(declared.form, data, policy, local_date(now))
        answers = check_answers(
            session, given, read_together(session, *given.queries), loaded.people, loaded.units,
            uploader=actor.id, matters=(loaded.id,), seen=partial(visible, actor, engine.registry),
        )  # fmt: skip
        loaded.others |= load_others(session, [m for m in answers.matters if m not in loaded.others])
        situation = loaded.situation(actor, now, right.behalf_of, right.roles)
        target = procedure.next_state(action, situation, answers.form)
    except Refused as refusal:
        raise ActionRefused(refusal.code, refusal.en, refusal.zh) from refusal
    if declared.kind in (Kind.WITHDRAW, Kind.VOTE):
        return declared, answers, target, situation
    if declared.derive is not None:
        answers = replace(answers, stored={**answers.stored, **declared.derive(situation, answers.form)})
    step = Step(actor.id, now.isoformat(), answers.stored)
    return declared, answers, target, replace(situation, steps={**situation.steps, action: step})


_HANGING = (
    select(Link.to_id, Link.kind)
    .join(Matter, Matter.id == Link.to_id)
    .where(Link.from_id == bindparam("closed"), Link.told_at.is_(None), Matter.closed_at.is_(None))
    .order_by(Link.id)
)
_FREE = select(Matter.id).where(Matter.id == bindparam("waiting")).with_for_update(skip_locked=True, key_share=True)


def tell_waiting(engine: Engine, session: Session, closed_id: int, now: datetime) -> int:
    """Let every matter that hung on this closed one go on if it now can; return how many did.

    One that somebody else holds right now is passed over, since waiting for it here could lock both for good; the next
    sweep finds it (`reactions.tell_all`), as it finds those that cannot go on yet.
    """
    hanging = session.execute(_HANGING, {"closed": closed_id}).tuples().all()
    return sum(_go_on_or_later(engine, session, waiting, kind, now) for waiting, kind in hanging)


def _go_on_or_later(engine: Engine, session: Session, waiting: int, kind: str, now: datetime) -> bool:
    """Closing one matter never fails because another cannot be read: the next sweep sets that one aside."""
    try:
        with session.begin_nested():
            return go_on(engine, session, waiting, kind, now, note_failure=True)
    except Exception as problem:
        if is_outage(problem):
            raise
        return False


def go_on(
    engine: Engine, session: Session, waiting: int, kind: str, now: datetime, *, note_failure: bool = False
) -> bool:
    """Let the clock take the action that follows once the last matter of this kind is closed, if it can be taken."""
    if session.execute(_FREE, {"waiting": waiting}).scalar() is None:
        return False
    loaded = load(engine, session, waiting)
    action = loaded.definition.procedure.when_done.get(kind)
    declared = loaded.definition.procedure.actions.get(action or "")
    done = all(other.closed for other in loaded.linked.get(kind, ()))
    if declared is None or loaded.row["state"] not in declared.sources or not done:
        return False
    try:
        with session.begin_nested():
            perform(engine, session, waiting, declared.name, CLOCK, {}, now)
    except DubanError as problem:
        if note_failure:
            content = {"failed": declared.name, "why": str(problem), "link": kind}
            journal.note(session, waiting, journal.Event("reaction_failed", CLOCK, now, content))
        return False
    session.execute(update(Link).where(Link.to_id == waiting, Link.kind == kind).values(told_at=now))
    return True
