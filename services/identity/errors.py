"""The refusals of this package; their codes are part of the API."""

from datetime import datetime
from typing import ClassVar

from services.db.errors import DubanError


class NotFound(DubanError):
    """No such unit, person, grant, delegation or credential."""

    code: ClassVar[str] = "not_found"
    status: ClassVar[int] = 404


class NotPermitted(DubanError):
    """The actor has no role that allows this here."""

    code: ClassVar[str] = "not_permitted"
    status: ClassVar[int] = 403


class UnitRefused(DubanError):
    """The change would break the organisation tree."""

    code: ClassVar[str] = "unit_refused"
    status: ClassVar[int] = 409


class PersonRefused(DubanError):
    """The person or post cannot be written like this."""

    code: ClassVar[str] = "person_refused"
    status: ClassVar[int] = 409


class GrantRefused(DubanError):
    """The role cannot be granted or revoked like this."""

    code: ClassVar[str] = "grant_refused"
    status: ClassVar[int] = 409


class DelegationRefused(DubanError):
    """The delegation is to oneself, runs backwards, overlaps another, or goes to someone inactive."""

    code: ClassVar[str] = "delegation_refused"
    status: ClassVar[int] = 409


class WeakPassword(DubanError):
    """The new password is too easy to guess."""

    code: ClassVar[str] = "weak_password"
    status: ClassVar[int] = 422


class PasswordTemporary(DubanError):
    """The password was given by somebody else: nothing else goes before its owner has set one of his own."""

    code: ClassVar[str] = "password_temporary"
    status: ClassVar[int] = 403

    def __init__(self) -> None:
        super().__init__(
            "this password was given by an administrator; set one of your own first", "请先修改初始密码，再继续办理。"
        )


class WrongLogin(DubanError):
    """Login or password is wrong, or the person is inactive: which of them is not said."""

    code: ClassVar[str] = "wrong_login"
    status: ClassVar[int] = 401

    def __init__(self) -> None:
        super().__init__("login or password is wrong", "用户名或密码不正确。")


class LoginLocked(DubanError):
    """Too many wrong passwords in a row; `extra["until"]` says when to try again."""

    code: ClassVar[str] = "login_locked"
    status: ClassVar[int] = 429

    def __init__(self, until: datetime) -> None:
        super().__init__(
            f"too many wrong passwords; try again after {until.isoformat(timespec='seconds')}",
            "密码连续输错次数过多，账号已临时锁定，请稍后再试。",
            until=until,
        )


class NotAuthenticated(DubanError):
    """The session or token is unknown, expired or revoked, or its person is inactive."""

    code: ClassVar[str] = "not_authenticated"
    status: ClassVar[int] = 401

    def __init__(self) -> None:
        super().__init__("not logged in, or the session or token has ended; log in again", "请重新登录。")


class TokenRefused(DubanError):
    """The token asked for has an unknown scope, no scope, or an expiry that is past or too far off."""

    code: ClassVar[str] = "token_refused"
    status: ClassVar[int] = 422


class SecretFileUnusable(DubanError):
    """The file with the keys is missing, readable by others, or holds no key."""

    code: ClassVar[str] = "secret_file_unusable"
    status: ClassVar[int] = 500


class SealBroken(DubanError):
    """A sealed text was altered, moved elsewhere, or sealed with a key this installation does not have."""

    code: ClassVar[str] = "seal_broken"
    status: ClassVar[int] = 500


class BadReceiptCode(DubanError):
    """The receipt code is mistyped; looking it up is pointless."""

    code: ClassVar[str] = "bad_receipt_code"
    status: ClassVar[int] = 422

    def __init__(self) -> None:
        super().__init__(
            "this is no receipt code; check it against the receipt, letter by letter",
            "查询码有误，请对照回执逐字核对后重新输入。",
        )
