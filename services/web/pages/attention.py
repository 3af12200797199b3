"""我的关注 and 已办事项: matters one follows, and matters one had a hand in."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import ColumnElement

from services.engine.queries import MatterFilters, list_matters
from services.notifications.attention import acted_in_by, follow, followed_by, unfollow
from services.web import choices
from services.web.calls import Call
from services.web.forgery import Visitor
from services.web.rendering import done, render

router = APIRouter()
Asked = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]
MatterId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/watching")
def show_watched(
    request: Request, call: Visitor, q: Asked = "", procedure: Asked = "", status: Asked = "", cursor: Asked = ""
) -> Response:
    """What one follows, the latest opened first."""
    only = followed_by(call.person_id)
    return _list(
        request, call, "我的关注", "在事项页点“关注”，即可在此随时查看进展。", only, q, procedure, status, cursor
    )


@router.get("/done")
def show_done(
    request: Request, call: Visitor, q: Asked = "", procedure: Asked = "", status: Asked = "", cursor: Asked = ""
) -> Response:
    """Everything in whose journal one's name stands."""
    only = acted_in_by(call.person_id)
    return _list(request, call, "已办事项", "您登记、办理、审批过的事项。", only, q, procedure, status, cursor)


@router.post("/matters/{matter_id}/follow")
def follow_matter(call: Visitor, matter_id: MatterId) -> Response:
    """关注."""
    with call.write() as session:
        follow(session, call.engine, call.actor, matter_id, call.now)
    return done("已关注，可在“我的关注”中查看", followed=True, refresh=True)


@router.post("/matters/{matter_id}/unfollow")
def unfollow_matter(call: Visitor, matter_id: MatterId) -> Response:
    """取消关注."""
    with call.write() as session:
        unfollow(session, call.actor, matter_id)
    return done("已取消关注", followed=False, refresh=True)


def _list(
    request: Request,
    call: Call,
    title: str,
    lead: str,
    only: ColumnElement[bool],
    q: str,
    procedure: str,
    status: str,
    cursor: str,
) -> Response:
    status = status if status in ("open", "closed", "overdue") else ""
    filters = MatterFilters(procedure=procedure or None, status=status or None, q=q.strip() or None)
    with call.read() as session:
        page = list_matters(
            session, call.engine, call.actor, call.now, filters=filters, only=[only], cursor=cursor or None
        )
    given = {"q": filters.q, "procedure": filters.procedure, "status": filters.status}
    return render(
        request, call, "attention/page.html", fragment="attention/list.html", page=page, filters=filters, title=title,
        lead=lead, cursor=cursor, procedures=choices.procedures(call),
        address={name: value for name, value in given.items() if value},
    )  # fmt: skip
