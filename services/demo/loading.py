"""Fills an empty database with the demo county, by walking every petition through the engine."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config.calendar import local_date, start_of_day
from services.db.errors import DubanError
from services.demo.places import CAST, COUNTY, PASSWORD, County, settle
from services.demo.programme import DAYS, PROGRAMME
from services.demo.telling import Teller
from services.engine.core import engine_for
from services.engine.models import Entry, FiredRung, Matter
from services.identity.models import Person, Unit
from services.identity.passwords import matches
from services.identity.people import delegate
from services.runtime import Runtime
from statemachines.petition import PETITION

_SHOWN = ("fangwen", "guchanghe", "lujing", "shenmingyuan", "hansong", "songliqun", "chenjianguo", "wangdahe",
          "shuizhiyuan", "gexin", "dingyiming")  # fmt: skip


class NotEmpty(DubanError):
    """The demo county goes into an empty database only."""

    code: ClassVar[str] = "not_empty"
    status: ClassVar[int] = 409


def load(
    runtime: Runtime, now: datetime, if_empty: bool = False, progress: Callable[[int], None] | None = None
) -> dict[str, Any]:
    """Make the county and four months of its work up to `now`, in one transaction; the same for the same day.

    Returns {"loaded", "units", "people", "matters", "entries", "rungs", "receipts"}; `receipts` holds a code for the
    public look-up per state that a complainant may see. Where there is any unit it raises `NotEmpty`, or with
    `if_empty` only says {"loaded": False}. `progress` is called with 1 for each working day walked, `DAYS` times.
    """
    engine = engine_for(runtime)
    with runtime.database.write() as session:
        if session.scalar(select(func.count()).select_from(Unit)):
            if if_empty:
                return {"loaded": False}
            raise NotEmpty("there are units already; the demo county needs an empty database: duban db reset")
        first = engine.calendar.add_workdays(local_date(now), -DAYS - 1)
        since = first - timedelta(days=3 * 365)
        teller = Teller(session, runtime, settle(session, since, start_of_day(first)), now)
        _lend(session, teller.county, now)
        for plot, days_ago in PROGRAMME:
            for days in days_ago:
                teller.begin(plot(teller), days)
        teller.tell(DAYS, progress or (lambda _: None))
        return _figures(session, teller)


def demo_logins(runtime: Runtime) -> list[tuple[str, str, str]]:
    """Log-in, password and description of one person per role; empty where the demo county is not loaded.

    Whoever has changed his password since, or was shut out, is left out.
    """
    with runtime.database.read() as session:
        if session.scalar(select(Unit.id).where(Unit.code == COUNTY)) is None:
            return []
        hashes = dict(session.execute(select(Person.login, Person.password_hash).where(Person.active)).tuples().all())
    posts = {member.login: f"{member.name}，{member.post}" for member in CAST}
    right = {value: matches(value, PASSWORD) for value in {hashes.get(login) for login in _SHOWN}}
    return [(login, PASSWORD, posts[login]) for login in _SHOWN if right[hashes.get(login)]]


def _lend(session: Session, county: County, now: datetime) -> None:
    """A leader on leave lends his roles for these days."""
    today = local_date(now)
    starts, ends = today - timedelta(days=3), today + timedelta(days=5)
    delegate(session, county.people["linguodong"], county.people["xuhui"], starts, ends, "外出学习", None)


def _figures(session: Session, teller: Teller) -> dict[str, Any]:
    def count(table: Any) -> int:
        return session.scalar(select(func.count()).select_from(table)) or 0

    return {
        "loaded": True, "units": count(Unit), "people": count(Person), "matters": count(Matter),
        "entries": count(Entry), "rungs": count(FiredRung), "receipts": _receipts(session, teller),
    }  # fmt: skip


def _receipts(session: Session, teller: Teller) -> dict[str, str]:
    """The latest petition's code per public word: registered, accepted, referred, in_handling, closed."""
    petitions = select(Matter.number, Matter.state).where(Matter.number.in_(teller.receipts)).order_by(Matter.id)
    return {PETITION.public[state]: teller.receipts[number] for number, state in session.execute(petitions)}
