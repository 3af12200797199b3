"""Every refusal as a problem document (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from starlette.exceptions import HTTPException

from services.db.errors import DubanError
from services.db.failures import CommitLost, explain

MEDIA_TYPE = "application/problem+json"
FAILURES: tuple[type[Exception], ...] = (DBAPIError, NoConnectionFree, CommitLost, OSError)
"""Exceptions among which failures of database and disk are; what else comes as one of them is a mistake of ours."""

log = structlog.get_logger(__name__)

_HTTP = {
    400: ("bad_request", "请求格式有误。"),
    404: ("no_such_resource", "没有这个地址。"),
    405: ("method_not_allowed", "该地址不支持这种请求方式。"),
    413: ("too_large", "提交的内容过大。"),
}


def problem(
    request_id: str,
    status: int,
    code: str,
    detail: str,
    zh: str,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The document; members of `extra` stand beside the standard ones and never replace them."""
    document = {
        **jsonable_encoder(dict(extra or {})),
        "type": f"urn:duban:problem:{code}", "title": HTTPStatus(status).phrase, "status": status,
        "detail": detail, "code": code, "zh": zh, "instance": f"urn:duban:request:{request_id}",
    }  # fmt: skip
    return JSONResponse(document, status, dict(headers or {}), MEDIA_TYPE)


def unexpected(request_id: str) -> Response:
    """What is said about a mistake of ours: its id, and nothing of its cause."""
    return problem(
        request_id, 500, "internal_error",
        f"something went wrong on the server; nothing was changed; tell the administrator the id {request_id}",
        f"系统内部错误，本次操作未生效，请将编号 {request_id} 告知管理员。",
    )  # fmt: skip


def too_large(request: Request, limit: int) -> Response:
    """What is said to a request that announces more than is taken in."""
    return problem(request.state.id, 413, "too_large", f"at most {limit} bytes", "提交的内容过大。")


def add_handlers(app: FastAPI) -> None:
    """Answer every expected exception; what is left is caught by the envelope."""
    app.add_exception_handler(DubanError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(IntegrityError, _collided)
    for failure in FAILURES:
        app.add_exception_handler(failure, _failed)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, DubanError)
    if error.status >= 500:
        log.error("refused", code=error.code, why=str(error), request=request.state.id)
    return problem(
        request.state.id,
        error.status,
        error.code,
        str(error),
        error.zh,
        error.extra,
        _headers(error.status, error.extra),
    )


def _headers(status: int, extra: Mapping[str, Any]) -> dict[str, str]:
    if status == 401:
        return {"WWW-Authenticate": 'Bearer realm="duban"'}
    if status == 503:
        return {"Retry-After": "5"}
    return {"Retry-After": str(extra["retry_after"])} if "retry_after" in extra else {}


def _invalid(request: Request, error: Exception) -> Response:
    """Where and why, but never what was sent: it may be a password or a complainant's name."""
    assert isinstance(error, RequestValidationError)
    errors = [
        {"field": ".".join(str(part) for part in one["loc"]), "code": one["type"], "en": one["msg"]}
        for one in error.errors()
    ]
    fields = ", ".join(sorted({one["field"] for one in errors}))
    return problem(
        request.state.id,
        422,
        "invalid_request",
        f"correct these: {fields}",
        "请求内容有误，请更正。",
        {"errors": errors},
    )


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code, zh = _HTTP.get(error.status_code, ("http_error", "请求未能完成。"))
    return problem(request.state.id, error.status_code, code, str(error.detail), zh, headers=error.headers)


def _collided(request: Request, error: Exception) -> Response:
    """Two did the same at once, and the database let one of them through."""
    log.warning("collided", why=str(getattr(error, "orig", error)), request=request.state.id)
    return problem(
        request.state.id, 409, "conflict", "somebody else did the same just now; look again",
        "他人刚刚进行了相同操作，请刷新后再试。",
    )  # fmt: skip


def _failed(request: Request, error: Exception) -> Response:
    if (meaning := explain(error)) is None:
        raise error
    log.error("database or disk failed", why=str(getattr(error, "orig", error)), request=request.state.id)
    return _refused(request, meaning)
