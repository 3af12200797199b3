"""Work items: opened for whose turn it is, closed when the matter moves on."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.engine import clocks as clk
from services.engine.changes import Changes
from services.engine.decided import Move
from services.engine.loading import TURN
from services.engine.models import WorkItem
from services.engine.routing import Turn, find_turn, path_of
from statemachines.kit.procedure import Kind


def follow_move(session: Session, move: Move, unit_id: int, people: frozenset[int], closes: bool) -> Turn | None:
    """Close what is done, open what comes next; return the new turn if there is one."""
    changes, loaded = move.changes, move.loaded
    moves = move.target != loaded.row["state"] or unit_id != loaded.row["unit_id"] or bool(people - loaded.people)
    done = [
        i["id"]
        for i in loaded.items
        if closes or (moves and i["kind"] == TURN) or (changes.closed_side_items and i["kind"] != TURN)
    ]
    if done:
        session.execute(
            update(WorkItem).where(WorkItem.id.in_(done)).values(closed_at=changes.now, closed_by=changes.actor.id)
        )
    path = loaded.row["unit_path"] if unit_id == loaded.row["unit_id"] else path_of(session, unit_id)
    _open_side_items(session, loaded.id, path, people, changes)
    if closes or not moves:
        _refresh_due(session, move)
        return None
    if move.action.kind in (Kind.RETURN, Kind.WITHDRAW) and changes.assignee is None:
        changes = replace(changes, assignee=_who_did_it_before(move))
    return open_turn(session, loaded.id, move.target, path, people, changes)


def open_turn(
    session: Session, matter_id: int, state: str, path: str, people: Collection[int], changes: Changes
) -> Turn | None:
    """Open the work item of a state, for a role at the nearest unit or for the person the action assigned."""
    role = changes.definition.policy.work.get(state)
    if role is None:
        return None
    turn = find_turn(session, role, path, local_date(changes.now), people)
    person = changes.assignee if changes.assignee not in people else None
    _insert(session, [_item(matter_id, TURN, state, turn, person, changes)])
    return turn


def _open_side_items(session: Session, matter_id: int, path: str, people: Collection[int], changes: Changes) -> None:
    for action in changes.side_items:
        role = changes.definition.policy.roles[action][0]
        turn = find_turn(session, role, path, local_date(changes.now), people)
        _insert(session, [_item(matter_id, action, changes.situation.state, turn, None, changes)])


def _who_did_it_before(move: Move) -> int | None:
    """A returned matter goes back to the very person who passed it on, while that person is still there."""
    trail = move.loaded.row["record"]["trail"]
    return next((by for source, _, _, by in reversed(trail) if source == move.target), None)


def _refresh_due(session: Session, move: Move) -> None:
    due = clk.earliest_due(move.changes.clocks)
    if due != move.loaded.row["due_at"]:
        open_items = WorkItem.matter_id == move.loaded.id, WorkItem.closed_at.is_(None)
        session.execute(update(WorkItem).where(*open_items).values(due_at=due))


def _item(matter_id: int, kind: str, state: str, turn: Turn, person: int | None, changes: Changes) -> dict[str, Any]:
    return {
        "matter_id": matter_id, "kind": kind, "state": state, "role": turn.role, "unit_id": turn.unit_id,
        "person_id": person, "opened_at": changes.now, "due_at": clk.earliest_due(changes.clocks),
        "closed_at": None, "closed_by": None, "urged_at": None, "urged": 0,
    }  # fmt: skip


def _insert(session: Session, rows: list[dict[str, Any]]) -> None:
    session.execute(insert(WorkItem), rows)
