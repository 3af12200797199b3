"""Writes a move that was decided: clocks, work items, journal, matter, messages, in a handful of statements."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from config.calendar import local_date
from services.db.rows import update_row
from services.engine import clocks as clk
from services.engine import items, journal, panels, recording
from services.engine.changes import Changes
from services.engine.decided import Move
from services.engine.messages import message_rows, send
from services.engine.models import Clock, Matter
from services.engine.routing import Place, Turn, above, holding_at, place_of, route
from statemachines.kit.procedure import Kind


@dataclass(frozen=True, slots=True)
class Written:
    """What a move left behind."""

    version: int
    entry_seq: int


def write_move(session: Session, move: Move) -> Written:
    """Carry out a move on a locked matter."""
    changes, loaded, row = move.changes, move.loaded, move.loaded.row
    withdrawing = move.action.kind is Kind.WITHDRAW
    if withdrawing:
        _take_back_clocks(session, changes, row["undo"])
    closes = move.target in changes.definition.procedure.final
    recording.settle_clocks(changes, move.target, closes)
    unit_id = _unit_after(session, move)
    place = _place(session, move, unit_id)
    people = loaded.people | move.answers.named_people
    left = panels.results(move, move.target)
    panels.follow(session, move, place.path, people)
    recording.write_clocks(session, loaded.id, changes)
    turn = items.follow_move(session, move, unit_id, place, people, closes)
    content = _content(move, turn, unit_id) | left
    event = journal.Event(
        move.action.name,
        changes.actor,
        changes.now,
        content,
        row["state"],
        move.target,
        move.behalf_of,
        move.request_key,
    )
    head = journal.Head(loaded.id, row["journal_seq"], row["journal_head"])
    journal.write_requested(session, journal.chain(head, event))
    columns = {
        "state": move.target,
        "unit_id": unit_id,
        "version": row["version"] + 1,
        "moved_at": changes.now,
        "closed_at": changes.now if closes else None,
        "due_at": clk.earliest_due(changes.clocks),
        "record": _record(move),
        "undo": None if withdrawing or closes else _undo(move, head.seq),
        **head.columns(),
    }
    update_row(session, Matter, loaded.id, columns)
    recording.write_named(session, loaded.id, move.answers, changes, (loaded.people, loaded.units))
    recording.write_links(session, loaded.id, move.answers, changes)
    _tell(session, move, place, people)
    return Written(columns["version"], head.seq)


def _place(session: Session, move: Move, unit_id: int) -> Place:
    """Return where the matter lies then."""
    row, today = move.loaded.row, local_date(move.changes.now)
    if unit_id == row["unit_id"]:
        return Place(row["unit_path"], holding_at(session, move.loaded.edition, row["unit_path"], today))
    return place_of(session, move.loaded.edition, unit_id, today)


def _unit_after(session: Session, move: Move) -> int:
    """Who holds the matter then: a return or withdrawal gives it back to the unit that held it in that state."""
    row = move.loaded.row
    if move.action.kind is Kind.WITHDRAW:
        return int(row["undo"]["unit_id"])
    left = items.last_left(move) if move.action.kind is Kind.RETURN else None
    held = int((left.unit if left else None) or move.changes.unit_id or row["unit_id"])
    if left is None and move.changes.moved_up_to:
        return above(session, held, move.changes.moved_up_to)
    return held


def _take_back_clocks(session: Session, changes: Changes, undo: dict[str, Any]) -> None:
    """Undo what the withdrawn step did to clocks: cancel those it started, put back those it changed."""
    for row in changes.clocks:
        if row["name"] in undo["started"]:
            changes.change(row, clk.cancel(changes.now))
    known = {c["id"]: c for c in changes.clocks}
    for clock_id, before in ((int(i), b) for i, b in undo["changed"].items()):
        row = known.get(clock_id) or _read_clock(session, clock_id)
        if clock_id not in known:
            changes.clocks.append(row)
        given = before["given_at"]
        restored = {
            **before,
            "given_at": datetime.fromisoformat(given) if given else None,
            "stopped_at": None,
            "outcome": None,
        }
        changes.change(row, restored)
        changes.change(row, clk.derive(row, changes.rule(row["name"]), changes.engine.calendar))


def _read_clock(session: Session, clock_id: int) -> dict[str, Any]:
    return dict(session.execute(Clock.__table__.select().where(Clock.id == clock_id)).mappings().one())


def _undo(move: Move, seq: int) -> dict[str, Any] | None:
    """What a withdrawal needs; None where the step cannot be taken back (it stayed, opened, linked, named, sealed)."""
    changes, row = move.changes, move.loaded.row
    lasting = (
        move.action.binding
        or changes.openings
        or changes.links
        or move.answers.sealed
        or move.answers.named_people
        or move.answers.named_units
    )
    if move.target == row["state"] or changes.actor.id is None or lasting:
        return None
    changed = {
        str(i): {**b, "given_at": b["given_at"].isoformat() if b["given_at"] else None}
        for i, b in changes.before.items()
    }
    return {
        "by": changes.actor.id, "seq": seq, "unit_id": row["unit_id"], "changed": changed,
        "started": [clock["name"] for clock in changes.started],
        "action": move.action.name, "step": row["record"]["steps"].get(move.action.name),
    }  # fmt: skip


def _record(move: Move) -> dict[str, Any]:
    """The projection guards look at, one step further."""
    row, old, changes = move.loaded.row, move.loaded.row["record"], move.changes
    acting = sorted(changes.situation.acting)
    moved = move.target != row["state"]
    trail = (
        [*old["trail"], [row["state"], move.action.name, move.target, changes.actor.id, row["unit_id"]]]
        if moved
        else old["trail"]
    )
    if move.action.kind is Kind.WITHDRAW:
        undo = row["undo"]
        kept = {a: s for a, s in old["steps"].items() if a != undo["action"]}
        steps = kept | ({undo["action"]: undo["step"]} if undo["step"] else {})
        return {**old, "steps": steps, "trail": old["trail"][:-1]}
    step = {"by": changes.actor.id, "at": changes.now.isoformat(), "answers": move.answers.stored}
    voted = move.action.kind is Kind.VOTE  # its answers are the panel's
    doing = {move.action.name: acting, **{f"{move.action.name}.{f}": ids for f, ids in move.answers.parts.items()}}
    actors = {name: sorted({*old["actors"].get(name, []), *ids}) for name, ids in doing.items()}
    return {
        "steps": old["steps"] if voted else {**old["steps"], move.action.name: step},
        "trail": trail,
        "actors": {**old["actors"], **actors},
        "refs": sorted({*old["refs"], *move.answers.matters}),
    }


def _content(move: Move, turn: Turn | None, unit_id: int) -> dict[str, Any]:
    content: dict[str, Any] = {**_said(move), **recording.clock_notes(move.changes)}
    if move.answers.sealed:
        content["sealed"] = sorted(move.answers.sealed)
    if unit_id != move.loaded.row["unit_id"]:
        content["unit_id"] = unit_id
    if turn and turn.lost:
        content["routed_to_county_office"] = True
    if move.action.kind is Kind.WITHDRAW:
        content["withdrawn"] = move.loaded.row["undo"]["action"]
    return content


def _said(move: Move) -> dict[str, Any]:
    """The answers; of an anonymous one only that it was given."""
    panel = move.changes.definition.procedure.panel_of(move.action.name)
    said = {} if panel and panel.anonymous else {"answers": move.answers.stored}
    return said | ({"panel": panel.name, "round": move.changes.sittings[panel.name].round} if panel else {})


def _tell(session: Session, move: Move, place: Place, people: frozenset[int]) -> None:
    """Messages: to whoever's step was returned, and to those the declaration names."""
    changes, row = move.changes, move.loaded.row
    rows: list[dict[str, Any]] = []
    if move.action.kind is Kind.RETURN and row["record"]["trail"]:
        last = row["record"]["trail"][-1][3]
        rows += message_rows(
            [last],
            row["id"],
            "returned",
            f"{row['number']}已被退回，请查看退回理由",
            changes.now,
        )
    for role, text in changes.messages:
        told = [row["opened_by"]] if role == "opener" else route(place.holding, role, place.path, people).people
        rows += message_rows(told, row["id"], "told", f"{row['number']}：{text}", changes.now)
    send(session, [r for r in rows if r["person_id"] not in people])
