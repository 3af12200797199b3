"""What goes around every page: its security headers, and a page of its own for mistakes of ours."""

import traceback
from typing import Any

import structlog
from fastapi import Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.http.envelope import add_missing, raw
from services.web.troubles import failed, oversized

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",  # the origin has to come along with plain forms of old browsers
    "X-Frame-Options": "SAMEORIGIN",
}
_HEADERS = raw(HEADERS)

log = structlog.get_logger(__name__)


def too_large(request: Request, _: int) -> Response:
    """Answer for the envelope, which stands outside of the guard."""
    answer = oversized(request)
    answer.headers.update(HEADERS)
    return answer


class Guard:
    """Plain ASGI, inside the envelope; a page may set a header of its own before."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun: list[Any] = []

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                begun.append(message["status"])
                add_missing(message, _HEADERS)
            await send(message)

        try:
            await self.app(scope, receive, guarded)
        except Exception:
            if begun:
                raise
            request = Request(scope, receive)
            log.error("failed", request=request.state.id, exception=traceback.format_exc())  # plain: no local variables
            await failed(request)(scope, receive, guarded)
