"""Writes, reads and checks the record of administration."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, inspect, or_, select
from sqlalchemy.orm import Session

from config.calendar import end_of_day, start_of_day
from services.administration.models import Deed, DeedHead
from services.db.base import Base
from services.db.upsert import insert_missing
from services.engine import journal
from services.engine.registry import canonical
from services.identity.access import Actor
from services.identity.models import Post
from services.runtime import Runtime

_SECRET = frozenset({"id", "path", "password_hash", "failed_count", "locked_until", "created_at"})
_COVERED = ("seq", "at", "actor_id", "actor_name", "action", "unit_id", "person_id", "content", "previous")
_HEAD = 1
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deeds are asked for; None: all. Days are local and both count; `within` are the only units to know of."""

    action: str | None = None
    unit_id: int | None = None
    person_id: int | None = None
    actor_id: int | None = None
    first: date | None = None
    last: date | None = None
    within: frozenset[int] | None = None


def facts(row: Base) -> dict[str, Any]:
    """Return what a row says, as JSON, without secrets and without what follows from the rest."""
    names = (column.key for column in inspect(type(row)).column_attrs if column.key not in _SECRET)
    return {name: _plain(getattr(row, name)) for name in names}


def take_turn(session: Session) -> DeedHead:
    """Wait until nobody else administers, and return where the chain ends."""
    genesis = {"id": _HEAD, "seq": 0, "hash": journal.GENESIS}
    insert_missing(session, DeedHead, [genesis], ["id"])
    return session.get_one(DeedHead, _HEAD, with_for_update=True, populate_existing=True)


def write(
    session: Session,
    actor: Actor,
    at: datetime,
    action: str,
    content: Mapping[str, Any],
    *,
    unit_id: int | None,
    person_id: int | None,
) -> Deed:
    """Add one deed to the end of the chain, in the caller's transaction."""
    head = take_turn(session)
    said = {
        "seq": head.seq + 1, "at": at.astimezone(UTC), "actor_id": actor.id, "actor_name": actor.name,
        "action": action, "unit_id": unit_id, "person_id": person_id, "content": dict(content), "previous": head.hash,
    }  # fmt: skip
    deed = Deed(**said, hash=_hash_of(said))
    session.add(deed)
    head.seq, head.hash = deed.seq, deed.hash
    session.flush()
    return deed


def find(session: Session, wanted: Wanted, limit: int, before: int | None = None) -> list[Deed]:
    """Return deeds, the latest first, of those before the number `before`."""
    query = select(Deed).where(*_conditions(wanted)).order_by(Deed.seq.desc()).limit(limit)
    return list(session.scalars(query if before is None else query.where(Deed.seq < before)))


def every(session: Session, wanted: Wanted) -> Iterator[Deed]:
    """Yield all of them, the latest first, some at a time."""
    before: int | None = None
    while found := find(session, wanted, _AT_ONCE, before):
        yield from found
        before = found[-1].seq


def verify(session: Session) -> dict[str, Any]:
    """Check the chain; return {"entries", "broken": [{"seq", "why"}], "ok"}, of broken ones the first only."""
    head = session.get(DeedHead, _HEAD)
    previous, count = journal.GENESIS, 0
    for count, deed in enumerate(_in_order(session), 1):
        if why := _wrong(deed, count, previous):
            return {"entries": count, "broken": [{"seq": min(count, deed.seq), "why": why}], "ok": False}
        previous = deed.hash
    ended = (head.seq, head.hash) if head else (0, journal.GENESIS)
    broken = [] if ended == (count, previous) else [{"seq": count + 1, "why": "last entry missing"}]
    return {"entries": count, "broken": broken, "ok": not broken}


def _in_order(session: Session) -> Iterator[Deed]:
    after = 0
    while found := session.scalars(select(Deed).where(Deed.seq > after).order_by(Deed.seq).limit(_AT_ONCE)).all():
        yield from found
        after = found[-1].seq


def verify_all(runtime: Runtime, now: datetime) -> dict[str, Any]:
    """Check every matter's journal and the record of administration, for the nightly flow."""
    checked = journal.verify_all(runtime, now)
    with runtime.database.read() as session:
        record = verify(session)
    return {**checked, "administration": record, "ok": checked["ok"] and record["ok"]}


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    same = {Deed.action: wanted.action, Deed.unit_id: wanted.unit_id, Deed.person_id: wanted.person_id,
            Deed.actor_id: wanted.actor_id}  # fmt: skip
    found = [column == value for column, value in same.items() if value is not None]
    if wanted.first is not None:
        found.append(Deed.at >= start_of_day(wanted.first))
    if wanted.last is not None:
        found.append(Deed.at < end_of_day(wanted.last))
    if wanted.within is not None:
        posted = select(Post.person_id).where(Post.unit_id.in_(wanted.within))
        found.append(or_(Deed.unit_id.in_(wanted.within), and_(Deed.unit_id.is_(None), Deed.person_id.in_(posted))))
    return found


def _wrong(deed: Deed, expected: int, previous: str) -> str:
    if deed.seq != expected:
        return "entry missing"
    if deed.previous != previous:
        return "does not follow the entry before"
    return "" if _hash_of({name: getattr(deed, name) for name in _COVERED}) == deed.hash else "content was changed"


def _hash_of(said: Mapping[str, Any]) -> str:
    at = said["at"].astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(canonical({**said, "at": at}).encode()).hexdigest()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
