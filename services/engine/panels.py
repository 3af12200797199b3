"""What a move does to panels: convening, seats that come and go, answers, and what a return makes of them."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.db.rows import insert_rows, update_rows
from services.db.upsert import insert_missing
from services.engine.changes import Changes
from services.engine.decided import Move
from services.engine.models import Seat as SeatRow
from services.engine.models import Urn
from services.engine.registry import canonical
from services.engine.routing import find_turn
from services.engine.sittings import Sitting, seal_of
from statemachines.kit.panels import AfterReturn, Seat, SeatState, Vote, convened_again
from statemachines.kit.procedure import Kind


def follow(session: Session, move: Move, path: str, away: Collection[int]) -> None:
    """Do everything that a move asks of panels; `path` is the unit's that holds the matter then."""
    if not move.changes.definition.procedure.panels:
        return
    if move.action.kind is Kind.VOTE:
        _keep_answer(session, move)
    if move.action.kind is Kind.RETURN:
        _begin_anew(session, move)
    seat(session, move.loaded.id, move.changes, path, away)
    for sitting in move.changes.sittings.values():
        for row in sitting.seats:
            if row["person_id"] in away and row["state"] == SeatState.WAITING:
                _change(session, row, {"state": str(SeatState.REMOVED)})


def seat(session: Session, matter_id: int, changes: Changes, path: str, away: Collection[int]) -> None:
    """Carry out what effects asked of panels: convene, add, remove, mark absent. Nobody kept away is seated."""
    on = changes.today
    for panel, wanted, role in changes.convened:
        people = [Seat(p) for p in find_turn(session, role, path, on, away).people] if role else list(wanted)
        _convene(session, matter_id, changes, panel, [s for s in people if s.person not in away])
    for panel, verb, person, group in changes.seated:
        sitting = changes.sittings.setdefault(panel, Sitting(1, [], []))
        if verb is SeatState.WAITING and sitting.seat_of(person) is None:
            keep = [Seat(s["person_id"], s["group_key"], SeatState(s["state"])) for s in sitting.seats]
            stay = [s for s in keep if s.state is not SeatState.REMOVED]
            _lay(session, matter_id, panel, sitting, convened_again(keep, [*stay, Seat(person, group)], True))
        elif row := sitting.seat_of(person):
            _change(session, row, {"state": str(verb)})


def waited_for(changes: Changes, state: str) -> dict[str, list[int]]:
    """Return, per vote possible in this state, whom it waits for."""
    procedure = changes.definition.procedure
    return {
        panel.action: [s["person_id"] for s in changes.sittings[panel.name].seats if s["state"] == SeatState.WAITING]
        for panel in procedure.panels.values()
        if panel.name in changes.sittings and state in {str(s) for s in procedure.actions[panel.action].sources}
    }


def results(move: Move, target: str) -> dict[str, Any]:
    """What the journal keeps of every panel that this move leaves: figures, and a seal on the urn."""
    changes, procedure = move.changes, move.changes.definition.procedure
    left = {}
    for panel in procedure.panels.values():
        sources = {str(s) for s in procedure.actions[panel.action].sources}
        sitting = changes.sittings.get(panel.name)
        if sitting and move.loaded.row["state"] in sources and target not in sources:
            tally = sitting.tally(changes.definition, panel)
            left[panel.name] = {
                "round": sitting.round, "members": len(tally.members), "answered": tally.seats_in(SeatState.ANSWERED),
                "absent": tally.seats_in(SeatState.ABSENT), "enough": tally.enough,
                "votes": seal_of(tally.votes),
            }  # fmt: skip
    return {"panels": left} if left else {}


def _begin_anew(session: Session, move: Move) -> None:
    """Coming back to a panel from a later state starts it anew, unless it is declared to keep its answers."""
    changes, procedure = move.changes, move.changes.definition.procedure
    for panel in procedure.panels.values():
        sources = {str(s) for s in procedure.actions[panel.action].sources}
        comes_back = move.target in sources and move.loaded.row["state"] not in sources
        if comes_back and panel.after_return is AfterReturn.ANEW and panel.name in changes.sittings:
            rows = changes.sittings[panel.name].seats
            seats = [Seat(r["person_id"], r["group_key"]) for r in rows if r["state"] != SeatState.REMOVED]
            _convene(session, move.loaded.id, changes, panel.name, seats)


def _convene(session: Session, matter_id: int, changes: Changes, panel: str, wanted: Iterable[Seat]) -> None:
    before, declared = changes.sittings.get(panel), changes.definition.procedure.panels[panel]
    seats = list({s.person: s for s in wanted}.values())
    if before is not None and declared.after_return is AfterReturn.KEPT:
        keep = [Seat(s["person_id"], s["group_key"], SeatState(s["state"])) for s in before.seats]
        _lay(session, matter_id, panel, before, convened_again(keep, seats, True))
        return
    if before is not None and not seats:  # a round without a seat would leave no trace, and the one before in force
        for row in before.seats:
            _change(session, row, {"state": str(SeatState.REMOVED)})
        return
    changes.sittings[panel] = sitting = Sitting(before.round + 1 if before else 1, [], [])
    _lay(session, matter_id, panel, sitting, seats)


def _lay(session: Session, matter_id: int, panel: str, sitting: Sitting, seats: Iterable[Seat]) -> None:
    """Make the rows of a round as `seats` say."""
    rows = {s["person_id"]: s for s in sitting.seats}
    new = [s for s in seats if s.person not in rows]
    for seat in (s for s in seats if s.person in rows):
        columns = {"state": str(seat.state), "group_key": seat.group}
        if any(rows[seat.person][name] != value for name, value in columns.items()):
            _change(session, rows[seat.person], columns)
    fresh = [
        {"matter_id": matter_id, "panel": panel, "round": sitting.round, "person_id": s.person, "group_key": s.group,
         "state": str(s.state), "answers": None}
        for s in new
    ]  # fmt: skip
    insert_rows(session, SeatRow, fresh)
    where = (SeatRow.matter_id == matter_id, SeatRow.panel == panel, SeatRow.round == sitting.round)
    sitting.seats = [
        dict(r)
        for r in session.execute(select(*SeatRow.__table__.columns).where(*where).order_by(SeatRow.id)).mappings()
    ]


def _change(session: Session, seat: dict[str, Any], columns: dict[str, Any]) -> None:
    seat.update(columns)
    update_rows(session, SeatRow, {seat["id"]: columns})


def _keep_answer(session: Session, move: Move) -> None:
    changes = move.changes
    panel = changes.definition.procedure.panel_of(move.action.name)
    assert panel is not None  # checked when the procedure was declared
    sitting = changes.sittings[panel.name]
    seat = sitting.seat_of(changes.actor.id)
    assert seat is not None  # it was the right to act
    if not panel.anonymous:
        _change(session, seat, {"state": str(SeatState.ANSWERED), "answers": move.answers.stored})
        return
    _change(session, seat, {"state": str(SeatState.ANSWERED)})
    _cast(session, move.loaded.id, panel.name, sitting, seat["group_key"], move.answers.stored)


def _cast(
    session: Session, matter_id: int, panel: str, sitting: Sitting, group: str, ballot: Mapping[str, Any]
) -> None:
    """Put a ballot into the urn: sorted by what they say, so that nothing tells which came when."""
    key = {"matter_id": matter_id, "panel": panel, "round": sitting.round, "group_key": group}
    sitting.ballots.append(Vote(group, ballot))
    ballots = sorted((dict(v.answers) for v in sitting.ballots if v.group == group), key=canonical)
    insert_missing(session, Urn, [{**key, "ballots": []}], list(key))
    where = [getattr(Urn, name) == value for name, value in key.items()]
    session.execute(update(Urn).where(*where).values(ballots=ballots))
