"""What happened to a matter, newest first."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from services.db.together import Query, read_rows
from services.engine.loading import Loaded
from services.engine.models import Entry
from services.engine.queries.labels import action_title, state_label
from services.engine.queries.paging import LARGEST_ID, Page, id_cursor, read_id, within
from services.engine.queries.panels import withheld
from services.identity.access import Actor
from services.identity.models import Person


@dataclass(frozen=True, slots=True)
class EntryView:
    """One entry of the journal. `source_label` and `target_label` are empty where nothing moved."""

    seq: int
    at: datetime
    actor_id: int | None
    actor_name: str
    behalf_of: int | None
    behalf_of_name: str | None
    action: str
    title: str
    source: str | None
    source_label: str
    target: str | None
    target_label: str
    content: dict[str, Any]
    hash: str


def timeline(
    session: Session, loaded: Loaded, actor: Actor, *, cursor: str | None = None, limit: int = 50
) -> Page[EntryView]:
    """Return one page of a matter's journal; raise BadCursor."""
    definition, limit = loaded.definition, within(limit)
    rows = read_rows(session, *timeline_asked(loaded.id, cursor, limit))
    hidden = withheld(loaded, actor)
    shown = [
        EntryView(
            **{name: row[name] for name in EntryView.__slots__ if name in row and name != "content"},
            content=_said(row["content"], hidden, row["actor_id"] == actor.id),
            title=action_title(definition, row["action"]),
            source_label=state_label(definition, row["source"]),
            target_label=state_label(definition, row["target"]),
        )
        for row in rows[:limit]
    ]
    return Page(shown, id_cursor(shown[-1].seq) if len(rows) > limit else None)


def timeline_asked(matter_id: int, cursor: str | None, limit: int) -> Query:
    """What `timeline` asks; raise BadCursor."""
    before = read_id(cursor) if cursor is not None else LARGEST_ID
    return _ENTRIES, {"matter_id": matter_id, "before": before, "at_most": within(limit) + 1}


def _said(content: dict[str, Any], hidden: Collection[tuple[str, int]], own: bool) -> dict[str, Any]:
    """What an entry tells this reader: members of a panel that is still open answer without knowing the others'."""
    if own or (content.get("panel"), content.get("round")) not in hidden:
        return content
    return {key: value for key, value in content.items() if key != "answers"} | {"withheld": True}


_ENTRIES = (
    select(*Entry.__table__.columns, Person.name.label("behalf_of_name"))
    .outerjoin(Person, Person.id == Entry.behalf_of)
    .where(Entry.matter_id == bindparam("matter_id"), Entry.seq < bindparam("before"))
    .order_by(Entry.seq.desc())
    .limit(bindparam("at_most"))
)
