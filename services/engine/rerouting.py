"""Finds work items that wait for nobody any more (a role withdrawn, a person gone) and routes them on."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from config.calendar import local_date
from services.db.failures import is_outage
from services.db.session import Database
from services.engine import journal
from services.engine.aside import NO_CLOCK, set_aside, take_back
from services.engine.core import Engine
from services.engine.loading import TURN
from services.engine.models import Entry, Exclusion, Matter, WorkItem
from services.engine.routing import COUNTY_OFFICE, find_turn
from services.identity.access import CLOCK
from services.identity.models import Delegation, Grant, Person, Unit
from statemachines.kit.policy import MEMBER

BATCH = 200


def reroute_stranded(database: Database, now: datetime) -> int:
    """Route every stranded item to the nearest unit where somebody may act; return how many moved.

    An item is stranded when the person who has it is gone, when whoever claimed it (or had it handed on to him) holds
    its role no longer, or when nobody holds its role at its unit today whom the matter does not keep away. One that
    already waits for the county office stays there even if that is empty: there is nowhere further to go.
    """
    moved, after = 0, 0
    while True:
        with database.write() as session:
            stranded = _stranded(session, local_date(now), after)
            moved += sum(_route_or_leave(session, item, now) for item in stranded)
        if len(stranded) < BATCH:
            return moved
        after = stranded[-1]["id"]


def _route_or_leave(session: Session, item: dict[str, Any], now: datetime) -> bool:
    """One that cannot be routed is set aside and stops no other."""
    try:
        with session.begin_nested():
            _route(session, item, now)
    except Exception as problem:
        if is_outage(problem):
            raise
        set_aside(session, item["matter_id"], NO_CLOCK, problem, now)
        return False
    take_back(session, [(item["matter_id"], NO_CLOCK)])
    return True


def _stranded(session: Session, today: date, after: int) -> list[dict[str, Any]]:
    gone = and_(WorkItem.person_id.is_not(None), ~exists().where(Person.id == WorkItem.person_id, Person.active))
    root = aliased(Unit)
    last_resort = and_(
        WorkItem.role == COUNTY_OFFICE, exists().where(root.id == WorkItem.unit_id, root.parent_id.is_(None))
    )
    empty = and_(WorkItem.person_id.is_(None), ~_held(today), ~last_resort)
    found = (
        select(WorkItem.id, WorkItem.matter_id, WorkItem.role, WorkItem.unit_id, WorkItem.person_id, Unit.path)
        .join(Matter, Matter.id == WorkItem.matter_id)
        .join(Unit, Unit.id == Matter.unit_id)
        .where(
            WorkItem.id > after, WorkItem.closed_at.is_(None), WorkItem.role != MEMBER, or_(gone, _lost(today), empty)
        )
        .order_by(WorkItem.id)
        .limit(BATCH)
        .with_for_update(of=Matter.__table__, skip_locked=True, key_share=True)
    )
    return [dict(row) for row in session.execute(found).mappings()]


def _lost(today: date) -> ColumnElement[bool]:
    """Claimed by somebody who holds the role no longer, in his own right or lent; by name it stays with anybody."""
    claimed = exists().where(
        Entry.matter_id == WorkItem.matter_id, Entry.action.in_(("claim", "transfer")), Entry.at >= WorkItem.opened_at
    )
    here, top, holder = aliased(Unit), aliased(Unit), aliased(Person)
    lent = (
        exists()
        .where(
            Delegation.from_id == Grant.person_id,
            Delegation.to_id == WorkItem.person_id,
            Delegation.starts_on <= today,
            Delegation.ends_on >= today,
            Delegation.revoked_at.is_(None),
        )
        .correlate(Grant, WorkItem)
    )  # fmt: skip  (two levels down the item would otherwise be any item)
    holds = exists().where(
        Grant.role == WorkItem.role, *_valid(today), or_(Grant.person_id == WorkItem.person_id, lent),
        holder.id == Grant.person_id, holder.active,
        here.id == WorkItem.unit_id, top.id == Grant.unit_id, here.path.startswith(top.path),
    )  # fmt: skip
    return and_(WorkItem.person_id.is_not(None), claimed, ~holds)


def _valid(today: date) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Grant.valid_from <= today, or_(Grant.valid_to.is_(None), Grant.valid_to >= today)


def _held(today: date) -> ColumnElement[bool]:
    kept_away = exists().where(Exclusion.matter_id == WorkItem.matter_id, Exclusion.person_id == Person.id)
    return exists().where(
        Grant.role == WorkItem.role,
        Grant.unit_id == WorkItem.unit_id,
        *_valid(today),
        Person.id == Grant.person_id,
        Person.active,
        ~kept_away.correlate(WorkItem, Person),
    )


def _route(session: Session, item: dict[str, Any], now: datetime) -> None:
    away = _away(session, item["matter_id"])
    turn = find_turn(session, item["role"], item["path"], local_date(now), away)
    columns = {"role": turn.role, "unit_id": turn.unit_id, "person_id": None}
    session.execute(update(WorkItem).where(WorkItem.id == item["id"]).values(**columns))
    why = "nobody was left to act" if item["person_id"] is None else "whoever had it may no longer act"
    content = {"why": why, "role": turn.role, "unit_id": turn.unit_id, "lost": turn.lost}
    journal.note(session, item["matter_id"], journal.Event("rerouted", CLOCK, now, content))


_WAITING = (
    select(
        Matter.state, Matter.procedure_hash, Matter.policy_hash, Unit.path,
        WorkItem.id.label("item"), WorkItem.role, WorkItem.unit_id.label("item_unit"),
    )
    .join(Unit, Unit.id == Matter.unit_id)
    .join(WorkItem, WorkItem.matter_id == Matter.id)
    .where(Matter.id == bindparam("id"), WorkItem.kind == TURN, WorkItem.closed_at.is_(None))
)  # fmt: skip


def route_by_today(session: Session, engine: Engine, matter_id: int, today: date) -> dict[str, Any]:
    """Route a matter whose history was entered afterwards by today's roles, and let nobody withdraw from it.

    Its steps were taken on their own days, when perhaps nobody held a role here yet. Returns {"role", "unit_id"} if
    the work item moved, else nothing; the caller journals it.
    """
    matter = session.execute(_WAITING, {"id": matter_id}).one()
    policy = engine.registry.pinned(session, matter.procedure_hash, matter.policy_hash).policy
    turn = find_turn(session, policy.work[matter.state], matter.path, today, _away(session, matter_id))
    session.execute(update(Matter).where(Matter.id == matter_id).values(undo=None))
    if (turn.role, turn.unit_id) == (matter.role, matter.item_unit):
        return {}
    session.execute(update(WorkItem).where(WorkItem.id == matter.item).values(role=turn.role, unit_id=turn.unit_id))
    return {"role": turn.role, "unit_id": turn.unit_id}


def _away(session: Session, matter_id: int) -> set[int]:
    excluded = Exclusion.matter_id == matter_id, Exclusion.person_id.is_not(None)
    return {p for p in session.scalars(select(Exclusion.person_id).where(*excluded)) if p is not None}
