"""Panels as they are kept: a seat per member and round, and for anonymous answers an urn that knows no member."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.engine.models import Seat as SeatRow
from services.engine.models import Urn
from services.engine.registry import Definition, canonical, digest
from statemachines.kit.panels import Panel, Seat, SeatState, Tally, Vote


@dataclass
class Sitting:
    """The present round of a panel: its seats as rows, and what the urn holds."""

    round: int
    seats: list[dict[str, Any]]
    ballots: list[Vote]

    def tally(self, definition: Definition, panel: Panel) -> Tally:
        seats = tuple(Seat(s["person_id"], s["group_key"], SeatState(s["state"])) for s in self.seats)
        answered = [s for s in self.seats if s["answers"] is not None]
        votes = [Vote(s["group_key"], s["answers"], s["person_id"]) for s in answered]
        return Tally(definition.policy.panels[panel.name], seats, tuple(votes + self.ballots))

    def seat_of(self, person: int | None) -> dict[str, Any] | None:
        return next((s for s in self.seats if s["person_id"] == person and s["state"] != SeatState.REMOVED), None)


def read_sittings(session: Session, definition: Definition, matter_id: int) -> dict[str, Sitting]:
    """Return the present round of each panel that was ever convened on this matter."""
    if not definition.procedure.panels:
        return {}
    sittings: dict[str, Sitting] = {}
    seats = select(*SeatRow.__table__.columns).where(SeatRow.matter_id == matter_id).order_by(SeatRow.id)
    for row in session.execute(seats).mappings():
        sitting = sittings.get(row["panel"])
        if sitting is None or sitting.round < row["round"]:
            sitting = sittings[row["panel"]] = Sitting(row["round"], [], [])
        sitting.seats.append(dict(row))
    for urn in session.execute(select(Urn).where(Urn.matter_id == matter_id)).scalars():
        if urn.panel in sittings and sittings[urn.panel].round == urn.round:
            sittings[urn.panel].ballots += [Vote(urn.group_key, ballot) for ballot in urn.ballots]
    return sittings


def seal_of(votes: Iterable[Vote]) -> str:
    """A digest of the answers of a round, the same in whatever order they are read."""
    return digest(canonical(sorted(canonical([v.person, v.group, v.answers]) for v in votes)))


def first_changed(session: Session, matter_id: int, entries: Iterable[Any]) -> tuple[int, str] | None:
    """Return (seq, why) of the first journal entry whose panel no longer holds the answers it was left with."""
    left: dict[tuple[str, int], tuple[int, str]] = {}
    for entry in entries:
        for name, result in entry.content.get("panels", {}).items():
            left[name, result["round"]] = (entry.seq, result["votes"])
        if "panel" in entry.content:  # answered again after a return: what was left before counts no more
            left.pop((entry.content["panel"], entry.content["round"]), None)
    for (panel, number), (seq, seal) in left.items():
        if seal_of(_votes(session, matter_id, panel, number)) != seal:
            return seq, f"the answers of panel {panel} were changed"
    return None


def _votes(session: Session, matter_id: int, panel: str, number: int) -> list[Vote]:
    seats = select(SeatRow.group_key, SeatRow.answers, SeatRow.person_id).where(
        SeatRow.matter_id == matter_id, SeatRow.panel == panel, SeatRow.round == number
    )
    urns = select(Urn.group_key, Urn.ballots).where(Urn.matter_id == matter_id, Urn.panel == panel, Urn.round == number)
    named = [Vote(group, answers, person) for group, answers, person in session.execute(seats) if answers is not None]
    return named + [Vote(group, ballot) for group, ballots in session.execute(urns) for ballot in ballots]
