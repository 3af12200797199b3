"""The journal: append-only, a hash chain per matter, written with the matter's row locked."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from services.db.rows import insert_rows, update_row, update_rows
from services.db.together import Query, Row, read_rows
from services.db.upsert import insert_missing
from services.engine.errors import AlreadyPerformed
from services.engine.models import Entry, Matter
from services.engine.registry import canonical
from services.engine.sittings import first_changed
from services.identity.access import Actor
from services.runtime import Runtime

GENESIS = "0" * 64
_AT_ONCE = 500
COVERED = (
    "matter_id",
    "seq",
    "at",
    "actor_id",
    "actor_name",
    "behalf_of",
    "action",
    "source",
    "target",
    "content",
    "previous",
)


@dataclass
class Head:
    """Where a matter's chain ends; the caller writes it back to the matter's row."""

    matter_id: int
    seq: int = 0
    hash: str = GENESIS

    def columns(self) -> dict[str, Any]:
        return {"journal_seq": self.seq, "journal_head": self.hash}


@dataclass(frozen=True)
class Event:
    """One thing that happened, before it is chained. `behalf_of` is the person whose delegated right was used."""

    action: str
    actor: Actor
    at: datetime
    content: Mapping[str, Any]
    source: str | None = None
    target: str | None = None
    behalf_of: int | None = None
    request_key: str | None = None


def chain(head: Head, event: Event) -> dict[str, Any]:
    """Return the row of the next entry and move the head on."""
    row: dict[str, Any] = {
        "matter_id": head.matter_id, "seq": head.seq + 1, "at": event.at.astimezone(UTC), "actor_id": event.actor.id,
        "actor_name": event.actor.name, "behalf_of": event.behalf_of, "action": event.action, "source": event.source,
        "target": event.target, "content": dict(event.content), "previous": head.hash,
    }  # fmt: skip
    row["hash"] = hash_of(row)
    head.seq, head.hash = row["seq"], row["hash"]
    return row | {"request_key": scoped_key(event.actor, event.request_key)}


def write(session: Session, rows: list[dict[str, Any]]) -> None:
    if rows:
        insert_rows(session, Entry, rows)


def write_requested(session: Session, row: dict[str, Any]) -> None:
    """Write one entry; raise AlreadyPerformed where the same request, at work at the same time, was faster."""
    if row["request_key"] is None:
        write(session, [row])
    elif not insert_missing(session, Entry, [row], ["request_key"], [Entry.seq]):
        refuse_repeat([read_rows(session, _REQUESTED, {"key": row["request_key"]})])


def scoped_key(actor: Actor, request_key: str | None) -> str | None:
    """A client's key counts for its own actor only."""
    return None if request_key is None else f"{actor.id}:{request_key}"


def requested(actor: Actor, request_key: str | None) -> tuple[Query, ...]:
    """Return the query for what this actor's request with this key did; none without a key."""
    return () if request_key is None else ((_REQUESTED, {"key": scoped_key(actor, request_key)}),)


def refuse_repeat(answers: Iterable[list[Row]]) -> None:
    """Raise AlreadyPerformed if `requested` found something."""
    for found in answers:
        if found:
            raise AlreadyPerformed(found[0]["seq"], found[0]["matter_id"])


_E = Entry.__table__.c
_REQUESTED = select(_E.seq, _E.matter_id).where(_E.request_key == bindparam("key"))


def note(session: Session, matter_id: int, event: Event) -> None:
    """Add one entry to a matter outside `perform` (a sealed field read, an export, a claim): locks the matter first."""
    columns = (Matter.journal_seq, Matter.journal_head)
    seq, last = session.execute(select(*columns).where(Matter.id == matter_id).with_for_update(key_share=True)).one()
    head = Head(matter_id, seq, last)
    write(session, [chain(head, event)])
    update_row(session, Matter, matter_id, head.columns())


def note_all(session: Session, matter_ids: Iterable[int], event: Event) -> None:
    """Add one entry to each of these matters, as `note` does; locks them in the order of their ids."""
    columns = (Matter.id, Matter.journal_seq, Matter.journal_head)
    wanted = select(*columns).where(Matter.id.in_(set(matter_ids))).order_by(Matter.id)
    heads = [Head(*row) for row in session.execute(wanted.with_for_update(key_share=True))]
    write(session, [chain(head, event) for head in heads])
    update_rows(session, Matter, {head.matter_id: head.columns() for head in heads})


def hash_of(row: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical text of everything an entry says, in hex."""
    said = {name: row[name] for name in COVERED}
    said["at"] = row["at"].astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(canonical(said).encode()).hexdigest()


@dataclass(frozen=True)
class Break:
    """The first entry of a matter that does not hold."""

    matter_id: int
    seq: int
    why: str


def verify(
    session: Session, matter_ids: Iterable[int] | None = None, progress: Callable[[int], None] | None = None
) -> dict[str, Any]:
    """Check every chain against its hashes and its matter's head.

    Returns {"entries", "matters", "broken": [{"matter_id", "seq", "why"}], "ok"}; per matter the first bad entry only.
    """
    counts = {"entries": 0, "matters": 0}
    broken: list[Break] = []
    for matter, entries in _chains(session, matter_ids):
        counts["matters"] += 1
        counts["entries"] += len(entries)
        if (found := _first_break(matter, entries)) is not None:
            broken.append(found)
        elif (changed := first_changed(session, matter.of, entries)) is not None:
            broken.append(Break(matter.of, *changed))
        if progress:
            progress(len(entries))
    return {**counts, "broken": [vars(b) for b in broken], "ok": not broken}


def verify_all(runtime: Runtime, now: datetime) -> dict[str, Any]:
    """Check every matter of the installation, for the nightly flow; `checked_at` goes into the record of the run."""
    with runtime.database.read() as session:
        return {"checked_at": now.isoformat(), **verify(session)}


def _chains(session: Session, matter_ids: Iterable[int] | None) -> Iterator[tuple[Any, list[Any]]]:
    for ids in _pages(session, matter_ids):
        # heads and entries in one statement: between two of them somebody may add an entry
        rows = session.execute(
            select(Matter.id.label("of"), Matter.journal_seq, Matter.journal_head, *Entry.__table__.columns)
            .outerjoin(Entry, Entry.matter_id == Matter.id)
            .where(Matter.id.in_(ids))
            .order_by(Matter.id, Entry.seq)
        )
        for _, chained in groupby(rows, key=attrgetter("of")):
            entries = list(chained)
            yield entries[0], [e for e in entries if e.seq is not None]


def _pages(session: Session, matter_ids: Iterable[int] | None) -> Iterator[Sequence[int]]:
    """So many matters at a time that their entries fit into memory, however many there are in all."""
    if matter_ids is not None:
        wanted = sorted(matter_ids)
        yield from (wanted[start : start + _AT_ONCE] for start in range(0, len(wanted), _AT_ONCE))
        return
    after = 0
    following = select(Matter.id).order_by(Matter.id).limit(_AT_ONCE)
    while page := session.scalars(following.where(Matter.id > after)).all():
        yield page
        after = page[-1]


def _first_break(matter: Any, entries: list[Any]) -> Break | None:
    previous = GENESIS
    for expected, entry in enumerate(entries, 1):
        if entry.seq != expected:
            return Break(matter.of, expected, "entry missing")
        if entry.previous != previous:
            return Break(matter.of, entry.seq, "does not follow the entry before")
        if hash_of(entry._mapping) != entry.hash:
            return Break(matter.of, entry.seq, "content was changed")
        previous = entry.hash
    if (matter.journal_seq, matter.journal_head) != (len(entries), previous):
        return Break(matter.of, len(entries) + 1, "last entry missing")
    return None
