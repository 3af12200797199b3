"""Saved views of the ledger: keep, rename, delete, and choose the one it opens with."""

from typing import Annotated

from fastapi import APIRouter, Form, Path, Request, Response

from services.ledgers.views import (
    LONGEST,
    ViewRefused,
    choose_default,
    delete_view,
    list_views,
    rename_view,
    save_view,
)
from services.web.calls import Call
from services.web.forgery import Visitor
from services.web.pages.ledger import Asks
from services.web.rendering import done, render

router = APIRouter(prefix="/ledger/views")
ViewId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Name = Annotated[str, Form(max_length=200, pattern=r"^[^\x00]*$")]


@router.get("")
def show(request: Request, call: Visitor) -> Response:
    """The menu of one's views."""
    with call.read() as session:
        views = [{"id": v.id, "name": v.name, "address": v.address, "default": v.default}
                 for v in list_views(session, call.actor)]  # fmt: skip
    template = "ledger/views.html"
    return render(request, call, template, fragment=template, views=views)


@router.get("/new")
def ask_for_name(request: Request, call: Visitor, asking: Asks) -> Response:
    """The dialog in which the present filters get a name."""
    return _dialog(request, call, asking.link("/ledger/views"))


@router.post("")
def save(
    request: Request, call: Visitor, asking: Asks, name: Name = "", default: Annotated[str, Form()] = ""
) -> Response:
    """保存视图."""
    try:
        with call.write() as session:
            view = save_view(session, call.actor, name, asking, call.now)
            if default == "1":
                choose_default(session, call.actor, view.id, True)
    except ViewRefused as refusal:
        return _dialog(request, call, asking.link("/ledger/views"), name, refusal.zh)
    return done("视图已保存", views=True, close=True)


@router.get("/{view_id:int}")
def ask_for_other_name(request: Request, call: Visitor, view_id: ViewId) -> Response:
    """The dialog in which a view is renamed."""
    with call.read() as session:
        name = next((view.name for view in list_views(session, call.actor) if view.id == view_id), "")
    return _dialog(request, call, f"/ledger/views/{view_id}", name, renames=True)


@router.post("/{view_id:int}")
def rename(request: Request, call: Visitor, view_id: ViewId, name: Name = "") -> Response:
    """重命名."""
    try:
        with call.write() as session:
            rename_view(session, call.actor, view_id, name)
    except ViewRefused as refusal:
        return _dialog(request, call, f"/ledger/views/{view_id}", name, refusal.zh, renames=True)
    return done("已重命名", views=True, close=True)


@router.post("/{view_id:int}/default")
def make_default(call: Visitor, view_id: ViewId, chosen: Annotated[str, Form()] = "") -> Response:
    """设为默认, or no longer."""
    with call.write() as session:
        choose_default(session, call.actor, view_id, chosen == "1")
    return done("打开台账时将使用此视图" if chosen == "1" else "打开台账时将显示全部事项", views=True)


@router.post("/{view_id:int}/delete")
def delete(call: Visitor, view_id: ViewId) -> Response:
    """删除."""
    with call.write() as session:
        delete_view(session, call.actor, view_id)
    return done("视图已删除", views=True)


def _dialog(
    request: Request, call: Call, action: str, name: str = "", error: str = "", *, renames: bool = False
) -> Response:
    template = "ledger/view.html"
    return render(
        request, call, template, fragment=template, status=422 if error else 200, action=action, name=name,
        error=error, renames=renames, longest=LONGEST,
    )  # fmt: skip
