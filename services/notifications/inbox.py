"""A person's messages in the app: his own only, and none of a matter that keeps him away."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, Select, bindparam, func, literal, not_, or_, select, update
from sqlalchemy.orm import Session

from services.engine.models import Exclusion, Matter, Message
from services.engine.queries import Page
from services.engine.queries.paging import id_cursor, read_id, within
from services.identity.access import Actor


@dataclass(frozen=True, slots=True)
class MessageView:
    """`kind` is reminder, escalation, returned, told, transferred, urged or copied."""

    id: int
    kind: str
    text: str
    matter_id: int | None
    number: str | None
    made_at: datetime
    read_at: datetime | None


def list_messages(
    session: Session, actor: Actor, *, unread: bool = False, cursor: str | None = None, limit: int = 50
) -> Page[MessageView]:
    """Return one page of the actor's messages, newest first; only the unread ones if asked."""
    limit = within(limit)
    columns = (Message.id, Message.kind, Message.text, Message.matter_id, Matter.number, Message.made_at)
    wanted = (
        select(*columns, Message.read_at)
        .outerjoin(Matter, Matter.id == Message.matter_id)
        .where(*_own(actor))
        .order_by(Message.id.desc())
    )
    if unread:
        wanted = wanted.where(Message.read_at.is_(None))
    if cursor is not None:
        wanted = wanted.where(Message.id < read_id(cursor))
    rows = [MessageView(**row) for row in session.execute(wanted.limit(limit + 1)).mappings()]
    return Page(rows[:limit], id_cursor(rows[limit - 1].id) if len(rows) > limit else None)


def count_unread(session: Session, actor: Actor) -> int:
    """Return how many messages the actor has not read."""
    return int(session.connection().execute(unread_of_person(), {"person_id": actor.id}).scalar_one())


def mark_read(session: Session, actor: Actor, now: datetime, ids: Collection[int] | None = None) -> int:
    """Mark these, or all, as read; return how many were unread. Those of others are passed over."""
    marked = update(Message).where(*_own(actor), Message.read_at.is_(None)).values(read_at=now)
    if ids is not None:
        marked = marked.where(Message.id.in_(ids))
    return len(session.execute(marked.returning(Message.id)).all())


def matter_of(session: Session, actor: Actor, message_id: int) -> int | None:
    """Return the matter that one of the actor's messages is about; None for another's message and for none."""
    return session.scalar(select(Message.matter_id).where(Message.id == message_id, *_own(actor)))


@cache
def unread_of_person() -> Select[tuple[int]]:
    """Return the query for how many messages the person bound as `person_id` has not read."""
    return select(func.count(Message.id)).where(*_of(bindparam("person_id")), Message.read_at.is_(None))


def _own(actor: Actor) -> tuple[ColumnElement[bool], ...]:
    return _of(literal(actor.id))


def _of(person_id: ColumnElement[int | None]) -> tuple[ColumnElement[bool], ...]:
    away = select(Exclusion.id).where(Exclusion.matter_id == Message.matter_id, Exclusion.person_id == person_id)
    return Message.person_id == person_id, or_(Message.matter_id.is_(None), not_(away.correlate(Message).exists()))
