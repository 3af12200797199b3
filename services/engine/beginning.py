"""Writes an opening that was decided: number, matter, clocks, first work item, journal, receipt."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from config.calendar import local_date
from services.db.rows import held, insert_ids, update_row
from services.engine import clocks as clk
from services.engine import items, journal, numbers, recording
from services.engine.decided import Beginning
from services.engine.models import Matter
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
    unit_id = changes.unit_id or start.unit_id
    if changes.moved_up_to:
        unit_id = above(session, unit_id, changes.moved_up_to)
    number = numbers.next_number(
        session, definition.policy.number, procedure.key, start.unit_id, local_date(changes.now).year
    )
    code = receipts.new_receipt_code() if procedure.public else None
    recording.settle_clocks(changes, str(procedure.initial), closes=False)
    matter_id = _insert_matter(session, start, unit_id, number, code)
    with held(session):
        _write_rest(session, start, matter_id, number, unit_id)
    return Begun(matter_id, number, code)


def _write_rest(session: Session, start: Beginning, matter_id: int, number: str, unit_id: int) -> None:
    changes, definition, initial = start.changes, start.definition, str(start.definition.procedure.initial)
    recording.write_clocks(session, matter_id, changes)
    people = start.away[0] | start.answers.named_people
    place, today = start.place, local_date(changes.now)
    if unit_id != start.unit_id:
        place = place_of(session, unit_id, definition.policy.work.get(initial), today)
    recording.write_exclusions(session, matter_id, start.away[0], start.away[1], "kept away from its subject")
    turn = items.open_turn(session, matter_id, initial, place.path, people, changes, place.holding)
    content = {
        "number": number, "answers": start.answers.stored, "sealed": sorted(start.answers.sealed),
        "policy": definition.policy_hash, "procedure": definition.procedure_hash,
        "before_first_version": definition.before_first,
        "routed_to_county_office": bool(turn and turn.lost), **recording.clock_notes(changes),
    }  # fmt: skip
    head = journal.Head(matter_id)
    event = journal.Event("open", changes.actor, changes.now, content, None, initial, None, start.request_key)
    journal.write_requested(session, journal.chain(head, event))
    update_row(session, Matter, matter_id, head.columns())
    recording.write_rest(session, matter_id, start.answers, changes, start.away)


def _insert_matter(session: Session, start: Beginning, unit_id: int, number: str, code: str | None) -> int:
    changes, definition = start.changes, start.definition
    actor = changes.actor.id
    step = {"by": actor, "at": changes.now.isoformat(), "answers": start.answers.stored}
    initial = str(definition.procedure.initial)
    values = {
        "procedure": definition.procedure.key, "number": number, "state": initial,
        "title": definition.procedure.opening.title(start.answers.form),
        "unit_id": unit_id, "origin_unit_id": start.unit_id, "opened_by": actor, "event_on": start.event_on,
        "opened_at": changes.now, "moved_at": changes.now, "closed_at": None, "version": 1, "level": 0,
        "due_at": clk.earliest_due(changes.clocks), "procedure_hash": definition.procedure_hash,
        "policy_hash": definition.policy_hash, "undo": None, "journal_seq": 0, "journal_head": journal.GENESIS,
        "receipt_digest": receipts.digest(code, changes.engine.vault) if code else None,
        "external_ref": start.external_ref,
        "record": {
            "steps": {"open": step}, "trail": [[None, "open", initial, actor]],
            "actors": {"open": [actor] if actor else []}, "refs": sorted(start.answers.matters),
        },
    }  # fmt: skip
    return insert_ids(session, Matter, [values])[0]
