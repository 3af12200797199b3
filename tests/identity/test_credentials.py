"""Log-in, sessions, tokens: what opens what, and for how long."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text

from services.db.session import Database
from services.identity import passwords
from services.identity.credentials import (
    SESSION_LASTS,
    TOKEN_LASTS_AT_MOST,
    USE_NOTED_EVERY,
    authenticate,
    change_password,
    issue_token,
    note_use,
    open_session,
    revoke,
    revoke_secret,
    tokens_of,
)
from services.identity.errors import LoginLocked, NotAuthenticated, NotFound, TokenRefused, WrongLogin
from services.identity.models import Credential, Person
from services.identity.passwords import FAILURES, PAUSE, set_password
from services.identity.people import deactivate

GOOD = "four-words-of-luck"
DAY = timedelta(days=1)


@pytest.fixture
def staffed(county):
    """Person a has a password and a role."""
    with county.database.write() as session:
        set_password(session.get_one(Person, county.people.a), GOOD)
    county.grant(county.people.a, "clerk", county.units.town)
    return county


def who(database: Database, secret: str, now: datetime):
    return authenticate(database, secret, now)


def fail(database: Database, now: datetime, login: str = "a") -> None:
    with pytest.raises(WrongLogin):
        open_session(database, login, "a wrong password", now)


def token(county, now: datetime, scopes=("read",), lasts: timedelta = DAY) -> str:
    with county.database.write() as session:
        return issue_token(session, county.people.a, "接口", scopes, now + lasts, now)


def test_logging_in_opens_a_session_with_all_rights(staffed, now: datetime) -> None:
    secret, person = open_session(staffed.database, " Ａ ", GOOD, now)
    actor = who(staffed.database, secret, now)
    assert (actor.id, actor.name, actor.scopes) == (person.id, "A", None)
    assert [grant.role for grant in actor.grants] == ["clerk"]
    assert secret.startswith("dbs_") and len(secret) >= 47


def test_a_session_ends(staffed, now: datetime) -> None:
    secret, _ = open_session(staffed.database, "a", GOOD, now)
    assert who(staffed.database, secret, now + SESSION_LASTS - timedelta(seconds=1)).id == staffed.people.a
    with pytest.raises(NotAuthenticated):
        who(staffed.database, secret, now + SESSION_LASTS)


def test_logging_out(staffed, now: datetime) -> None:
    secret, _ = open_session(staffed.database, "a", GOOD, now)
    other, _ = open_session(staffed.database, "a", GOOD, now)
    with staffed.database.write() as session:
        revoke_secret(session, secret, now)
        revoke_secret(session, "dbs_unknown", now)
    with pytest.raises(NotAuthenticated):
        who(staffed.database, secret, now)
    assert who(staffed.database, other, now).id == staffed.people.a


@pytest.mark.parametrize("secret", ["", "dbs_", "dbt_x", "密", "x" * 100_000])
def test_unknown_secrets(staffed, now: datetime, secret: str) -> None:
    with pytest.raises(NotAuthenticated) as refused:
        who(staffed.database, secret, now)
    assert (refused.value.status, refused.value.code) == (401, "not_authenticated")


def test_no_secret_is_in_the_database(staffed, now: datetime) -> None:
    secrets = [open_session(staffed.database, "a", GOOD, now)[0], token(staffed, now)]
    with staffed.database.read() as session:
        stored = str(session.execute(text("SELECT * FROM credential")).all())
        stored += str(session.execute(text("SELECT * FROM person")).all())
    assert not any(secret in stored or secret[4:] in stored for secret in (*secrets, GOOD))


def test_an_unknown_login_says_the_same_and_works_as_hard(
    staffed, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str | None] = []
    real = passwords.matches

    def spy(password_hash: str | None, password: str) -> bool:
        hashed.append(password_hash)
        return real(password_hash, password)

    monkeypatch.setattr(passwords, "matches", spy)
    said = []
    for login in ("a", "b", "nobody", ""):
        with pytest.raises(WrongLogin) as refused:
            open_session(staffed.database, login, "a wrong password", now)
        said.append((str(refused.value), refused.value.zh))
    assert len(hashed) == 4 and len(set(said)) == 1


def test_failures_in_a_row_lock_the_login_though_each_raises(staffed, now: datetime) -> None:
    for _ in range(FAILURES):
        fail(staffed.database, now)
    with pytest.raises(LoginLocked) as locked:
        open_session(staffed.database, "a", GOOD, now + PAUSE - timedelta(seconds=1))
    assert (locked.value.status, locked.value.extra) == (429, {"until": now + PAUSE})
    assert open_session(staffed.database, "a", GOOD, now + PAUSE)[1].id == staffed.people.a


def test_a_success_between_clears_the_count(staffed, now: datetime) -> None:
    for _ in range(3):
        for _ in range(FAILURES - 1):
            fail(staffed.database, now)
        open_session(staffed.database, "a", GOOD, now)


def test_failures_at_once_are_all_counted(staffed, now: datetime) -> None:
    """However many try together, no more than FAILURES of them are counted before the pause."""

    def attempt(_: int) -> type[Exception]:
        try:
            open_session(staffed.database, "a", "a wrong password", now)
        except (WrongLogin, LoginLocked) as error:
            return type(error)
        raise AssertionError("logged in with a wrong password")

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(FAILURES + 6)))
    assert outcomes.count(WrongLogin) == FAILURES
    with pytest.raises(LoginLocked):
        open_session(staffed.database, "a", GOOD, now)


def test_failures_of_others_lock_nobody_else(staffed, now: datetime) -> None:
    for _ in range(FAILURES + 1):
        fail(staffed.database, now, "nobody")
    for _ in range(FAILURES):
        fail(staffed.database, now, "b")
    assert open_session(staffed.database, "a", GOOD, now)[1].id == staffed.people.a


def test_a_password_hashed_with_old_parameters_is_renewed_at_log_in(staffed, now: datetime) -> None:
    weak = passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(GOOD)
    with staffed.database.write() as session:
        session.get_one(Person, staffed.people.a).password_hash = weak
    open_session(staffed.database, "a", GOOD, now)
    with staffed.database.read() as session:
        assert session.get_one(Person, staffed.people.a).password_hash != weak
    open_session(staffed.database, "a", GOOD, now)


def test_an_inactive_person_is_shut_out_at_once(staffed, now: datetime) -> None:
    secrets = [open_session(staffed.database, "a", GOOD, now)[0], token(staffed, now)]
    with staffed.database.write() as session:
        deactivate(session, staffed.people.a, now)
    for secret in secrets:
        with pytest.raises(NotAuthenticated):
            who(staffed.database, secret, now)
    with pytest.raises(WrongLogin):
        open_session(staffed.database, "a", GOOD, now)
    with pytest.raises(NotFound):
        token(staffed, now)


def test_a_new_password_ends_the_sessions_of_the_old_one(staffed, now: datetime) -> None:
    machine = token(staffed, now)
    session_secret, _ = open_session(staffed.database, "a", GOOD, now)
    with staffed.database.write() as session:
        change_password(session, staffed.people.a, "another-good-one", now)
        with pytest.raises(NotFound):
            change_password(session, 99_999, "another-good-one", now)
    with pytest.raises(NotAuthenticated):
        who(staffed.database, session_secret, now)
    with pytest.raises(WrongLogin):
        open_session(staffed.database, "a", GOOD, now)
    assert who(staffed.database, machine, now).id == staffed.people.a
    assert open_session(staffed.database, "a", "another-good-one", now)


def test_a_token_carries_its_scopes_and_the_persons_roles(staffed, now: datetime) -> None:
    secret = token(staffed, now, ["read", "register", "read"])
    actor = who(staffed.database, secret, now)
    assert secret.startswith("dbt_")
    assert actor.scopes == {"read", "register"}
    assert actor.allows("register") and not actor.allows("admin")
    assert [grant.role for grant in actor.grants] == ["clerk"]


def test_a_token_ends_when_it_says(staffed, now: datetime) -> None:
    secret = token(staffed, now)
    assert who(staffed.database, secret, now + DAY - timedelta(seconds=1))
    with pytest.raises(NotAuthenticated):
        who(staffed.database, secret, now + DAY)


@pytest.mark.parametrize("scopes", [(), ("everything",), ("read", "root"), "read"])
def test_scopes_come_from_the_fixed_set(staffed, now: datetime, scopes) -> None:
    with pytest.raises(TokenRefused, match="scope"):
        token(staffed, now, scopes)


@pytest.mark.parametrize("lasts", [timedelta(0), -DAY, TOKEN_LASTS_AT_MOST + timedelta(seconds=1)])
def test_a_token_needs_an_end_within_a_year(staffed, now: datetime, lasts: timedelta) -> None:
    with pytest.raises(TokenRefused, match="year"):
        token(staffed, now, lasts=lasts)


def test_a_token_can_be_revoked_and_is_still_listed(staffed, now: datetime) -> None:
    first, second = token(staffed, now), token(staffed, now)
    with staffed.database.write() as session:
        _, oldest = tokens_of(session, staffed.people.a)
        revoke(session, oldest.id, now)
        revoke(session, oldest.id, now + DAY)
        with pytest.raises(NotFound):
            revoke(session, 99_999, now)
    with pytest.raises(NotAuthenticated):
        who(staffed.database, first, now)
    assert who(staffed.database, second, now)
    with staffed.database.read() as session:
        assert [found.revoked_at for found in tokens_of(session, staffed.people.a)] == [None, now]


def test_use_is_noted_to_within_minutes(staffed, now: datetime) -> None:
    secret = token(staffed, now)
    seen = []
    for later in (timedelta(0), USE_NOTED_EVERY / 2, USE_NOTED_EVERY):
        with staffed.database.write() as session:
            note_use(session, secret, now + later)
        with staffed.database.read() as session:
            seen.append(session.scalars(select(Credential.last_used_at)).one())
    assert seen == [now, now, now + USE_NOTED_EVERY]
