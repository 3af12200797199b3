"""Logging in and out, one's own password, and tokens for machines."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, Field

from services.api.shapes import Done, Id, Name, Secret, Sent, Shown
from services.http.calls import COOKIE, InPerson, Now, Reading, TheService, refuse_cross_site
from services.identity.credentials import (
    SESSION_LASTS,
    change_password,
    issue_token,
    open_session,
    revoke,
    revoke_secret,
    tokens_of,
)
from services.identity.errors import NotFound
from services.identity.people import get_person

router = APIRouter(tags=["session"])


class LogIn(Sent):
    login: Secret
    password: Secret
    cookie: bool = Field(False, description="a browser: the session goes into an HttpOnly cookie, not into the answer")


class LoggedIn(Shown):
    """`secret` is the bearer of this session, null where it is in the cookie."""

    person_id: int
    name: str
    expires_at: datetime
    secret: str | None


class Role(Shown):
    """A role on a unit and all below it; `holder_id` is somebody else where it was delegated."""

    role: str
    unit_id: int
    holder_id: int


class Myself(Shown):
    """Who calls. `scopes` is null for a session, where all roles apply."""

    person_id: int
    name: str
    roles: list[Role]
    scopes: list[str] | None


class NewPassword(Sent):
    old: Secret
    new: Secret


class NewToken(Sent):
    name: Name
    scopes: Annotated[list[Literal["read", "act", "register", "admin", "reports"]], Field(min_length=1, max_length=5)]
    expires_at: AwareDatetime = Field(description="within a year")


class Token(Shown):
    id: int
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class IssuedToken(Shown):
    """The secret is shown this once."""

    secret: str


@router.post("/session", status_code=201)
def log_in(body: LogIn, request: Request, response: Response, the: TheService, now: Now) -> LoggedIn:
    """Log in with a password; the session lasts twelve hours."""
    if body.cookie:
        refuse_cross_site(request.headers)
    secret, person = open_session(the.runtime.database, body.login, body.password, now)
    if body.cookie:
        https = request.url.scheme == "https"
        age = int(SESSION_LASTS.total_seconds())
        response.set_cookie(COOKIE, secret, age, path="/", secure=https, httponly=True, samesite="strict")
    return LoggedIn(
        person_id=person.id,
        name=person.name,
        expires_at=now + SESSION_LASTS,
        secret=None if body.cookie else secret,
    )


@router.get("/session")
def who_am_i(call: Reading) -> Myself:
    """Say who calls, and with which roles today."""
    roles = [Role.model_validate(grant) for grant in call.actor.grants]
    scopes = None if call.actor.scopes is None else sorted(call.actor.scopes)
    return Myself(person_id=call.person_id, name=call.actor.name, roles=roles, scopes=scopes)


@router.delete("/session")
def log_out(call: InPerson, response: Response) -> Done:
    """End this session at once."""
    with call.write() as session:
        revoke_secret(session, call.secret, call.now)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return Done(at=call.now)


@router.put("/session/password")
def change_my_password(body: NewPassword, call: InPerson) -> Done:
    """Set one's own password; all one's sessions end, this one too."""
    with call.read() as session:
        person = get_person(session, call.person_id)
    # logging in judges the old password and counts wrong ones; that session ends with all the others
    open_session(call.service.runtime.database, person.login or "", body.old, call.now)
    with call.write() as session:
        change_password(session, call.person_id, body.new, call.now)
    return Done(at=call.now)


@router.get("/tokens")
def list_my_tokens(call: Reading) -> list[Token]:
    """List one's own tokens, newest first, ended ones too."""
    with call.read() as session:
        return [Token.model_validate(token) for token in tokens_of(session, call.person_id)]


@router.post("/tokens", status_code=201)
def make_token(body: NewToken, call: InPerson) -> IssuedToken:
    """Make a token that may do what its maker may, within its scopes."""
    with call.write() as session:
        secret = issue_token(session, call.person_id, body.name, set(body.scopes), body.expires_at, call.now)
    return IssuedToken(secret=secret)


@router.delete("/tokens/{token_id}")
def revoke_my_token(token_id: Id, call: InPerson) -> Done:
    """End one of one's own tokens at once."""
    with call.write() as session:
        if token_id not in {token.id for token in tokens_of(session, call.person_id)}:
            raise NotFound(f"you have no token {token_id}", "没有这个令牌。")
        revoke(session, token_id, call.now)
    return Done(at=call.now)
