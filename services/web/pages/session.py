"""Logging in and out."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from services.db.errors import DubanError
from services.identity.credentials import SESSION_LASTS, open_session, revoke_secret
from services.identity.errors import LoginLocked, WrongLogin
from services.web.calls import COOKIE, Now, TheService
from services.web.forgery import FromLogInPage, Visitor, token_of_guest, visit
from services.web.rendering import done, render_bare, wants_fragment

router = APIRouter()
HOME = "/worklist"
Typed = Annotated[str, Form(max_length=200)]
Next = Annotated[str, Query(max_length=2000)]


@router.get("/")
def go_home() -> Response:
    """Everybody begins with his own work."""
    return RedirectResponse(HOME, 303)


@router.get("/login")
def show_log_in(request: Request, next: Next = HOME, login: Next = "") -> Response:
    """The page; for htmx the form of a dialog, for the person whose session ended while he was typing."""
    jar = Response()
    return _form(request, visit(request, jar), jar, next=_ours(next), login=login)


@router.post("/login", dependencies=[FromLogInPage])
def log_in(
    request: Request, the: TheService, now: Now, login: Typed = "", password: Typed = "", next: Typed = HOME
) -> Response:
    """Begin a session; then go where one wanted to go, or in the dialog simply on."""
    try:
        secret, _ = open_session(the.runtime.database, login, password, now)
    except (WrongLogin, LoginLocked) as refusal:
        status = 422 if wants_fragment(request) else refusal.status
        return _form(request, visit(request), None, next=_ours(next), login=login, refusal=refusal, status=status)
    answer = done("已重新登录", loggedin=True) if wants_fragment(request) else _go(_ours(next))
    return keep_session(request, answer, secret)


@router.post("/logout")
def log_out(call: Visitor) -> Response:
    """End this session at once."""
    with call.write() as session:
        revoke_secret(session, call.secret, call.now)
    answer = _go("/login")
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer


def keep_session(request: Request, answer: Response, secret: str) -> Response:
    """Put a session into the browser, out of reach of scripts and of other sites."""
    https, age = request.url.scheme == "https", int(SESSION_LASTS.total_seconds())
    answer.set_cookie(COOKIE, secret, age, path="/", secure=https, httponly=True, samesite="strict")
    return answer


def _form(
    request: Request,
    secret: str,
    jar: Response | None,
    *,
    next: str,
    login: str,
    refusal: DubanError | None = None,
    status: int = 200,
) -> Response:
    template = "session/dialog.html" if wants_fragment(request) else "session/page.html"
    answer = render_bare(
        request, template, status=status, csrf=token_of_guest(secret), next=next, login=login, refusal=refusal
    )
    if jar is not None and "set-cookie" in jar.headers:
        answer.headers["set-cookie"] = jar.headers["set-cookie"]
    return answer


def _ours(path: str) -> str:
    """A path of this site; anything that a browser would take for another site leads home."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else HOME


def _go(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303)
