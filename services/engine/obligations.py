"""Obligations: a matter per period and unit, opened by the clock, once; or waived, with a reason.

The insert of a row is the claim, and the matter is opened in the same transaction: a crash, a repeat or a second
process does nothing twice and leaves nothing half done. What fails is kept with its reason and tried again next time.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, ClassVar

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.db.errors import DubanError
from services.db.rows import update_row
from services.db.session import Database
from services.db.upsert import insert_missing
from services.engine.core import Engine, engine_for
from services.engine.errors import ActionRefused, AlreadyOpened, Conflict, InvalidAnswers, NotPermitted
from services.engine.models import Obligation
from services.engine.occasions import House, Owed, declared, due_periods, find_period
from services.engine.opening import open_matter
from services.engine.routing import COUNTY_OFFICE, path_of
from services.identity.access import CLOCK, Actor
from services.identity.units import ancestors, get_unit
from services.runtime import Runtime
from statemachines.kit.obligations import why_waived

AT_ONCE = 60
"""How many periods of one obligation one run sees to; the rest waits for the next."""

_UNIQUE = ["procedure", "name", "period", "unit_id", "person_id"]
_UNDONE = Obligation.matter_id.is_(None), Obligation.waived.is_(None)
log = structlog.get_logger(__name__)


class AlreadySeenTo(Conflict):
    """The obligation was opened or waived before."""

    code: ClassVar[str] = "already_seen_to"


def open_obligations(runtime: Runtime, now: datetime) -> dict[str, Any]:
    """Open what has fallen due; for the clock and the command line. See `open_due`."""
    return open_due(runtime.database, engine_for(runtime), now)


def open_due(database: Database, engine: Engine, now: datetime, only: Collection[str] | None = None) -> dict[str, Any]:
    """Open or waive every obligation whose day of opening has come, the oldest first, each in its own transaction.

    `only` are the procedures whose obligations are seen to; all where it is left out.
    Returns {"opened", "waived", "skipped", "failed", "left", "failures": [{"procedure", "obligation", "period",
    "unit_id", "person_id", "why"}]}: skipped were somebody else's, `left` are periods for the next run.
    """
    counts: Counter[str] = Counter(opened=0, waived=0, skipped=0, failed=0, left=0)
    failures = []
    with database.write() as session:
        house = House.read(session)
        again = list(_failed_before(session, engine, house, now))
        fresh, counts["left"] = _work(session, engine, house, now, only)
    for owed, row_id in [*again, *((one, None) for one in fresh)]:
        try:
            with database.write() as session:
                outcome = _see_to(session, engine, house, owed, row_id, now)
        except Exception as problem:  # whatever it is, the others go on
            outcome = "failed"
            failures.append(_failure(owed, problem))
            log.warning("obligation failed", **failures[-1], exc_info=not isinstance(problem, DubanError))
            with database.write() as session:
                _keep_failure(session, owed, failures[-1]["why"], now)
        counts[outcome] += 1
    return {**counts, "failures": failures}


def waive_obligation(
    session: Session,
    engine: Engine,
    procedure: str,
    name: str,
    period: str,
    unit_id: int,
    actor: Actor,
    reason: str,
    now: datetime,
    *,
    person_id: int | None = None,
) -> int:
    """Waive one by hand, with a reason, before or instead of its opening; return its row's id.

    `person_id` is the head who owes it, where heads do. Raises NotPermitted for anyone but the county office,
    InvalidAnswers without a reason, ActionRefused where no such thing is owed, AlreadySeenTo once opened or waived.
    """
    if COUNTY_OFFICE not in actor.roles_at(get_unit(session, unit_id).path):
        raise NotPermitted("only the county office waives an obligation", "只有县级督查办公室可以免除定期事项")
    if not 0 < len(reason := reason.strip()) <= 500:
        error = {"field": "reason", "code": "missing", "en": "say why, in 1 to 500 characters", "zh": "请填写免除理由"}
        raise InvalidAnswers([error])
    owed = _find(session, engine, procedure, name, period, unit_id, person_id)
    columns = {"waived": reason, "waived_by": actor.id, "failure": None, "made_at": now}
    made = insert_missing(session, Obligation, [_row(owed, now) | columns], _UNIQUE, [Obligation.id])
    if made:
        return int(made[0].id)
    retried = update(Obligation).where(*_is(owed), *_UNDONE).values(**columns).returning(Obligation.id)
    row_id = session.scalar(retried)
    if row_id is None:
        raise AlreadySeenTo("it was opened or waived before", "该定期事项已产生或已免除")
    return row_id


def _work(
    session: Session, engine: Engine, house: House, now: datetime, only: Collection[str] | None
) -> tuple[list[Owed], int]:
    """Return what nobody saw to yet, and how many periods wait for the next run."""
    fresh, left = [], 0
    for procedure, name in (one for one in declared(engine) if only is None or one[0] in only):
        due = due_periods(session, engine, procedure, name, local_date(now))
        keys = [period.key for _, period in due]
        there = set(
            session.execute(
                select(*(getattr(Obligation, c) for c in _UNIQUE)).where(
                    Obligation.procedure == procedure, Obligation.name == name, Obligation.period.in_(keys)
                )
            ).tuples()
        )
        missing = [[o for o in house.owed(procedure, name, *both) if o.key not in there] for both in due]
        waiting = [period for period in missing if period]
        fresh += [owed for period in waiting[:AT_ONCE] for owed in period]
        left += len(waiting[AT_ONCE:])
    return fresh, left


def _failed_before(session: Session, engine: Engine, house: House, now: datetime) -> Iterator[tuple[Owed, int]]:
    """Yield what failed before, with its row; waive what a change of the rule or of posts has done away with."""
    for row in session.scalars(select(Obligation).where(*_UNDONE).order_by(Obligation.id)).all():
        found = find_period(engine, row.procedure, row.name, row.period)
        owing = house.owed(row.procedure, row.name, *found) if found else []
        key = (row.procedure, row.name, row.period, row.unit_id, row.person_id)
        if owed := next((one for one in owing if one.key == key), None):
            yield owed, row.id
        else:
            gone = {"waived": "规则或任职已有变动，不再适用", "failure": None, "made_at": now}
            session.execute(update(Obligation).where(Obligation.id == row.id, *_UNDONE).values(**gone))


def _see_to(session: Session, engine: Engine, house: House, owed: Owed, row_id: int | None, now: datetime) -> str:
    """Claim, then open or waive, inside one transaction; say which, or "skipped" where somebody was faster."""
    if row_id is None:
        claimed = insert_missing(session, Obligation, [_row(owed, now)], _UNIQUE, [Obligation.id])
        row_id = claimed[0].id if claimed else None
    else:
        mine = select(Obligation.id).where(Obligation.id == row_id, *_UNDONE).with_for_update(skip_locked=True)
        row_id = session.scalar(mine)
    if row_id is None:
        return "skipped"
    why = why_waived(owed.period, house.units[owed.occasion.unit_id], local_date(now), engine.calendar)
    done: dict[str, Any] = {"waived": why}
    if why is None:
        try:
            with session.begin_nested():
                done = {"matter_id": _open(session, engine, owed, now)}
        except AlreadyOpened as there:
            done = {"waived": there.zh}
    update_row(session, Obligation, row_id, {**done, "failure": None, "made_at": now})
    return "waived" if "waived" in done else "opened"


def _open(session: Session, engine: Engine, owed: Owed, now: datetime) -> int:
    opening = engine.registry.procedures[owed.procedure].opening
    assert opening.on_period is not None  # checked when the policies were read
    answers = {**opening.on_period(owed.occasion), **owed.rule.answers}
    unit_id = owed.occasion.unit_id
    if owed.rule.at == "county":
        unit_id = ancestors(path_of(session, unit_id))[0]
    return open_matter(engine, session, owed.procedure, answers, CLOCK, now, unit_id=unit_id).matter_id


def _find(
    session: Session, engine: Engine, procedure: str, name: str, period: str, unit_id: int, person_id: int | None
) -> Owed:
    found = find_period(engine, procedure, name, period)
    owing = House.read(session).owed(procedure, name, *found) if found else []
    for owed in owing:
        if owed.key == (procedure, name, period, unit_id, person_id or 0):
            return owed
    raise ActionRefused(
        "nothing_owed", f"unit {unit_id} owes no {procedure}/{name} in {period}", "该单位在该期没有此项定期事项"
    )


def _row(owed: Owed, now: datetime) -> dict[str, Any]:
    keys = dict(zip(_UNIQUE, owed.key, strict=True))
    days = {"first_day": owed.period.first, "last_day": owed.period.last, "due_on": owed.period.due}
    return {**keys, **days, "matter_id": None, "waived": None, "waived_by": None, "failure": None, "made_at": now}


def _is(owed: Owed) -> list[Any]:
    return [getattr(Obligation, column) == value for column, value in zip(_UNIQUE, owed.key, strict=True)]


def _failure(owed: Owed, problem: Exception) -> dict[str, Any]:
    procedure, name, period, unit_id, person_id = owed.key
    return {
        "procedure": procedure, "obligation": name, "period": period, "unit_id": unit_id,
        "person_id": person_id or None, "why": f"{type(problem).__name__}: {problem}",
    }  # fmt: skip


def _keep_failure(session: Session, owed: Owed, why: str, now: datetime) -> None:
    if not insert_missing(session, Obligation, [_row(owed, now) | {"failure": why}], _UNIQUE, [Obligation.id]):
        session.execute(update(Obligation).where(*_is(owed), *_UNDONE).values(failure=why))
