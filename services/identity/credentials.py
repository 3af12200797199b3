"""Log-in sessions of people and tokens of machines.

The secret is shown once, when it is made; only its SHA-256 is kept. It has 256 random bits, so that will do.
"""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Update, bindparam, or_, select, update
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.db.session import Database
from services.identity import passwords
from services.identity.access import Actor, somebody
from services.identity.editions import EDITION
from services.identity.errors import NotAuthenticated, NotFound, TokenRefused, WrongLogin
from services.identity.models import Credential, CredentialKind, Person

SCOPES = frozenset({"read", "act", "register", "admin", "reports"})
SESSION_LASTS = timedelta(hours=12)
TOKEN_LASTS_AT_MOST = timedelta(days=366)
USE_NOTED_EVERY = timedelta(minutes=5)

_PREFIX = {CredentialKind.SESSION: "dbs_", CredentialKind.TOKEN: "dbt_"}


def open_session(database: Database, login: str, password: str, now: datetime) -> tuple[str, Person]:
    """Log in: the secret of a new session and its person. Raises `WrongLogin`, `LoginLocked`.

    It makes its own transactions: a failure must be counted although it raises, and the slow hash must not be
    computed while SQLite's one writer waits.
    """
    with database.read() as session:
        known = session.scalar(select(Person).where(Person.login == passwords.normal_login(login), Person.active))
    if known is not None:
        passwords.refuse_if_locked(known, now)
    right = passwords.matches(known.password_hash if known else None, password)
    if known is None:
        raise WrongLogin
    with database.write() as session:
        person = session.get_one(Person, known.id, with_for_update=True)
        passwords.refuse_if_locked(person, now)
        if right and person.active and person.password_hash == known.password_hash:
            passwords.clear_failures(person)
            passwords.refresh_hash(person, password)
            return _issue(session, person.id, CredentialKind.SESSION, "", (), now, now + SESSION_LASTS), person
        passwords.count_failure(person, now)
    raise WrongLogin


def change_password(session: Session, person_id: int, password: str, now: datetime, *, temporary: bool = False) -> None:
    """Set the password and end all sessions opened with the old one; tokens stay. Raises `WeakPassword`.

    `temporary` where somebody else gives it; whoever then sets his own cannot keep that one.
    """
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound(f"there is no person {person_id}", "没有这个人员。")
    if person.password_temporary and not temporary:
        passwords.refuse_same(person, password)
    passwords.set_password(person, password)
    person.password_temporary = temporary
    session.execute(_ending(now).where(_of(person_id), Credential.kind == CredentialKind.SESSION))


def issue_token(
    session: Session,
    person_id: int,
    name: str,
    scopes: Collection[str],
    expires_at: datetime,
    now: datetime,
) -> str:
    """The secret of a new token that may do what the person may, within `scopes`. Raises `TokenRefused`."""
    person = session.get(Person, person_id)
    if person is None or not person.active:
        raise NotFound(f"there is no active person {person_id}", "没有这个人员，或已停用。")
    if not scopes or not SCOPES.issuperset(scopes):
        raise TokenRefused(f"a token needs at least one scope of {', '.join(sorted(SCOPES))}", "令牌的权限范围有误。")
    if not now < expires_at <= now + TOKEN_LASTS_AT_MOST:
        raise TokenRefused("a token ends in the future and within a year", "令牌有效期应在一年以内。")
    return _issue(session, person_id, CredentialKind.TOKEN, name, scopes, now, expires_at)


def authenticate(database: Database, secret: str, now: datetime) -> Actor:
    """Who calls, with his roles of today; `NotAuthenticated` tells no reason. Only reads: see `note_use`."""
    found = database.ask(_CALLER, {"digest": _digest(secret), "now": now})
    if not found:
        raise NotAuthenticated
    (caller,) = found
    scopes = frozenset(caller["scopes"]) if caller["kind"] == CredentialKind.TOKEN else None
    temporary = caller["password_temporary"] and scopes is None
    edition, today = caller["edition"], local_date(now)
    who = somebody(edition, caller["id"], today, database.ask)
    return Actor(caller["id"], who.name, who.grants, scopes, temporary, on=today, edition=edition)


_CALLER = (
    select(Credential.kind, Credential.scopes, Person.id, Person.password_temporary, EDITION)
    .join(Person, Person.id == Credential.person_id)
    .where(
        Credential.digest == bindparam("digest"),
        Credential.revoked_at.is_(None),
        Credential.expires_at > bindparam("now"),
        Person.active,
    )
)


def note_use(session: Session, secret: str, now: datetime) -> None:
    """Remember that the credential was used, to within `USE_NOTED_EVERY`; so most calls write nothing."""
    session.execute(
        update(Credential)
        .where(
            Credential.digest == _digest(secret),
            or_(Credential.last_used_at.is_(None), Credential.last_used_at <= now - USE_NOTED_EVERY),
        )
        .values(last_used_at=now)
    )


def tokens_of(session: Session, person_id: int) -> list[Credential]:
    """The person's tokens, newest first, ended ones included; none of them tells its secret."""
    tokens = select(Credential).where(_of(person_id), Credential.kind == CredentialKind.TOKEN)
    return list(session.scalars(tokens.order_by(Credential.id.desc())))


def revoke(session: Session, credential_id: int, now: datetime) -> None:
    """End one session or token at once; `NotFound` if there is none, no change if it has ended already."""
    if session.get(Credential, credential_id) is None:
        raise NotFound(f"there is no credential {credential_id}", "没有这个会话或令牌。")
    session.execute(_ending(now).where(Credential.id == credential_id))


def revoke_secret(session: Session, secret: str, now: datetime) -> None:
    """Log out: end what this secret opens, if anything."""
    session.execute(_ending(now).where(Credential.digest == _digest(secret)))


def revoke_all(session: Session, person_id: int, now: datetime) -> None:
    """End all the person's sessions and tokens at once."""
    session.execute(_ending(now).where(_of(person_id)))


def _of(person_id: int) -> ColumnElement[bool]:
    return Credential.person_id == person_id


def _ending(now: datetime) -> Update:
    return update(Credential).where(Credential.revoked_at.is_(None)).values(revoked_at=now)


def _issue(
    session: Session,
    person_id: int,
    kind: CredentialKind,
    name: str,
    scopes: Collection[str],
    now: datetime,
    expires_at: datetime,
) -> str:
    secret = _PREFIX[kind] + secrets.token_urlsafe(32)
    session.add(
        Credential(
            person_id=person_id,
            kind=kind,
            name=name,
            digest=_digest(secret),
            scopes=sorted(scopes),
            created_at=now,
            expires_at=expires_at,
        )
    )
    session.flush()
    return secret


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
