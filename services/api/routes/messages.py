"""The caller's own messages in the app."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from services.api.shapes import Cursor, Id, Limit, Listed, Sent, Shown
from services.http.calls import Acting, Reading
from services.notifications.inbox import MessageView, count_unread, list_messages, mark_read

router = APIRouter(prefix="/messages", tags=["messages"])


class Unread(Shown):
    unread: int


class Read(Sent):
    """Which messages were read; null means all."""

    ids: Annotated[list[Id], Field(max_length=1000)] | None


class Marked(Shown):
    """How many of them were unread."""

    marked: int


@router.get("")
def list_my_messages(
    call: Reading,
    unread: Annotated[bool, Query(description="only what was not read yet")] = False,
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Listed[MessageView]:
    """List one's own messages, newest first."""
    with call.read() as session:
        page = list_messages(session, call.actor, unread=unread, cursor=cursor, limit=limit)
    return Listed(items=page.rows, next=page.next)


@router.get("/unread")
def count_my_unread_messages(call: Reading) -> Unread:
    """Count what one has not read."""
    with call.read() as session:
        return Unread(unread=count_unread(session, call.actor))


@router.post("/read")
def mark_my_messages_read(body: Read, call: Acting) -> Marked:
    """Mark messages as read; those of others are passed over."""
    with call.write() as session:
        return Marked(marked=mark_read(session, call.actor, call.now, body.ids))
