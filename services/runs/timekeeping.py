"""Whether this machine's clock can be right, asked before anything is done because of the time.

What a wrong clock lets fire (reminders sent, matters opened and raised) cannot be called back, and a clock that stands
years back lets nothing fire at all. So every run of a flow compares the present with the latest present that was
trusted, and on PostgreSQL with the server's own clock; where that cannot be, it does nothing and says why. Setting the
clock right is enough to go on; where it is right and the record is not, an administrator says so once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from config.calendar import SHANGHAI
from services.db.base import Base
from services.db.errors import DubanError
from services.runtime import Runtime

BACK = timedelta(minutes=10)
"""How far machines' clocks may differ, and one may be set back, without anybody having to look."""

ASLEEP_AT_MOST = timedelta(days=31)
"""Longer than any holiday for which an office switches its machines off: a longer jump is more likely a wrong clock."""

_ONE = 1


class ClockWrong(DubanError):
    """The machine's clock cannot be right, or the record of time is not."""

    code: ClassVar[str] = "clock_wrong"
    status: ClassVar[int] = 503

    def __init__(self, now: datetime, other: datetime, whose: str, whose_zh: str) -> None:
        super().__init__(
            f"this machine's clock says {_local(now)}, {whose} {_local(other)}; set the clock right, "
            "or if it is right run: duban clock confirm",
            f"本机时间为 {_local(now)}，{whose_zh} {_local(other)}，相差过大，自动任务已停止执行；"
            "请校准服务器时间，确认本机时间无误的可点“时间无误”",
        )


class TimeMark(Base):
    """One row: the latest present that was trusted."""

    __tablename__ = "time_mark"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class _Other:
    at: datetime
    whose: str
    zh: str


def trusted_now(runtime: Runtime, now: datetime) -> datetime:
    """Return `now` after noting it as trusted; raise ClockWrong where it cannot be right."""
    with runtime.database.write() as session:
        if (problem := doubt(session, now)) is not None:
            raise problem
        mark = session.get(TimeMark, _ONE)
        if mark is None or mark.at < now:
            session.merge(TimeMark(id=_ONE, at=now))
    return now


def doubt(session: Session, now: datetime) -> ClockWrong | None:
    """Return why this present cannot be trusted; None if it can."""
    server = server_now(session)
    if server is not None and abs(server - now) > BACK:
        return ClockWrong(now, server, "the database server's", "数据库服务器时间为")
    mark = session.get(TimeMark, _ONE)
    if mark is not None and not mark.at - BACK <= now <= mark.at + ASLEEP_AT_MOST:
        return ClockWrong(now, mark.at, "but the latest run was at", "而最近一次任务在")
    return None


def confirm(session: Session, now: datetime) -> None:
    """Take this present for right, whatever was before. What is due by it fires at the next run."""
    session.merge(TimeMark(id=_ONE, at=now))


def server_now(session: Session) -> datetime | None:
    """Return what the database server's clock says; None on SQLite, which has none of its own."""
    if session.get_bind().dialect.name != "postgresql":
        return None
    at: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return at


def _local(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
