"""Log-ins and passwords: argon2id, a few rules, and a pause after too many wrong ones."""

import secrets
import unicodedata
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.identity.errors import LoginLocked, WeakPassword
from services.identity.models import Person

MIN_LENGTH = 10
MAX_LENGTH = 128  # bounds the work an unknown caller can ask for
FAILURES = 5
PAUSE = timedelta(minutes=15)
_LEGIBLE = "abcdefghjkmnpqrstuvwxyz23456789"

# OWASP's choice for small memory (19 MiB, 2 passes, 1 lane): the RFC's 64 MiB times every log-in of a morning
# is too much for a county's machine
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODY = _HASHER.hash("the password of an unknown login")


def normal_login(login: str) -> str:
    """A log-in as it is kept and compared: half-width, lower case, without surrounding space."""
    return unicodedata.normalize("NFKC", login).strip().casefold()


def set_password(person: Person, password: str) -> None:
    """Give the person this password and clear his failures; `WeakPassword` says what is wrong with it."""
    password = _normal(password)
    _check_strength(person, password)
    person.password_hash = _HASHER.hash(password)
    clear_failures(person)


def refuse_same(person: Person, password: str) -> None:
    """Raise `WeakPassword` if this is the password the person has."""
    if matches(person.password_hash, password):
        raise WeakPassword("the new password must differ from the one you were given", "新密码不能与初始密码相同。")


def first_password() -> str:
    """A password to hand over on paper: three groups of four, without letters and digits that look alike."""
    groups = ("".join(secrets.choice(_LEGIBLE) for _ in range(4)) for _ in range(3))
    return "-".join(groups)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether this is the password. Without a hash it takes just as long, and is never the password."""
    password = _normal(password)
    if len(password) > MAX_LENGTH:
        return False
    try:
        return _HASHER.verify(password_hash or _NOBODY, password) and bool(password_hash)
    except (VerificationError, InvalidHashError):
        return False


def refresh_hash(person: Person, password: str) -> None:
    """Hash the password that was just found right again, if the parameters have been raised since."""
    if person.password_hash is not None and _HASHER.check_needs_rehash(person.password_hash):
        person.password_hash = _HASHER.hash(_normal(password))


def refuse_if_locked(person: Person, now: datetime) -> None:
    """Raise `LoginLocked` during the pause. It is told plainly: whoever caused it knows the login already."""
    if person.locked_until is not None and now < person.locked_until:
        raise LoginLocked(person.locked_until)


def count_failure(person: Person, now: datetime) -> None:
    """Note a wrong password; the `FAILURES`-th in a row starts the pause, and the count begins anew."""
    person.failed_count += 1
    if person.failed_count >= FAILURES:
        person.failed_count = 0
        person.locked_until = now + PAUSE


def clear_failures(person: Person) -> None:
    """Forget wrong passwords and end the pause."""
    person.failed_count = 0
    person.locked_until = None


def _check_strength(person: Person, password: str) -> None:
    if len(password) < MIN_LENGTH:
        raise WeakPassword(f"a password has at least {MIN_LENGTH} characters", f"密码至少 {MIN_LENGTH} 个字符。")
    if len(password) > MAX_LENGTH:
        raise WeakPassword(f"a password has at most {MAX_LENGTH} characters", f"密码最多 {MAX_LENGTH} 个字符。")
    if password.casefold() in ((person.login or "").casefold(), person.name.casefold()):
        raise WeakPassword("the password must not be the login or the name", "密码不能与用户名或姓名相同。")
    if len(set(password)) < 4:
        raise WeakPassword("a password needs at least 4 different characters", "密码至少包含 4 个不同的字符。")


def _normal(password: str) -> str:
    # an input method left in full-width mode must not lock people out
    return unicodedata.normalize("NFKC", password)
