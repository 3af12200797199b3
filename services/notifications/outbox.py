"""Sends the mail and chat copies of messages: each leaves once, none is lost, whoever delivers and however often.

The limit: where a deliverer is killed, or a mail server breaks off, between taking a copy and saying so, nobody can
know that it left. It is sent again then: rather twice than never.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.db.patience import persist
from services.db.session import Database
from services.engine.models import Matter, Message
from services.notifications.channels import NotDelivered, Send, send_through
from services.runtime import Runtime

BATCH = 20
LEASE = timedelta(hours=1)
"""How long a deliverer has for one batch; if it dies, others take its messages up after that."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
"""Between tries, doubled each time: after a day without a mail server its reminders leave within the hour."""

FRESH = timedelta(days=7)
"""What is older is no news: it is not sent when channels are first set up."""

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)
log = structlog.get_logger(__name__)


def deliver(runtime: Runtime, now: datetime, send: Send | None = None) -> dict[str, int]:
    """Send what is due; return {"due", "sent", "failed", "waiting", "skipped"} as numbers of messages.

    Where nothing of a whole batch leaves, the channels are down: the rest is put off untried, since trying each would
    take its time-out each.
    `waiting` were tried in vain and come again later; `skipped` are not sent: too old, or, where no channel is set,
    all there are of the last days. `send` stands in for the channels of the settings.
    """
    counts = Counter(due=0, sent=0, failed=0, waiting=0, skipped=0)
    database = runtime.database
    if send is None and not runtime.settings.notify_urls:
        with database.read() as session:
            fresh = Message.sent_at.is_(None), Message.next_try_at.between(now - FRESH, now)
            counts["skipped"] = _count(session, *fresh)
        return dict(counts)
    send = send or send_through(runtime.settings.notify_urls)
    with database.write() as session:
        counts["skipped"] = _set_stale_aside(session, now)
    while batch := _claim(database, now):
        done = _deliver_batch(database, batch, send, now)
        counts.update(due=len(batch), **done)
        if not done["sent"]:
            counts["due"] += persist(database, partial(_put_off, now=now))
            break
    with database.read() as session:
        counts["waiting"] = _count(
            session, Message.sent_at.is_(None), Message.attempts > 0, Message.next_try_at < NEVER
        )
    return dict(counts)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Copies that have not left: how many, how many were tried in vain, and when the oldest was written."""

    copies: int
    failed: int
    since: datetime | None


def waiting_copies(session: Session) -> Waiting:
    """Count what is to leave; what was set aside as too old is not."""
    wanted = select(func.count(), func.count().filter(Message.attempts > 0), func.min(Message.made_at))
    row = session.execute(wanted.where(Message.sent_at.is_(None), Message.next_try_at < NEVER)).one()
    return Waiting(*row)


def _claim(database: Database, now: datetime) -> list[dict[str, Any]]:
    """Take due messages for ourselves in a transaction of its own: nothing is locked while the network is slow."""
    due = (
        select(Message.id, Message.attempts, Message.matter_id)
        .where(Message.sent_at.is_(None), Message.next_try_at <= now)
        .order_by(Message.next_try_at, Message.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    with database.write() as session:
        batch = [dict(row) for row in session.execute(due).mappings()]
        lease = {"next_try_at": now + LEASE, "attempts": Message.attempts + 1}
        session.execute(update(Message).where(Message.id.in_([m["id"] for m in batch])).values(**lease))
        matters = _matters(session, {m["matter_id"] for m in batch})
    return [{**message, "text": _text(matters.get(message["matter_id"]))} for message in batch]


def _deliver_batch(database: Database, batch: list[dict[str, Any]], send: Send, now: datetime) -> dict[str, int]:
    """Send each different text once: several people told of the same deadline share one copy on a common channel."""
    copies: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for message in batch:
        copies[message["text"]].append(message)
    counts = Counter(sent=0, failed=0)
    for text, messages in copies.items():
        problem = _try(send, text)
        counts["failed" if problem else "sent"] += len(messages)
        persist(database, partial(_note, messages, problem, now))
    return dict(counts)


def _note(messages: list[dict[str, Any]], problem: str | None, now: datetime, session: Session) -> None:
    for message in messages:
        columns = _failed(message, problem, now) if problem else {"sent_at": now, "last_error": None}
        session.execute(update(Message).where(Message.id == message["id"]).values(**columns))


def _put_off(session: Session, now: datetime) -> int:
    """Let all that is due wait for the channels as if it had been tried; return how much that is."""
    due = Message.sent_at.is_(None), Message.next_try_at <= now
    columns = {"next_try_at": now + FIRST_PAUSE, "attempts": Message.attempts + 1, "last_error": "channels are down"}
    return len(session.execute(update(Message).where(*due).values(**columns).returning(Message.id)).all())


def _try(send: Send, text: str) -> str | None:
    try:
        send(text)
    except NotDelivered as problem:
        log.warning("copy not delivered", why=str(problem))
        return str(problem)
    except Exception as problem:  # a channel's library may raise anything; the others' copies must still leave
        log.warning("copy not delivered", why=type(problem).__name__)
        return type(problem).__name__
    return None


def _failed(message: Mapping[str, Any], problem: str, now: datetime) -> dict[str, Any]:
    pause = min(FIRST_PAUSE * 2 ** min(message["attempts"], 20), LONGEST_PAUSE)
    return {"next_try_at": now + pause, "last_error": problem}


def _set_stale_aside(session: Session, now: datetime) -> int:
    stale = Message.sent_at.is_(None), Message.attempts == 0, Message.next_try_at < now - FRESH
    columns = {"next_try_at": NEVER, "last_error": "too old when channels were set up"}
    return len(session.execute(update(Message).where(*stale).values(**columns).returning(Message.id)).all())


def _matters(session: Session, ids: set[int | None]) -> dict[int, Any]:
    wanted = select(Matter.id, Matter.number, Matter.due_at).where(Matter.id.in_({i for i in ids if i is not None}))
    return {row.id: row for row in session.execute(wanted)}


def _text(matter: Any) -> str:
    """The number and the deadline, nothing else: what leaves the house tells no content, whatever the message says."""
    if matter is None:
        return "您有新的督办消息，请登录系统查看"
    if matter.due_at is None:
        return f"{matter.number}有新的消息，请登录系统查看"
    return f"{matter.number}，期限{local_date(matter.due_at - _INSTANT)}，请登录系统查看"


def _count(session: Session, *conditions: Any) -> int:
    return int(session.execute(select(func.count(Message.id)).where(*conditions)).scalar_one())
