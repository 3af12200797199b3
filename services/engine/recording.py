"""What moves and openings both write: clocks, links, exclusions, sealed fields, attachments."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from services.db.rows import insert_rows, update_row
from services.db.upsert import insert_missing
from services.engine import clocks as clk
from services.engine.answers import Answers
from services.engine.changes import Changes
from services.engine.errors import DutiesOpen, Unmeasured
from services.engine.models import Attachment, Clock, Exclusion, Link
from services.identity.store import seal_fields


def write_link(session: Session, from_id: int, to_id: int, kind: str, now: datetime) -> None:
    insert_missing(
        session,
        Link,
        [{"from_id": from_id, "to_id": to_id, "kind": kind, "made_at": now, "told_at": None}],
        ["from_id", "to_id", "kind"],
    )


def write_exclusions(session: Session, matter_id: int, people: Iterable[int], units: Iterable[int], why: str) -> None:
    rows = [{"matter_id": matter_id, "person_id": p, "unit_id": None, "why": why} for p in sorted(people)]
    rows += [{"matter_id": matter_id, "person_id": None, "unit_id": u, "why": why} for u in sorted(units)]
    insert_rows(session, Exclusion, rows)


def settle_clocks(changes: Changes, target: str, closes: bool) -> None:
    """A final state needs every duty done and stops the rest; any other needs a clock that runs."""
    active = [c for c in changes.clocks if c["state"] != clk.STOPPED]
    if closes:
        if owed := [changes.rule(c["name"]).title for c in active if c["duty"]]:
            raise DutiesOpen(owed)
        for row in active:
            changes.change(row, clk.stop(row, changes.now))
    elif not active:
        raise Unmeasured(f"nothing would measure the matter in state {target}")


def write_clocks(session: Session, matter_id: int, changes: Changes) -> None:
    for clock_id, columns in changes.touched.items():
        update_row(session, Clock, clock_id, columns)
    insert_rows(session, Clock, [{**row, "matter_id": matter_id} for row in changes.started])


def clock_notes(changes: Changes) -> dict[str, Any]:
    rows = {id(r): r for r in [*changes.started, *(c for c in changes.clocks if c.get("id") in changes.touched)]}
    if not rows:
        return {}
    return {
        "clocks": [
            {"clock": r["name"], "state": r["state"], "due": str(r["effective_due"]) if r["effective_due"] else None,
             "outcome": r["outcome"], "calendar": r["calendar_version"]}
            for r in rows.values()
        ]
    }  # fmt: skip


Away = tuple[frozenset[int], frozenset[int]]
"""The people and the units excluded from a matter before this action."""


def write_named(session: Session, matter_id: int, answers: Answers, changes: Changes, away: Away) -> None:
    """Write what the answers seal, and keep away whom they name."""
    if answers.sealed:
        seal_fields(session, changes.engine.vault, matter_id, answers.sealed, changes.now)
    write_exclusions(session, matter_id, answers.named_people - away[0], answers.named_units - away[1], "named")


def write_links(session: Session, matter_id: int, answers: Answers, changes: Changes) -> None:
    """Tie the matter to others and to the files that the answers brought."""
    for to, kind in changes.links:
        write_link(session, matter_id, to, kind, changes.now)
    if answers.attachments:
        session.execute(
            update(Attachment)
            .where(Attachment.id.in_(answers.attachments), Attachment.matter_id.is_(None))
            .values(matter_id=matter_id)
        )
