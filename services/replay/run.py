"""A replay from log file to report: opens or makes the database, walks, sums up."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.exc import DBAPIError

from config.calendar import WorkingCalendar, end_of_day, local_date
from config.packs import load_pack
from services.db.session import Database
from services.engine.core import Engine
from services.identity.models import Unit
from services.identity.sealing import Vault
from services.migrations import empty, upgrade
from services.replay import position, report
from services.replay.errors import DatabaseUnfit, ReplayRefused
from services.replay.house import build_house
from services.replay.log import Log, read_log
from services.replay.plan import Defect, Plan, count_defects, make_plan
from services.replay.position import Position
from services.replay.profile import Profile, load_profile
from services.replay.walk import Walk

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Given what is counted and how many there are, yields what is to be told how many more are done."""


@contextmanager
def in_silence(_what: str, _total: int) -> Iterator[Callable[[int], None]]:
    yield lambda _done: None


@dataclass(frozen=True, slots=True)
class Order:
    """What to replay, where to, and how far. Without `until`: to the end of the first working day after the log's
    last event, so that what was late by then has met a sweep.

    `key_file` is the replay's own vault, made if missing. `resume` goes on where an earlier run was stopped.
    """

    log: Path
    profile: str
    pack: str
    database_url: str
    key_file: Path
    until: datetime | None = None
    resume: bool = False


def replay(order: Order, progress: Progress = in_silence) -> dict[str, Any]:
    """Replay a log and return the report.

    Raises BadProfile, BadLog, BadPack, DatabaseUnfit, UnusableDatabase and ReplayRefused. A step that the engine
    refuses ends a run that began with an empty database by leaving it empty again.
    """
    profile = load_profile(order.profile)
    log = read_log(order.log, profile)
    plan = make_plan(log)
    until = _until(order, plan)
    mark = position.made_from(log.digest, profile, order.pack)
    with _database(order) as (database, new):
        vault = Vault.create_if_missing(order.key_file) if new else Vault(order.key_file)
        engine = Engine.of(order.pack, vault)
        start = _begin(database, log, profile, plan, until, mark) if new else _find(database, mark, until)
        walk = Walk(engine, database, profile, plan, start)
        with progress("steps", len(plan.between(start.reached, until))) as done:
            walk.go(until, done)
        with database.read() as session:
            found = report.figures(session, until)
        asked = {"log": log.name, "profile": order.profile, "pack": order.pack, "until": until.isoformat()}
        return {**asked, **found, "events": _events(log, until), **walk.position.totals, **_told(plan.defects, until)}


def _until(order: Order, plan: Plan) -> datetime:
    """Return where the clock stops; refuse before anything is made if the calendar does not reach that far."""
    calendar = WorkingCalendar(load_pack(order.pack).calendar)
    first, last = local_date(plan.steps[0].at), local_date(plan.steps[-1].at)
    try:
        calendar.next_workday(first)
        until = order.until or end_of_day(calendar.add_workdays(last, 1))
        calendar.next_workday(local_date(until))
    except ValueError as error:
        raise ReplayRefused(str(error)) from error
    return until


@contextmanager
def _database(order: Order) -> Iterator[tuple[Database, bool]]:
    """Open the database and say whether it is new; a step refused in a new one leaves nothing of it."""
    with closing(_open(order.database_url)) as database:
        file = Path(database.url.database or "") if database.url.drivername == "sqlite" else None
        made = [path for path in (file, order.key_file) if path is not None and not path.exists()]
        new = _is_new(database, order.resume)
        try:
            yield database, new
        except ReplayRefused:
            if new:
                _clear(database, order.database_url, made)
            raise


def _open(url: str) -> Database:
    try:
        return Database(url)
    except OSError as error:
        raise DatabaseUnfit(f"the database's folder cannot be made: {error}") from error


def _is_new(database: Database, resume: bool) -> bool:
    try:
        tables = inspect(database.engine).get_table_names()
    except DBAPIError as error:
        raise DatabaseUnfit(f"the database cannot be opened: {error.orig}") from error
    if not tables:
        return True
    if not resume:
        raise DatabaseUnfit("the database is not empty; name a new one, or go on with --resume")
    if position.TABLE in tables:
        return False
    if "unit" in tables and not _has_units(database):  # killed between the tables and the county
        return True
    raise DatabaseUnfit("the database holds no replay to resume; name the one that was stopped")


def _has_units(database: Database) -> bool:
    with database.read() as session:
        return session.execute(select(Unit.id).limit(1)).first() is not None


def _clear(database: Database, url: str, made: list[Path]) -> None:
    database.close()  # SQLite's files beside the database go with its last connection
    empty(url)
    for path in made:
        path.unlink(missing_ok=True)


def _begin(database: Database, log: Log, profile: Profile, plan: Plan, until: datetime, mark: str) -> Position:
    """Make the tables, then county and position in one transaction: a kill leaves both or neither."""
    first = plan.steps[0].at
    upgrade(database.url.render_as_string(hide_password=False))
    with database.write() as session:
        position.METADATA.create_all(session.connection())
        house = build_house(session, log, profile, first)
        start = Position(mark, min(first, until), position.NO_TOTALS, house.as_json())
        start.write(session)
    return start


def _find(database: Database, mark: str, until: datetime) -> Position:
    with database.read() as session:
        found = Position.read(session)
    if found.made_from != mark:
        raise DatabaseUnfit("the database holds the replay of another log, profile or pack; name its own, or a new one")
    if until < found.reached:
        raise ReplayRefused(f"the replay has passed {until.isoformat()}: it stands at {found.reached.isoformat()}")
    return found


def _events(log: Log, until: datetime) -> int:
    return sum(max(event.at, case.facts.start) < until for case in log.cases for event in case.events)


def _told(defects: list[Defect], until: datetime) -> dict[str, Any]:
    """Every defect of the log; `replayed` says whether it has taken effect before `until`."""
    listed = [
        {"case": d.case, "kind": str(d.kind), "at": d.at.isoformat(), "replayed": d.taken_at < until} for d in defects
    ]
    return {"defect_counts": count_defects(defects), "defects": listed}
