"""Writes an opening that was decided: number, matter, clocks, first work item, journal, receipt."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from config.calendar import local_date
from services.db.rows import insert_rows
from services.engine import clocks as clk
from services.engine import items, journal, numbers, recording
from services.engine.decided import Beginning
from services.engine.models import Matter, Receipt
from services.engine.routing import above, place_of
from services.identity import receipts


@dataclass(frozen=True, slots=True)
class Begun:
    """A matter now on record; `receipt_code` is known here and never again."""

    matter_id: int
    number: str
    receipt_code: str | None


def write_beginning(session: Session, start: Beginning) -> Begun:
    """Carry out an opening: number, matter, clocks, first work item, journal, receipt."""
    changes, definition, procedure = start.changes, start.definition, start.definition.procedure
    unit_id = changes.unit_id or start.unit["id"]
    if changes.moved_up_to:
        unit_id = above(session, unit_id, changes.moved_up_to)
    number, matter_id = numbers.next_number(
        session, definition.policy.number, procedure.key, start.unit, local_date(changes.now).year
    )
    code = receipts.new_receipt_code() if procedure.public else None
    recording.settle_clocks(changes, str(procedure.initial), closes=False)
    _write(session, start, _Given(matter_id, number, code, unit_id))
    recording.write_links(session, matter_id, start.answers, changes)
    return Begun(matter_id, number, code)


@dataclass(frozen=True, slots=True)
class _Given:
    """What a matter has got by being opened."""

    matter_id: int
    number: str
    receipt_code: str | None
    unit_id: int


def _write(session: Session, start: Beginning, given: _Given) -> None:
    changes, definition, initial = start.changes, start.definition, str(start.definition.procedure.initial)
    matter_id, people = given.matter_id, start.away[0] | start.answers.named_people
    place, today = start.place, local_date(changes.now)
    if given.unit_id != start.unit["id"]:
        place = place_of(session, start.edition, given.unit_id, today)
    turn = items.next_turn(changes, initial, place, people)
    content = {
        "number": given.number, "answers": start.answers.stored, "sealed": sorted(start.answers.sealed),
        "policy": definition.policy_hash, "procedure": definition.procedure_hash,
        "before_first_version": definition.before_first,
        "routed_to_county_office": bool(turn and turn.lost), **recording.clock_notes(changes),
    }  # fmt: skip
    head = journal.Head(matter_id)
    event = journal.Event("open", changes.actor, changes.now, content, None, initial, None, start.request_key)
    entry = journal.chain(head, event)
    insert_rows(session, Matter, [_matter(start, given) | head.columns()])  # first: all else refers to it
    if given.receipt_code:
        digest = receipts.digest(given.receipt_code, changes.engine.vault)
        insert_rows(session, Receipt, [{"digest": digest, "matter_id": matter_id}])
    recording.write_clocks(session, matter_id, changes)
    recording.write_exclusions(session, matter_id, start.away[0], start.away[1], "kept away from its subject")
    assignee = changes.assignee if changes.assignee not in people else None
    items.open_turn(session, matter_id, initial, turn, assignee, changes)
    journal.write_requested(session, entry)
    recording.write_named(session, matter_id, start.answers, changes, start.away)


def _matter(start: Beginning, given: _Given) -> dict[str, Any]:
    changes, definition = start.changes, start.definition
    actor = changes.actor.id
    step = {"by": actor, "at": changes.now.isoformat(), "answers": start.answers.stored}
    initial = str(definition.procedure.initial)
    return {
        "id": given.matter_id, "procedure": definition.procedure.key, "number": given.number, "state": initial,
        "title": definition.procedure.opening.title(start.answers.form),
        "unit_id": given.unit_id, "origin_unit_id": start.unit["id"], "opened_by": actor, "event_on": start.event_on,
        "opened_at": changes.now, "moved_at": changes.now, "closed_at": None, "version": 1, "level": 0,
        "due_at": clk.earliest_due(changes.clocks), "procedure_hash": definition.procedure_hash,
        "policy_hash": definition.policy_hash, "undo": None,
        "external_ref": start.external_ref,
        "record": {
            "steps": {"open": step}, "trail": [[None, "open", initial, actor]],
            "actors": {"open": [actor] if actor else []}, "refs": sorted(start.answers.matters),
        },
    }  # fmt: skip
