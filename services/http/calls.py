"""Who calls, and with what: the dependencies every endpoint starts from.

Authentication reads in a transaction of its own, and an endpoint opens its session itself, within its one worker
thread. A session handed in by a dependency would be held across a change of threads: with every thread of the pool
waiting for SQLite's one writer, that writer would wait for a thread. Everything here is `async`: what waits for nothing
needs no thread, and what does asks for one by itself, if it is not in one (`threads.apart`).
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from sqlalchemy.orm import Session

from services.db.session import DatabaseBusy
from services.engine.core import Engine
from services.http.errors import CrossSite, InsufficientScope, SessionOnly
from services.http.limits import LookUps
from services.http.threads import apart, name_matter
from services.identity.access import Actor
from services.identity.credentials import USE_NOTED_EVERY, authenticate, note_use
from services.identity.errors import NotAuthenticated, PasswordTemporary
from services.runtime import Runtime

COOKIE = "duban_session"
_TOKEN_PREFIX = "dbt_"
_WITH_A_TEMPORARY_PASSWORD = frozenset(
    {"/api/v1/session", "/api/v1/session/password", "/profile", "/profile/password", "/logout", "/counts"}
)
"""All that somebody can do before he has set a password of his own."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_bearer = HTTPBearer(
    scheme_name="bearer", auto_error=False, description="a session (dbs_…) or a token (dbt_…) with the scope named"
)
_cookie = APIKeyCookie(
    name=COOKIE, scheme_name="cookie", auto_error=False, description="the session of a browser, same-site only"
)


def clock_now() -> datetime:
    """The present: the one place that reads it."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Service:
    """What the application works with, one per process; `clock` is what it takes for the present."""

    runtime: Runtime
    engine: Engine
    clock: Callable[[], datetime] = clock_now
    look_ups: LookUps = field(default_factory=LookUps)
    noted: dict[int, datetime] = field(default_factory=dict)

    def note_use(self, secret: str, now: datetime) -> None:
        """Remember the use of a token, seldom: reading must not queue for the one writer each time."""
        last = self.noted.get(hash(secret))
        if last is not None and now < last + USE_NOTED_EVERY:
            return
        self.noted[hash(secret)] = now
        with contextlib.suppress(DatabaseBusy), self.runtime.database.write() as session:
            note_use(session, secret, now)


@dataclass(frozen=True)
class Call:
    """An authenticated request: who, when, and the way to the database."""

    service: Service
    actor: Actor
    now: datetime
    secret: str

    @property
    def engine(self) -> Engine:
        return self.service.engine

    @property
    def person_id(self) -> int:
        """The caller is a person: machinery has no credentials."""
        if self.actor.id is None:
            raise NotAuthenticated
        return self.actor.id

    def read(self) -> AbstractContextManager[Session]:
        return self.service.runtime.database.read()

    def write(self) -> AbstractContextManager[Session]:
        """One transaction, committed before anything is answered."""
        return self.service.runtime.database.write()


async def service(request: Request) -> Service:
    """What the application works with."""
    name_matter(request)
    found: Service = request.app.state.service
    return found


TheService = Annotated[Service, Depends(service)]


async def clock(the: TheService) -> datetime:
    """The present of a request."""
    return the.clock()


Now = Annotated[datetime, Depends(clock)]


async def authenticated(
    request: Request,
    needed: SecurityScopes,
    the: TheService,
    now: Now,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    cookie: Annotated[str | None, Depends(_cookie)],
) -> Call:
    """Say who calls, or raise NotAuthenticated, InsufficientScope, CrossSite."""
    if bearer:
        return await _called(request, the, bearer.credentials, now, needed.scopes)
    return await _called_by_browser(request, the, cookie, now, needed.scopes)


async def by_browser(request: Request) -> Call:
    """Say whose browser asks for a page, or raise NotAuthenticated, CrossSite, SessionOnly.

    To be called and not depended on: six dependencies cost FastAPI more than a page's frame costs us.
    """
    the = await service(request)
    call = await _called_by_browser(request, the, request.cookies.get(COOKIE), the.clock(), ())
    return await in_person(call)


async def _called_by_browser(
    request: Request, the: Service, cookie: str | None, now: datetime, scopes: Iterable[str]
) -> Call:
    if cookie and request.method not in _SAFE:
        refuse_cross_site(request.headers)
    return await _called(request, the, cookie, now, scopes)


async def _called(request: Request, the: Service, secret: str | None, now: datetime, scopes: Iterable[str]) -> Call:
    if not secret:
        raise NotAuthenticated
    return await apart(partial(_admit, the, secret, now, request.scope["path"], scopes))


def _admit(the: Service, secret: str, now: datetime, path: str, scopes: Iterable[str]) -> Call:
    actor = authenticate(the.runtime.database, secret, now)
    if actor.temporary and path not in _WITH_A_TEMPORARY_PASSWORD:
        raise PasswordTemporary
    for scope in scopes:
        if not actor.allows(scope):
            raise InsufficientScope(scope)
    if secret.startswith(_TOKEN_PREFIX):
        the.note_use(secret, now)
    return Call(the, actor, now, secret)


async def in_person(call: Annotated[Call, Security(authenticated)]) -> Call:
    """A person's own session; a token raises SessionOnly."""
    if call.actor.scopes is not None:
        raise SessionOnly
    return call


def refuse_cross_site(headers: Mapping[str, str]) -> None:
    """Raise CrossSite unless the browser says that the request comes from a page of this very host."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        same = site == "same-origin"
    else:
        origin = headers.get("origin", "")
        same = bool(origin) and urlsplit(origin).netloc == headers.get("host")
    if not same:
        raise CrossSite


def _scoped(scope: str) -> Any:
    return Security(authenticated, scopes=[scope])


Reading = Annotated[Call, _scoped("read")]
Acting = Annotated[Call, _scoped("act")]
Registering = Annotated[Call, _scoped("register")]
Administering = Annotated[Call, _scoped("admin")]
Reporting = Annotated[Call, _scoped("reports")]
InPerson = Annotated[Call, Depends(in_person)]
