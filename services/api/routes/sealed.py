"""Opening what is sealed: with a purpose, by an allowed role, and on record."""

from typing import Any

from fastapi import APIRouter

from services.api.shapes import Id, Reason, Sent, Shown, Words
from services.engine.sealed import open_sealed
from services.http.calls import Acting

router = APIRouter(tags=["sealed fields"])


class Purpose(Sent):
    purpose: Reason


class Opened(Shown):
    """What was sealed under this name, as the form took it."""

    name: str
    content: Any


@router.post("/matters/{matter_id}/sealed/{name}")
def open_sealed_field(matter_id: Id, name: Words, body: Purpose, call: Acting) -> Opened:
    """Open a sealed field; the journal keeps who, when and what for before anything is shown."""
    with call.write() as session:
        content = open_sealed(session, call.engine, matter_id, name, call.actor, body.purpose, call.now)
    return Opened(name=name, content=content)
