"""What goes wrong with the database or the disk and is nobody's mistake, told apart and put into words."""

import errno
from typing import Any, ClassVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from services.db.errors import DubanError

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PG_DISK_FULL = "53100"


class CommitLost(Exception):
    """The connection broke during COMMIT: the change may have been made or not. No refusal: those changed nothing."""


class DiskFull(DubanError):
    """There is no room left for the database or for files."""

    code: ClassVar[str] = "disk_full"
    status: ClassVar[int] = 507

    def __init__(self) -> None:
        super().__init__(
            "the disk is full; nothing was changed; free space on it and try again",
            "服务器磁盘空间不足，本次操作未生效，请联系系统管理员清理磁盘空间后重试。",
        )


class DatabaseUnavailable(DubanError):
    """The database does not answer, or cut the connection before anything was committed."""

    code: ClassVar[str] = "database_unavailable"
    status: ClassVar[int] = 503

    def __init__(self) -> None:
        super().__init__(
            "the database does not answer; nothing was changed; try again",
            "数据库暂不可用，本次操作未生效，请稍后重试。",
        )


class OutcomeUnknown(DubanError):
    """What `CommitLost` means to whoever asked: the one error that does not promise that nothing was changed."""

    code: ClassVar[str] = "outcome_unknown"
    status: ClassVar[int] = 503

    def __init__(self) -> None:
        super().__init__(
            "the connection broke while the change was being committed: look whether it was made before you repeat it; "
            "a repeat with the same Idempotency-Key does nothing twice",
            "保存时与数据库的连接中断，无法确定是否已经生效，请刷新页面核对，未生效的再重新提交。",
        )


def explain(error: Exception) -> DubanError | None:
    """Return what to say of a failure of database or disk; None for anything else, a mistake of ours included."""
    if isinstance(error, CommitLost):
        return OutcomeUnknown()
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return DiskFull()
    if isinstance(error, OperationalError) and _is_full(error.orig):
        return DiskFull()
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if lost or isinstance(error, OperationalError | InterfaceError | NoConnectionFree):
        return DatabaseUnavailable()
    return None


def is_outage(error: Exception) -> bool:
    """Whether database or disk failed, so that the very same work may well succeed later."""
    known = DiskFull, DatabaseUnavailable, OutcomeUnknown
    return explain(error) is not None or isinstance(error, known) or getattr(error, "code", "") == "database_busy"


def _is_full(cause: Any) -> bool:
    return getattr(cause, "sqlstate", None) == _PG_DISK_FULL or "disk is full" in str(cause)
