"""What a matter is to a person beside his duties: whether he has seen it since it moved, whether he follows it."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, Index, Select, bindparam, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.db.base import Base
from services.db.together import Query, read_rows
from services.db.upsert import insert_missing
from services.engine.core import Engine
from services.engine.models import Entry, Matter
from services.engine.visibility import find_visible
from services.identity.access import Actor


class Attention(Base):
    """One person and one matter; `seen_at` is when he last opened its page, `followed_at` since when he follows it."""

    __tablename__ = "attention"
    __table_args__ = (Index("ix_attention_matter", "matter_id"),)

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"), primary_key=True)
    seen_at: Mapped[datetime | None]
    followed_at: Mapped[datetime | None]


def note_seen(session: Session, actor: Actor, matter_id: int, now: datetime) -> None:
    """Remember that the actor has opened the matter's page."""
    _put(session, actor, matter_id, "seen_at", now)


def follow(session: Session, engine: Engine, actor: Actor, matter_id: int, now: datetime) -> None:
    """Put a matter among those the actor follows; it gives no right. Raises MatterNotFound."""
    find_visible(session, engine, actor, matter_id)
    _put(session, actor, matter_id, "followed_at", now)


def unfollow(session: Session, actor: Actor, matter_id: int) -> None:
    """Follow a matter no longer; nothing happens where it was not followed."""
    _put(session, actor, matter_id, "followed_at", None)


def attention_of(session: Session, actor: Actor, matter_id: int) -> tuple[datetime | None, bool]:
    """Return when the actor last opened this matter, if ever, and whether he follows it."""
    found = read_rows(session, *attention_asked(actor, matter_id))
    return (found[0]["seen_at"], found[0]["followed_at"] is not None) if found else (None, False)


def attention_asked(actor: Actor, matter_id: int) -> Query:
    """What `attention_of` asks."""
    return _PAID, {"person_id": actor.id, "matter_id": matter_id}


def seen_at(session: Session, actor: Actor, matter_ids: Collection[int]) -> dict[int, datetime]:
    """Return when the actor last opened each of these matters; those he never opened are missing."""
    asked = {"person_id": actor.id, "matters": list(matter_ids)}
    return {row["matter_id"]: row["seen_at"] for row in read_rows(session, _SEEN, asked)}


_PAID = select(Attention.seen_at, Attention.followed_at).where(
    Attention.person_id == bindparam("person_id"), Attention.matter_id == bindparam("matter_id")
)
_SEEN: Select[tuple[int, datetime]] = select(Attention.matter_id, Attention.seen_at).where(
    Attention.person_id == bindparam("person_id"),
    Attention.matter_id.in_(bindparam("matters", expanding=True)),
    Attention.seen_at.is_not(None),
)  # type: ignore[assignment]


def followed_by(person_id: int) -> ColumnElement[bool]:
    """Return the condition on `Matter` that this person follows it."""
    mine = select(Attention.matter_id).where(Attention.person_id == person_id, Attention.followed_at.is_not(None))
    return Matter.id.in_(mine)


def acted_in_by(person_id: int) -> ColumnElement[bool]:
    """Return the condition on `Matter` that this person did something in it."""
    did = select(Entry.seq).where(Entry.matter_id == Matter.id, Entry.actor_id == person_id)
    return did.correlate(Matter).exists()


def _put(session: Session, actor: Actor, matter_id: int, column: str, value: datetime | None) -> None:
    row = {"person_id": actor.id, "matter_id": matter_id, "seen_at": None, "followed_at": None}
    insert_missing(session, Attention, [row], ["person_id", "matter_id"])
    session.execute(update(Attention).where(*_of(actor, matter_id)).values({column: value}))


def _of(actor: Actor, matter_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Attention.person_id == actor.id, Attention.matter_id == matter_id
