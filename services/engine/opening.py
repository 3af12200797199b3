"""How a matter begins: by hand, by an action of another, by a rung."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.db.together import Row, read_in_parts
from services.db.upsert import insert_missing
from services.engine import journal
from services.engine.answers import Answers, check_answers, read_form
from services.engine.beginning import write_beginning
from services.engine.changes import Changes
from services.engine.core import Engine
from services.engine.decided import Beginning
from services.engine.errors import ActionRefused, AlreadyOpened, InvalidAnswers, NotPermitted
from services.engine.loading import load_others
from services.engine.models import Exclusion, Matter, Once
from services.engine.recording import write_link
from services.engine.registry import Definition
from services.engine.routing import place_of
from services.engine.visibility import visible
from services.identity.access import Actor, renewed
from services.identity.editions import EDITION_ALONE
from services.identity.models import Unit
from services.identity.store import open_field, seal_fields
from services.identity.units import is_root, unit_at
from statemachines.kit.forms import sealed_fields
from statemachines.kit.procedure import Procedure, Refused
from statemachines.kit.situation import Situation, Step

GROUNDS = "grounds"
"""The kind of link to a matter that another rests on."""


@dataclass(frozen=True, slots=True)
class Parent:
    """The matter that opens another: its exclusions and sealed fields go along."""

    matter_id: int
    link: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A matter now on record. `receipt_code` is shown this once; only its keyed digest is kept."""

    matter_id: int
    number: str
    state: str
    receipt_code: str | None


def open_matter(
    engine: Engine,
    session: Session,
    procedure_key: str,
    data: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    *,
    unit_id: int,
    request_key: str | None = None,
    external_ref: str | None = None,
    parent: Parent | None = None,
    grounds: Collection[int] = (),
) -> Opened:
    """Open a matter at a unit under the policy in force on the date of its event; raise and change nothing.

    `external_ref` is the key of the record it was made from (a ledger's row): it can be used once.
    `grounds` are matters it rests on: it is linked to them, and whom they keep away it keeps away.
    """
    procedure = _procedure(engine, procedure_key)
    event_on = _event_on(procedure, data, now)
    definition = engine.registry.current(procedure.key, event_on)
    today = local_date(now)
    given = read_form(procedure.opening.form, data, definition.policy, today)
    repeats = journal.requested(actor, request_key)
    (texts, said), repeated, called = read_in_parts(
        session, (definition.kept, (EDITION_ALONE, {})), repeats, given.queries
    )
    edition = said[0]["edition"]
    actor = renewed(session, actor, edition)
    unit, place = unit_at(session, edition, unit_id), place_of(session, edition, unit_id, today)
    if parent is None and not (actor.system and _opens_by_itself(engine, procedure.key)):
        _refuse_unless_permitted(definition, actor, place.path)
    journal.refuse_repeat(repeated)
    above = frozenset({parent.matter_id} if parent else ()) | frozenset(grounds)
    check = partial(
        check_answers, session, given, called,
        uploader=actor.id, matters=above, seen=true if parent else partial(visible, actor, engine.registry),
    )  # fmt: skip
    away = _exclusions(session, above)
    answers = check(*away)
    if about := answers.matters - above:  # whoever those keep away is kept away from this one too
        away = _exclusions(session, above | about)
        answers = check(*away)
    away = (away[0] - answers.heard, away[1])
    if parent is None:
        _refuse_where_named(session, answers, away[1], place.path)
    situation = _situation(session, definition, answers, actor, now, unit, parent)
    _check_guards(procedure, situation, answers)
    changes = Changes(engine, definition, situation, answers.form, actor, now, [])
    changes.apply(procedure.opening.effects)
    if not definition.is_kept(texts):
        engine.registry.keep(session, definition, now)
    start = Beginning(definition, answers, changes, unit, place, edition, event_on, request_key, external_ref, away)
    opened = write_beginning(session, start)
    _claim(session, procedure, answers, opened.matter_id)
    if parent is not None:
        _follow(session, engine, parent, definition, opened.matter_id, now)
    for ground in sorted(grounds):
        write_link(session, opened.matter_id, ground, GROUNDS, now)
    open_children(engine, session, changes, opened.matter_id)
    return Opened(opened.matter_id, opened.number, str(procedure.initial), opened.receipt_code)


def open_children(engine: Engine, session: Session, changes: Changes, parent_id: int) -> list[int]:
    """Open what the effects asked for, each linked to its parent."""
    ids = []
    for key, data, link in changes.openings:
        unit_id = session.execute(select(Matter.unit_id).where(Matter.id == parent_id)).scalar_one()
        opened = open_matter(
            engine,
            session,
            key,
            data,
            changes.actor,
            changes.now,
            unit_id=unit_id,
            parent=Parent(parent_id, link),
        )
        ids.append(opened.matter_id)
    return ids


def _procedure(engine: Engine, key: str) -> Procedure:
    procedure = engine.registry.procedures.get(key)
    if procedure is None:
        known = ", ".join(sorted(engine.registry.procedures))
        raise ActionRefused("unknown_procedure", f"no procedure {key}; there are {known}", "没有此类事项")
    return procedure


def _event_on(procedure: Procedure, data: Mapping[str, Any], now: datetime) -> date:
    """Return the date of the event; the policy's version hangs on it, so it is read before the form is checked."""
    given = data.get(procedure.opening.event) if procedure.opening.event else None
    try:
        return date.fromisoformat(str(given)[:10]) if given else local_date(now)
    except ValueError:
        return local_date(now)  # the form will refuse it


def _opens_by_itself(engine: Engine, key: str) -> bool:
    """Say whether the policy lets the clock open such matters: it declares obligations or candidates."""
    return any(version.policy.obligations or version.policy.candidates for version in engine.registry.versions(key))


def _refuse_unless_permitted(definition: Definition, actor: Actor, unit_path: str) -> None:
    if not actor.roles_at(unit_path) & set(definition.policy.open):
        title = definition.procedure.title
        raise NotPermitted(
            f"you may not open a {definition.procedure.key} at this unit",
            f"您没有在该单位登记“{title}”的权限",
        )


def _refuse_where_named(session: Session, answers: Answers, units_away: frozenset[int], unit_path: str) -> None:
    """No unit (but the county) receives a matter that names it."""
    if not (away := answers.named_units | units_away):
        return
    named = session.scalars(select(Unit.path).where(Unit.id.in_(away)))
    if any(unit_path.startswith(path) for path in named if not is_root(path)):
        error = {
            "field": "unit_id", "code": "received_by_reported_unit",
            "en": "the unit reported does not receive the matter: register it at the unit above",
            "zh": "被反映单位不得受理涉及本单位的事项，请由上级单位登记",
        }  # fmt: skip
        raise InvalidAnswers([error])


def _claim(session: Session, procedure: Procedure, answers: Answers, matter_id: int) -> None:
    """The insert is the claim to what the procedure allows once."""
    key = procedure.opening.once(answers.form) if procedure.opening.once else None
    row = {"procedure": procedure.key, "key": key, "matter_id": matter_id}
    if key is not None and not insert_missing(session, Once, [row], ["procedure", "key"], [Once.matter_id]):
        raise AlreadyOpened(procedure.title)


def _exclusions(session: Session, matters: Collection[int]) -> tuple[frozenset[int], frozenset[int]]:
    """Return the people and the units that any of these matters keeps away."""
    if not matters:
        return frozenset(), frozenset()
    rows = session.execute(select(Exclusion.person_id, Exclusion.unit_id).where(Exclusion.matter_id.in_(matters))).all()
    return frozenset(p for p, _ in rows if p is not None), frozenset(u for _, u in rows if u is not None)


def _situation(
    session: Session, definition: Definition, answers: Answers, actor: Actor, now: datetime, unit: Row,
    parent: Parent | None,
) -> Situation:  # fmt: skip
    return Situation(
        state=str(definition.procedure.initial),
        policy=definition.policy,
        now=now,
        today=local_date(now),
        actor=actor.id,
        opened_from=parent.matter_id if parent else None,
        unit_id=unit["id"],
        unit_kind=unit["kind"],
        steps={"open": Step(actor.id, now.isoformat(), answers.stored)},
        others=load_others(session, sorted(answers.matters)),
    )


def _check_guards(procedure: Procedure, situation: Situation, answers: Answers) -> None:
    try:
        for guard in procedure.opening.guards:
            guard.check(situation, answers.form)
    except Refused as refusal:
        raise ActionRefused(refusal.code, refusal.en, refusal.zh) from refusal


def _follow(session: Session, engine: Engine, parent: Parent, child: Definition, child_id: int, now: datetime) -> None:
    write_link(session, child_id, parent.matter_id, parent.link, now)
    texts = {
        name: open_field(session, engine.vault, parent.matter_id, name)
        for name in sealed_fields(child.procedure.opening.form)
    }
    seal_fields(session, engine.vault, child_id, {name: text for name, text in texts.items() if text is not None}, now)
