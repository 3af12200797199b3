"""Against requests that other sites make a browser send: where it comes from, and a token only our pages know."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Annotated

from fastapi import Depends, Request, Response
from starlette.datastructures import UploadFile

from services.web.calls import Call, CrossSite, by_browser, refuse_cross_site

FIELD = "csrf"
HEADER = "x-csrf-token"
VISIT = "duban_visit"
_LENGTH = 32
_SAFE = frozenset({"GET", "HEAD"})


def token_of_guest(secret: str) -> str:
    """Return the token of a visit before log-in; nothing needs to be stored for it."""
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()[:_LENGTH]


def tokens_of(call: Call) -> tuple[str, ...]:
    """Return the tokens of a person, the present one first, older keys' behind.

    It is the person's and not the session's: whoever logs in again in one tab goes on with what he typed in another,
    and a form that somebody else left open is refused.
    """
    digests = call.service.runtime.vault.digests(str(call.person_id), "csrf")
    return tuple(digest[:_LENGTH] for digest in digests)


def visit(request: Request, response: Response | None = None) -> str:
    """Return the secret of this browser before log-in; with a response given, it is set there if it is new."""
    known = request.cookies.get(VISIT, "")
    if known or response is None:
        return known
    made = secrets.token_urlsafe(24)
    response.set_cookie(VISIT, made, path="/", httponly=True, samesite="strict", secure=request.url.scheme == "https")
    return made


async def refuse_forged(request: Request, tokens: Iterable[str]) -> None:
    """Raise CrossSite unless the request comes from a page of ours that has one of these tokens."""
    refuse_cross_site(request.headers)
    given: str | UploadFile | None = request.headers.get(HEADER)
    if given is None:
        given = (await request.form()).get(FIELD)
    if not isinstance(given, str) or not any(hmac.compare_digest(given.encode(), right.encode()) for right in tokens):
        raise CrossSite


async def visitor(request: Request) -> Call:
    """A person with a session; for a change, one whose own page asks for it."""
    call = await by_browser(request)
    if request.method not in _SAFE:
        await refuse_forged(request, tokens_of(call))
    return call


async def guest(request: Request) -> None:
    """Nobody yet, but from a log-in page of ours."""
    secret = visit(request)
    await refuse_forged(request, [token_of_guest(secret)] if secret else [])


Visitor = Annotated[Call, Depends(visitor)]
"""What every page of somebody logged in takes as its first parameter."""

FromLogInPage = Depends(guest)
