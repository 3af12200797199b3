"""Work items between people: claim, release, hand on, press, draw attention."""

from fastapi import APIRouter

from services.api.shapes import Done, Id, Reason, Sent, Shown, Words
from services.engine.work import claim, copy_to, release, transfer, urge
from services.http.calls import Acting

router = APIRouter(tags=["work items"])


class HandOn(Sent):
    to: Id
    reason: Reason


class Urging(Sent):
    text: Reason


class Urged(Shown):
    """The persons who were told."""

    people: list[int]


class Copying(Sent):
    to: Id
    note: Words = ""


@router.post("/work-items/{item_id}/claim")
def claim_item(item_id: Id, call: Acting) -> Done:
    """Take an item for oneself; of two at once one gets it."""
    with call.write() as session:
        claim(session, call.engine, item_id, call.actor, call.now)
    return Done(at=call.now)


@router.post("/work-items/{item_id}/release")
def release_item(item_id: Id, call: Acting) -> Done:
    """Give an item back to everyone it would wait for."""
    with call.write() as session:
        release(session, call.engine, item_id, call.actor, call.now)
    return Done(at=call.now)


@router.post("/work-items/{item_id}/transfer")
def transfer_item(item_id: Id, body: HandOn, call: Acting) -> Done:
    """Hand an item to another holder of its role, with a reason."""
    with call.write() as session:
        transfer(session, call.engine, item_id, body.to, call.actor, body.reason, call.now)
    return Done(at=call.now)


@router.post("/matters/{matter_id}/urgings", status_code=201)
def urge_matter(matter_id: Id, body: Urging, call: Acting) -> Urged:
    """Press whoever the matter waits for, each of them once a day."""
    with call.write() as session:
        people = urge(session, call.engine, matter_id, call.actor, body.text, call.now)
    return Urged(people=list(people))


@router.post("/matters/{matter_id}/copies", status_code=201)
def copy_matter(matter_id: Id, body: Copying, call: Acting) -> Done:
    """Draw somebody's attention to a matter that he may see anyway."""
    with call.write() as session:
        copy_to(session, call.engine, matter_id, call.actor, body.to, body.note, call.now)
    return Done(at=call.now)
