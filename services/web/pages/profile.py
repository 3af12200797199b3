"""个人资料: who one is, with which roles, and one's own password."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from config.calendar import local_date
from services.db.errors import DubanError
from services.engine.queries.labels import role_title
from services.identity.credentials import change_password, open_session
from services.identity.errors import LoginLocked, WeakPassword, WrongLogin
from services.identity.people import get_person
from services.web.calls import Call
from services.web.forgery import Visitor
from services.web.pages.session import keep_session
from services.web.profiles import posts_of, rights_of
from services.web.rendering import done, render

router = APIRouter()
Typed = Annotated[str, Form(max_length=200)]


@router.get("/profile")
def show_profile(request: Request, call: Visitor) -> Response:
    """What the county has written down about oneself."""
    with call.read() as session:
        posts = posts_of(session, call.person_id, local_date(call.now))
        rights = rights_of(session, call.actor, lambda role: role_title(call.engine, role))
    return render(request, call, "profile/page.html", posts=posts, rights=rights, errors={})


@router.post("/profile/password")
def change_my_password(
    request: Request, call: Visitor, old: Typed = "", new: Typed = "", again: Typed = ""
) -> Response:
    """Set a new password; sessions elsewhere end, this one goes on."""
    errors = {"again": "两次输入的新密码不一致，请重新输入。"} if new != again else _try(call, old, new)
    if errors:
        return render(
            request, call, "profile/page.html", fragment="profile/password.html", status=422, errors=errors,
            posts=[], rights=[],
        )  # fmt: skip
    database = call.service.runtime.database
    with call.read() as session:
        login = get_person(session, call.person_id).login or ""
    secret, _ = open_session(database, login, new, call.now)
    answer = done("密码已修改，其他设备上的登录已退出")
    answer.headers["HX-Redirect"] = "/profile"
    return keep_session(request, answer, secret)


def _try(call: Call, old: str, new: str) -> dict[str, str]:
    """Change it, or say at which field it failed."""
    try:
        with call.read() as session:
            login = get_person(session, call.person_id).login or ""
        # logging in judges the old password and counts wrong ones; that session ends with all the others
        open_session(call.service.runtime.database, login, old, call.now)
        with call.write() as session:
            change_password(session, call.person_id, new, call.now)
    except DubanError as refusal:
        return {_FIELDS[type(refusal)]: _said(refusal)}
    return {}


_FIELDS: dict[type[DubanError], str] = {WrongLogin: "old", LoginLocked: "old", WeakPassword: "new"}


def _said(refusal: DubanError) -> str:
    return "原密码不正确，请重新输入。" if isinstance(refusal, WrongLogin) else refusal.zh
