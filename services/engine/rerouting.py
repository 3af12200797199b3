"""Finds work items that wait for nobody any more (a role withdrawn, a person gone) and routes them on."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from config.calendar import local_date
from services.db.session import Database
from services.engine import journal
from services.engine.models import Exclusion, Matter, WorkItem
from services.engine.routing import COUNTY_OFFICE, find_turn
from services.identity.access import CLOCK
from services.identity.models import Grant, Person, Unit

BATCH = 200


def reroute_stranded(database: Database, now: datetime) -> int:
    """Route every stranded item to the nearest unit where somebody may act; return how many moved.

    An item is stranded when the person who has it is gone, or when nobody holds its role at its unit today. One
    that already waits for the county office stays there even if that is empty: there is nowhere further to go.
    """
    moved = 0
    while True:
        with database.write() as session:
            stranded = _stranded(session, local_date(now))
            for item in stranded:
                _route(session, item, now)
        moved += len(stranded)
        if len(stranded) < BATCH:
            return moved


def _stranded(session: Session, today: date) -> list[dict[str, Any]]:
    gone = and_(WorkItem.person_id.is_not(None), ~exists().where(Person.id == WorkItem.person_id, Person.active))
    root = aliased(Unit)
    last_resort = and_(
        WorkItem.role == COUNTY_OFFICE, exists().where(root.id == WorkItem.unit_id, root.parent_id.is_(None))
    )
    empty = and_(WorkItem.person_id.is_(None), ~_held(today), ~last_resort)
    found = (
        select(WorkItem.id, WorkItem.matter_id, WorkItem.role, WorkItem.unit_id, Unit.path)
        .join(Matter, Matter.id == WorkItem.matter_id)
        .join(Unit, Unit.id == Matter.unit_id)
        .where(WorkItem.closed_at.is_(None), or_(gone, empty))
        .order_by(WorkItem.matter_id)
        .limit(BATCH)
        .with_for_update(of=Matter.__table__, skip_locked=True, key_share=True)
    )
    return [dict(row) for row in session.execute(found).mappings()]


def _held(today: date) -> ColumnElement[bool]:
    return exists().where(
        Grant.role == WorkItem.role,
        Grant.unit_id == WorkItem.unit_id,
        Grant.valid_from <= today,
        or_(Grant.valid_to.is_(None), Grant.valid_to >= today),
        Person.id == Grant.person_id,
        Person.active,
    )


def _route(session: Session, item: dict[str, Any], now: datetime) -> None:
    away = select(Exclusion.person_id).where(Exclusion.matter_id == item["matter_id"], Exclusion.person_id.is_not(None))
    turn = find_turn(session, item["role"], item["path"], local_date(now), set(session.scalars(away)))
    columns = {"role": turn.role, "unit_id": turn.unit_id, "person_id": None}
    session.execute(update(WorkItem).where(WorkItem.id == item["id"]).values(**columns))
    content = {"why": "nobody was left to act", "role": turn.role, "unit_id": turn.unit_id, "lost": turn.lost}
    journal.note(session, item["matter_id"], journal.Event("rerouted", CLOCK, now, content))
