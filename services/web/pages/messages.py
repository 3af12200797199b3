"""消息: what the app has to say to oneself."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from services.engine.queries import light_counts
from services.notifications.inbox import count_unread, list_messages, mark_read, matter_of
from services.runs.health import watch
from services.runs.overview import may_watch
from services.web.forgery import Visitor
from services.web.rendering import done, render

router = APIRouter()
LARGEST = 2**63 - 1
KINDS = {
    "reminder": ("到期提醒", "alarm"), "escalation": ("逾期升级", "trending-up"), "returned": ("退回", "arrow-back-up"),
    "told": ("通知", "bell"), "transferred": ("转办", "transfer"), "urged": ("催办", "speakerphone"),
    "copied": ("抄送", "copy"), "machine": ("系统运行", "plug-x"),
}  # fmt: skip


@router.get("/messages")
def show_messages(
    request: Request,
    call: Visitor,
    unread: bool = False,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """The list, newest first."""
    with call.read() as session:
        page = list_messages(session, call.actor, unread=unread, cursor=cursor)
    return render(
        request, call, "messages/page.html", fragment="messages/list.html", page=page, only_unread=unread, kinds=KINDS
    )


@router.get("/messages/{message_id}")
def open_message(call: Visitor, message_id: Annotated[int, Path(ge=1, le=LARGEST)]) -> Response:
    """Reading it is opening it: it counts as read, and leads to its matter."""
    with call.write() as session:
        mark_read(session, call.actor, call.now, [message_id])
        matter_id = matter_of(session, call.actor, message_id)
    return RedirectResponse(f"/matters/{matter_id}" if matter_id else "/messages", 303)


@router.post("/messages/read")
def mark_messages_read(call: Visitor, ids: Annotated[list[int] | None, Form()] = None) -> Response:
    """Mark these, or without any all, as read."""
    with call.write() as session:
        marked = mark_read(session, call.actor, call.now, ids)
    return done(f"已将 {marked} 条消息标为已读" if marked else "没有未读消息", refresh=True, counted=True)


@router.get("/counts")
def count(request: Request, call: Visitor) -> Response:
    """The numbers in the frame of every page, and for those who supervise that deadlines are not being watched.

    It is asked for every minute. A stream would hold one connection, and behind some county proxies a dead one, for
    each open tab; two counts a minute are cheaper, and nothing here is urgent to the second.
    """
    if "hx-request" not in request.headers:
        raise HTTPException(404)
    with call.read() as session:
        unread, waiting = count_unread(session, call.actor), light_counts(session, call.engine, call.actor, call.now)
        watched = watch(session, call.now) if may_watch(call.actor) and not _says_so_itself(request) else None
    return render(
        request, call, "counts.html", fragment="counts.html", unread=unread, waiting=waiting["all"], watch=watched
    )


def _says_so_itself(request: Request) -> bool:
    """Whether htmx asks from a page that shows in its midst how deadlines are watched."""
    return urlsplit(request.headers.get("hx-current-url", "")).path in ("/board", "/flows")
