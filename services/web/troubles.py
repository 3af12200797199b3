"""Every refusal as a page, or for htmx as a message beside what stays on the page."""

import json
from dataclasses import dataclass
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException

from services.db.errors import DubanError
from services.db.failures import explain
from services.http.problems import FAILURES
from services.identity.errors import NotAuthenticated, PasswordTemporary
from services.web.rendering import render_bare, wants_fragment

log = structlog.get_logger(__name__)
LOG_IN = "/login"
PASSWORD = "/profile#password"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is said: a title, the sentence, what one can do, and the number under which the log has it."""

    status: int
    title: str
    text: str
    mend: str
    number: str


_TITLES = {403: "没有权限", 404: "没有找到", 405: "不支持的操作", 409: "情况已有变化", 413: "内容过大",
           422: "内容有误", 429: "操作过于频繁", 500: "系统出错", 503: "系统繁忙", 507: "磁盘空间不足"}  # fmt: skip
_MENDS = {
    403: "如确需办理，请联系本单位管理员开通相应权限。", 404: "事项可能已转出，或地址有误；请从待办列表重新进入。",
    405: "请返回上一页重试。", 409: "请刷新页面，查看最新情况后再办理。", 413: "请减少内容或分次提交。",
    422: "请返回上一页更正。", 429: "请稍候片刻再试。",
    500: "请稍后重试；仍不成功的，请将下方编号告知管理员。", 503: "请稍后重试。",
    507: "在此之前请勿关闭页面，已填内容仍在。",
}  # fmt: skip


def add_handlers(app: FastAPI) -> None:
    """Answer every expected exception; what is left is caught by the guard."""
    app.add_exception_handler(DubanError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(IntegrityError, _collided)
    for failure in FAILURES:
        app.add_exception_handler(failure, _failed)


def failed(request: Request) -> Response:
    """What is said about a mistake of ours: its id, and nothing of its cause."""
    return _say(request, 500, "本次操作未生效。")


def oversized(request: Request) -> Response:
    """What is said before a request that announces too much is read at all."""
    return _say(request, 413, "提交的内容过大。")


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, DubanError)
    if isinstance(error, NotAuthenticated):
        return _to_log_in(request)
    if isinstance(error, PasswordTemporary) and not wants_fragment(request) and request.method in ("GET", "HEAD"):
        return RedirectResponse(PASSWORD, 303)
    if error.code == "cross_site":
        return _say(request, 403, "页面已过期，请刷新后重试。", mend="刷新后请核对已填内容，再重新提交。")
    if error.status >= 500:
        log.error("refused", code=error.code, why=str(error), request=request.state.id)
    return _say(request, error.status, error.zh)


def _to_log_in(request: Request) -> Response:
    """The page stays where it is and a dialog asks for the password; only a page not yet there makes way for it."""
    if wants_fragment(request) or request.method not in ("GET", "HEAD"):
        return _say(request, 401, "登录已超时，请重新登录。", mend="重新登录后请再次提交。")
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(LOG_IN if here == "/" else f"{LOG_IN}?next={quote(here, safe='/')}", 303)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _say(request, 422, "提交的内容有误，请更正。")


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    texts = {404: "没有这个页面。", 413: "提交的内容过大。"}
    return _say(request, error.status_code, texts.get(error.status_code, "请求未能完成。"))


def _collided(request: Request, error: Exception) -> Response:
    """Two did the same at once, and the database let one of them through."""
    log.warning("collided", why=str(getattr(error, "orig", error)), request=request.state.id)
    return _say(request, 409, "他人刚刚进行了相同操作。")


def _failed(request: Request, error: Exception) -> Response:
    if (meaning := explain(error)) is None:
        raise error
    log.error("database or disk failed", why=str(getattr(error, "orig", error)), request=request.state.id)
    return _refused(request, meaning)


def _say(request: Request, status: int, text: str, mend: str | None = None) -> Response:
    title, mend = _TITLES.get(status, "请求未能完成"), mend or _MENDS.get(status, "")
    trouble = Trouble(status, title, text, mend, request.state.id)
    if not wants_fragment(request):
        return render_bare(request, "trouble/page.html", status=status, trouble=trouble)
    answer = render_bare(request, "trouble/fragment.html", status=status, trouble=trouble)
    if status != 401:
        told = f"{text}编号：{trouble.number}" if status >= 500 else text
        answer.headers["HX-Trigger"] = json.dumps({"duban:toast": {"text": told, "bad": True}})
        answer.headers["HX-Reswap"] = "none"
    return answer
