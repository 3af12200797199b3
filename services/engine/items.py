"""Work items: opened for whose turn it is, closed when the matter moves on."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy.orm import Session

from services.db.rows import insert_rows, update_rows
from services.engine import clocks as clk
from services.engine import panels
from services.engine.changes import Changes
from services.engine.decided import Move
from services.engine.loading import EXTENSION, TURN
from services.engine.models import WorkItem
from services.engine.routing import Holding, Place, Turn, route, works_here
from statemachines.kit.policy import MEMBER
from statemachines.kit.procedure import Kind
from statemachines.kit.situation import Move as Step


def follow_move(
    session: Session, move: Move, unit_id: int, place: Place, people: frozenset[int], closes: bool
) -> Turn | None:
    """Close what is done, open what comes next at this unit; return the new turn if there is one."""
    changes, loaded = move.changes, move.loaded
    passes = move.target != loaded.row["state"] or unit_id != loaded.row["unit_id"]
    stands = {TURN: not (passes or people - loaded.people), EXTENSION: _asks(changes) and not people - loaded.people}
    votes = {} if closes else panels.waited_for(changes, move.target)
    stay = [] if closes else [i for i in loaded.items if _stands(i, stands, votes, changes)]
    done = [i["id"] for i in loaded.items if i not in stay]
    update_rows(session, WorkItem, {key: {"closed_at": changes.now, "closed_by": changes.actor.id} for key in done})
    _refresh_due(session, move, stay)
    if closes:
        return None
    _follow_request(session, move, stay, place, people)
    _ask_members(session, move, votes, stay, unit_id)
    if stands[TURN]:
        return None
    person = changes.assignee
    if not passes:  # somebody else stepped aside
        person = loaded.turn["person_id"] if loaded.turn else None
    elif move.action.kind in (Kind.RETURN, Kind.WITHDRAW):  # back to the very person who passed it on
        person = left.by if (left := last_left(move)) else None
    person = _if_still_there(session, move, person, place.holding)
    turn = next_turn(changes, move.target, place, people)
    open_turn(session, loaded.id, move.target, turn, person if person not in people else None, changes)
    return turn


def _stands(
    item: Mapping[str, Any], stands: Mapping[str, bool], votes: Mapping[str, Collection[int]], changes: Changes
) -> bool:
    if changes.definition.procedure.panel_of(item["kind"]):
        return item["person_id"] in votes.get(item["kind"], ())
    return stands.get(item["kind"], True)


def _ask_members(
    session: Session, move: Move, votes: Mapping[str, Collection[int]], stay: Collection[Mapping[str, Any]], unit: int
) -> None:
    """Open an item for every member who is waited for and has none."""
    asked = {(i["kind"], i["person_id"]) for i in stay}
    wanted = [(vote, person) for vote, people in votes.items() for person in people if (vote, person) not in asked]
    turn = Turn(MEMBER, unit, ())
    rows = [_item(move.loaded.id, vote, move.target, turn, person, move.changes) for vote, person in wanted]
    insert_rows(session, WorkItem, rows)


def next_turn(changes: Changes, state: str, place: Place, people: Collection[int]) -> Turn | None:
    """Return whose turn it is in a state: of a role at the nearest unit where somebody else than these holds it."""
    role = changes.definition.policy.work.get(state)
    return None if role is None else route(place.holding, role, place.path, people)


def open_turn(
    session: Session, matter_id: int, state: str, turn: Turn | None, person: int | None, changes: Changes
) -> None:
    """Open the work item of a turn, for this person or else for its role."""
    if turn is not None:
        insert_rows(session, WorkItem, [_item(matter_id, TURN, state, turn, person, changes)])


def _follow_request(
    session: Session, move: Move, stay: Collection[Mapping[str, Any]], place: Place, people: Collection[int]
) -> None:
    """While an extension is asked for, and only then, somebody is asked to decide."""
    changes = move.changes
    if _asks(changes) and not any(i["kind"] == EXTENSION for i in stay):
        role = changes.definition.policy.roles[EXTENSION][0]
        turn = route(place.holding, role, place.path, people)
        insert_rows(session, WorkItem, [_item(move.loaded.id, EXTENSION, move.target, turn, None, changes)])


def _asks(changes: Changes) -> bool:
    return any(c["ledger"]["requested"] for c in changes.clocks if c["state"] != clk.STOPPED)


def last_left(move: Move) -> Step | None:
    """Return the latest change of state that led out of the state this move goes back to."""
    return next((m for m in reversed(move.changes.situation.trail) if m.source == move.target), None)


def _if_still_there(session: Session, move: Move, person: int | None, holding: Holding) -> int | None:
    """Return the person while he works here and, unless the matter was assigned to him by name, holds the role."""
    if person is None:
        return None
    role = move.changes.definition.policy.work.get(move.target)
    if role is None or person == move.changes.assignee or person in move.loaded.assigned:
        return person if works_here(session, person) else None
    return person if any(person in people for _, people in holding(role)) else None


def _refresh_due(session: Session, move: Move, stay: Collection[Mapping[str, Any]]) -> None:
    due = clk.earliest_due(move.changes.clocks)
    if due != move.loaded.row["due_at"]:
        update_rows(session, WorkItem, {i["id"]: {"due_at": due} for i in stay})


def _item(matter_id: int, kind: str, state: str, turn: Turn, person: int | None, changes: Changes) -> dict[str, Any]:
    return {
        "matter_id": matter_id, "kind": kind, "state": state, "role": turn.role, "unit_id": turn.unit_id,
        "person_id": person, "opened_at": changes.now, "due_at": clk.earliest_due(changes.clocks),
        "closed_at": None, "closed_by": None, "urged_at": None, "urged": 0,
    }  # fmt: skip
