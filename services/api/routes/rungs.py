"""Escalations that fired and wait to be acknowledged by name."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.api.shapes import Cursor, Done, Id, Limit, Listed, Sent, Words
from services.engine.acknowledging import acknowledge, waiting_for
from services.engine.queries.rungs import RungView, unacknowledged_rungs
from services.http.calls import Acting, Reading

router = APIRouter(prefix="/rungs", tags=["rungs"])


class Acknowledgement(Sent):
    note: Words = ""


@router.get("")
def list_open_rungs(
    call: Reading,
    unit: Annotated[Id | None, Query(description="this unit and all below it")] = None,
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Listed[RungView]:
    """List the rungs that nobody acknowledged yet, the oldest first."""
    with call.read() as session:
        page = unacknowledged_rungs(session, call.engine, call.actor, unit_id=unit, cursor=cursor, limit=limit)
    return Listed(items=page.rows, next=page.next)


@router.get("/mine")
def list_my_rungs(call: Reading, limit: Annotated[Limit, Query()] = 50) -> list[RungView]:
    """List the open rungs that the caller may acknowledge, the oldest first."""
    with call.read() as session:
        return waiting_for(session, call.engine, call.actor, call.now, limit)


@router.post("/{rung_id}/acknowledgement")
def acknowledge_rung(rung_id: Id, body: Acknowledgement, call: Acting) -> Done:
    """Acknowledge a rung, by name and once, as somebody it addressed."""
    with call.write() as session:
        acknowledge(session, call.engine, rung_id, call.actor, call.now, body.note)
    return Done(at=call.now)
