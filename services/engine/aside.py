"""What could not be served and was set aside, so that it stops nothing else: why, since when, tried again when.

The row is gone once the clock was served. Deadlines themselves are not touched: as soon as the cause is mended the
rungs that have come meanwhile fire, each once.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError
from sqlalchemy import BindParameter, ColumnElement, ForeignKey, and_, delete, exists, func, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.db.base import Base
from services.db.errors import DubanError
from services.db.upsert import insert_missing
from services.engine.models import Clock, Exclusion, Matter

FOR = timedelta(hours=1)
"""How long what could not be served rests before it is tried again."""

NO_CLOCK = 0
"""In the place of a clock: the matter could not go on by itself after those it waited for, or be routed on."""

MOST = 200


class SetAside(Base):
    """A clock that could not be served, or (`clock_id` 0) a matter that could not go on by itself."""

    __tablename__ = "set_aside"

    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"), primary_key=True)
    clock_id: Mapped[int] = mapped_column(primary_key=True)
    why: Mapped[str]
    zh: Mapped[str]
    since: Mapped[datetime]
    tried_at: Mapped[datetime]
    again_at: Mapped[datetime]
    tries: Mapped[int]


@dataclass(frozen=True, slots=True)
class AsideRow:
    """`clock` is the clock's name, None where the matter itself could not go on; `zh` is `why` for people."""

    matter_id: int
    number: str
    procedure: str
    clock: str | None
    why: str
    zh: str
    since: datetime
    tried_at: datetime
    again_at: datetime
    tries: int


def resting(now: datetime | BindParameter[datetime | None]) -> ColumnElement[bool]:
    """Return the condition on `Clock` that it was set aside and its time has not come."""
    return exists().where(
        SetAside.matter_id == Clock.matter_id, SetAside.clock_id == Clock.id, SetAside.again_at > now
    )  # fmt: skip


def set_aside(session: Session, matter_id: int, clock_id: int, problem: Exception, now: datetime) -> bool:
    """Remember that it could not be served now, and why; a second time keeps since when.

    Return whether that is news: two lanes of one sweep may have tried it at once.
    """
    why, zh = reason(problem)
    row = {"matter_id": matter_id, "clock_id": clock_id, "why": why, "zh": zh, "since": now, "tried_at": now,
           "again_at": now, "tries": 0}  # fmt: skip
    insert_missing(session, SetAside, [row], ["matter_id", "clock_id"])
    tried = {"why": why, "zh": zh, "tried_at": now, "again_at": now + FOR, "tries": SetAside.tries + 1}
    untried = or_(SetAside.tries == 0, SetAside.tried_at != now)
    told = update(SetAside).where(*_key(matter_id, clock_id), untried).values(**tried).returning(SetAside.clock_id)
    return session.execute(told).first() is not None


def take_back(session: Session, clocks: Iterable[tuple[int, int]]) -> None:
    """Forget that these (matter, clock) were set aside: they have been served."""
    matters, ids = set(), set()
    for matter_id, clock_id in clocks:
        matters.add(matter_id)
        ids.add(clock_id)
    if ids and session.execute(select(SetAside.clock_id).limit(1)).first() is not None:  # there hardly ever are any
        session.execute(delete(SetAside).where(SetAside.matter_id.in_(matters), SetAside.clock_id.in_(ids)))


def forget_ended(session: Session, now: datetime) -> None:
    """Drop what needs no serving any more: its clock was stopped or suspended, or the sweep of `now` has tried all
    matters that ought to go on or be routed on, and this one was not among them."""
    runs = exists().where(Clock.id == SetAside.clock_id, Clock.state == "running")
    over = or_(and_(SetAside.clock_id != NO_CLOCK, ~runs), and_(SetAside.clock_id == NO_CLOCK, SetAside.tried_at < now))
    session.execute(delete(SetAside).where(over))


def count_aside(session: Session) -> int:
    """Return how many matters have something set aside."""
    return int(session.execute(select(func.count(SetAside.matter_id.distinct()))).scalar_one())


def list_aside(session: Session, away_from: int | None = None) -> list[AsideRow]:
    """Return what is set aside, the longest first, at most `MOST`; nothing of matters that keep this person away."""
    columns = (SetAside.why, SetAside.zh, SetAside.since, SetAside.tried_at, SetAside.again_at, SetAside.tries)
    wanted = (
        select(SetAside.matter_id, Matter.number, Matter.procedure, Clock.name.label("clock"), *columns)
        .join(Matter, Matter.id == SetAside.matter_id)
        .outerjoin(Clock, Clock.id == SetAside.clock_id)
        .order_by(SetAside.since, SetAside.matter_id, SetAside.clock_id)
        .limit(MOST)
    )
    if away_from is not None:
        away = exists().where(Exclusion.matter_id == SetAside.matter_id, Exclusion.person_id == away_from)
        wanted = wanted.where(~away)
    return [AsideRow(**row) for row in session.execute(wanted).mappings()]


def try_again(session: Session, now: datetime, matter_ids: Collection[int] | None = None) -> int:
    """Let the next sweep try these matters, or all, at once; return how many clocks and matters that concerns."""
    due = update(SetAside).where(SetAside.again_at > now).values(again_at=now)
    if matter_ids is not None:
        due = due.where(SetAside.matter_id.in_(matter_ids))
    return len(session.execute(due.returning(SetAside.clock_id)).all())


def reason(problem: Exception) -> tuple[str, str]:
    """Return why in English and in Chinese. Nothing of the data goes along: it may be a complainant's name."""
    if isinstance(problem, DubanError):
        return str(problem), problem.zh
    return f"{type(problem).__name__}: {_where(problem)}", "数据与规则不符，系统无法处理，请联系技术支持"


def _where(problem: Exception) -> str:
    if isinstance(problem, ValidationError):
        return ", ".join(".".join(map(str, error["loc"])) for error in problem.errors(include_input=False))
    if isinstance(problem, DBAPIError):
        return type(problem.orig).__name__
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = trace.tb_frame.f_code.co_name if trace is not None else "?"
    missing = f" {problem.args[0]!r}" if isinstance(problem, KeyError) and problem.args else ""
    return f"{place}{missing}"


def _key(matter_id: int, clock_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return SetAside.matter_id == matter_id, SetAside.clock_id == clock_id
