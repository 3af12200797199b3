"""What goes around every request: an id, a limit on its size, security headers, and one line in the log."""

import re
import time
import traceback
import uuid
from collections.abc import Callable, Collection, Mapping

import structlog
from fastapi import HTTPException, Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars

from services.documents import MOST_BYTES
from services.http.measures import measure
from services.http.problems import unexpected

UPLOADS = frozenset({"/api/v1/attachments", "/uploads", "/units/import"})
BODY_LIMIT = 1024 * 1024
UPLOAD_LIMIT = MOST_BYTES + 64 * 1024
"""A file at its limit, and the multipart text around it."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Set unless the answer sets its own."""

Refuse = Callable[[Request, int], Response]
RawHeaders = Collection[tuple[bytes, bytes]]
log = structlog.get_logger(__name__)


def raw(headers: Mapping[str, str]) -> RawHeaders:
    """Return headers as ASGI has them."""
    return tuple((name.lower().encode(), value.encode()) for name, value in headers.items())


def add_missing(message: Message, headers: RawHeaders) -> None:
    """Give an answer that begins the headers that it does not set itself."""
    given = {name for name, _ in message["headers"]}
    message["headers"] = [*message["headers"], *(pair for pair in headers if pair[0] not in given)]


_HEADERS = raw(HEADERS)


class Envelope:
    """The outermost layer, plain ASGI: it sees every answer, also those to mistakes of ours.

    `too_large` answers a request that announces more than the limit, in bytes, without reading it.
    """

    def __init__(self, app: ASGIApp, too_large: Refuse) -> None:
        self.app, self.too_large = app, too_large

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        await _Request(self.app, self.too_large, scope, receive, send).run()


class _Request:
    def __init__(self, app: ASGIApp, too_large: Refuse, scope: Scope, receive: Receive, send: Send) -> None:
        self.app, self.too_large, self.scope, self._receive, self._send = app, too_large, scope, receive, send
        self.id = _request_id(_header(scope, b"x-request-id"))
        self.limit = UPLOAD_LIMIT if scope["path"] in UPLOADS else BODY_LIMIT
        self.status: int | None = None
        self.taken = 0

    async def run(self) -> None:
        started = time.monotonic()
        self.scope.setdefault("state", {})["id"] = self.id
        clear_contextvars()
        bind_contextvars(request=self.id)  # on every line that is written meanwhile, in whatever thread
        try:
            if _announced_length(self.scope) > self.limit:
                await self.too_large(Request(self.scope), self.limit)(self.scope, self._receive, self.send)
            else:
                await self.app(self.scope, self.receive, self.send)
        except Exception:
            # told plainly: a renderer that shows local variables would put complainants and passwords into the log
            log.error("failed", exception=traceback.format_exc())
            if self.status is not None:
                raise  # half of an answer is out: only breaking the connection tells that it is no answer
            await unexpected(self.id)(self.scope, self._receive, self.send)
        finally:
            took, route = time.monotonic() - started, _template(self.scope)
            log.info(self.scope["method"], route=route, status=self.status, ms=round(took * 1000))
            measure(self.scope["method"], route, self.status, took)

    async def receive(self) -> Message:
        message = await self._receive()
        self.taken += len(message.get("body", b""))
        if self.taken > self.limit:
            raise HTTPException(413, f"at most {self.limit} bytes")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            add_missing(message, [(b"x-request-id", self.id.encode()), *_HEADERS])
        await self._send(message)


def _template(scope: Scope) -> str | None:
    """The route's path with the names of its parts; never the path itself, which may hold a receipt code."""
    whole = scope.get("fastapi", {}).get("effective_route_context")  # a route of its own knows no prefix
    return getattr(whole or scope.get("route"), "path", None)


def _request_id(given: str) -> str:
    return given if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", given) else uuid.uuid4().hex


def _announced_length(scope: Scope) -> int:
    text = _header(scope, b"content-length")
    return int(text) if text.isascii() and text.isdecimal() else 0


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for given, value in scope["headers"] if given == name), "")
