"""The board of those who supervise: what is open, late and due soon, who holds it, and how that moves.

Everything counts within the actor's view, and by the same conditions as the ledger, so that a figure and the list
behind it agree. `only` are further conditions on `Matter`, such as the unit that the board was narrowed to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, not_, select, true
from sqlalchemy.orm import Session

from config.calendar import end_of_day, local_date, start_of_day
from services.engine.core import Engine
from services.engine.models import Clock, FiredRung, Matter
from services.engine.queries.labels import state_label
from services.engine.queries.lights import Lights
from services.engine.visibility import visible
from services.identity.access import Actor
from services.identity.models import Unit

WEEKS = 12
_WEEK = timedelta(days=7)
_LATE = "late"


@dataclass(frozen=True, slots=True)
class Load:
    """Numbers of open matters; `soon` shows yellow, `suspended` has no running clock. Only `open` counts them all."""

    open: int
    overdue: int
    soon: int
    suspended: int


@dataclass(frozen=True, slots=True)
class Turnover:
    """Matters registered and closed in some days; `on_time` are those none of whose clocks ended late."""

    opened: int
    closed: int
    on_time: int

    @property
    def rate(self) -> float | None:
        """Which part was closed on time, 0 to 1."""
        return self.on_time / self.closed if self.closed else None


@dataclass(frozen=True, slots=True)
class UnitLoad:
    """What lies at one unit, those below it not counted."""

    unit_id: int
    unit_name: str
    load: Load


@dataclass(frozen=True, slots=True)
class ProcedureLoad:
    """What is open of one procedure."""

    procedure: str
    title: str
    load: Load


@dataclass(frozen=True, slots=True)
class StateLoad:
    """How many matters of a procedure stand in one state."""

    procedure: str
    state: str
    label: str
    open: int


@dataclass(frozen=True, slots=True)
class Week:
    """Matters registered and closed in the local week that begins on this Monday."""

    monday: date
    opened: int
    closed: int

    @property
    def sunday(self) -> date:
        return self.monday + _WEEK - timedelta(days=1)


def load_of_all(session: Session, engine: Engine, actor: Actor, now: datetime, *only: ColumnElement[bool]) -> Load:
    """Count all open matters that the actor may know of."""
    row = session.execute(select(*_sums(engine, now)).where(*_open(engine, actor), *only)).one()
    return Load(*(number or 0 for number in row))


def turnover(
    session: Session, engine: Engine, actor: Actor, first: date, last: date, *only: ColumnElement[bool]
) -> Turnover:
    """Count what was registered and closed from one local day to another, and how much of it never was late."""
    closed = closed_between(first, last)
    sums = (opened_between(first, last), closed, and_(closed, ended_late(late=False)))
    wanted = select(*(_sum(condition) for condition in sums)).where(_seen(engine, actor), *only)
    return Turnover(*(number or 0 for number in session.execute(wanted).one()))


def loads_of_units(
    session: Session, engine: Engine, actor: Actor, now: datetime, *only: ColumnElement[bool]
) -> list[UnitLoad]:
    """Count per unit that holds open matters now, the one with most overdue first."""
    sums = _sums(engine, now)
    wanted = (
        select(Unit.id, Unit.name, *sums)
        .join(Matter, Matter.unit_id == Unit.id)
        .where(*_open(engine, actor), *only)
        .group_by(Unit.id, Unit.name)
        .order_by(sums[1].desc(), sums[2].desc(), sums[0].desc(), Unit.id)
    )
    return [UnitLoad(unit_id, name, Load(*numbers)) for unit_id, name, *numbers in session.execute(wanted)]


def loads_of_procedures(
    session: Session, engine: Engine, actor: Actor, now: datetime, *only: ColumnElement[bool]
) -> list[ProcedureLoad]:
    """Count per procedure of which something is open, the most first."""
    sums = _sums(engine, now)
    wanted = select(Matter.procedure, *sums).where(*_open(engine, actor), *only).group_by(Matter.procedure)
    rows = session.execute(wanted.order_by(sums[0].desc(), Matter.procedure)).all()
    titles = engine.registry.procedures
    return [ProcedureLoad(key, titles[key].title if key in titles else key, Load(*numbers)) for key, *numbers in rows]


def loads_of_states(
    session: Session, engine: Engine, actor: Actor, now: datetime, *only: ColumnElement[bool]
) -> list[StateLoad]:
    """Count open matters per state, in the order of the procedure; what it is called is what it is called today."""
    wanted = select(Matter.procedure, Matter.state, func.count()).where(*_open(engine, actor), *only)
    counted = {(key, state): n for key, state, n in session.execute(wanted.group_by(Matter.procedure, Matter.state))}
    found = []
    for key, versions in ((key, engine.registry.versions(key)) for key in sorted(engine.registry.procedures)):
        definition = versions[-1]
        states = [str(state) for state in definition.procedure.states]
        found += [
            StateLoad(key, state, state_label(definition, state), counted[key, state])
            for state in states
            if (key, state) in counted
        ]
    return found


def count_unacknowledged(session: Session, engine: Engine, actor: Actor, *only: ColumnElement[bool]) -> int:
    """Count the rungs that fired and that nobody has acknowledged yet."""
    wanted = select(func.count(FiredRung.id)).join(Matter, Matter.id == FiredRung.matter_id)
    return session.scalar(wanted.where(FiredRung.acknowledged_at.is_(None), _seen(engine, actor), *only)) or 0


def weeks_until(
    session: Session,
    engine: Engine,
    actor: Actor,
    now: datetime,
    weeks: int = WEEKS,
    only: Sequence[ColumnElement[bool]] = (),
) -> list[Week]:
    """Count what was registered and closed in each of the last weeks, this one last and as far as it went."""
    today = local_date(now)
    monday = today - timedelta(days=today.weekday())
    mondays = [monday - _WEEK * back for back in reversed(range(weeks))]
    sums = [_sum(_within(column, day)) for day in mondays for column in (Matter.opened_at, Matter.closed_at)]
    numbers = [number or 0 for number in session.execute(select(*sums).where(_seen(engine, actor), *only)).one()]
    return [Week(day, *numbers[2 * n : 2 * n + 2]) for n, day in enumerate(mondays)]


def opened_between(first: date | None, last: date | None) -> ColumnElement[bool]:
    """Return the condition on `Matter` that it was registered on a local day of this range, both ends counted."""
    bounds = [Matter.opened_at >= start_of_day(first)] if first else []
    return and_(true(), *bounds, *([Matter.opened_at < end_of_day(last)] if last else []))


def closed_between(first: date | None, last: date | None) -> ColumnElement[bool]:
    """Return the condition on `Matter` that it was closed on a local day of this range, both ends counted."""
    bounds = [Matter.closed_at >= start_of_day(first)] if first else []
    return and_(Matter.closed_at.is_not(None), *bounds, *([Matter.closed_at < end_of_day(last)] if last else []))


def ended_late(*, late: bool) -> ColumnElement[bool]:
    """Return the condition on `Matter` that one of its clocks ended late, or that none did."""
    found = select(Clock.id).where(Clock.matter_id == Matter.id, Clock.outcome == _LATE).correlate(Matter).exists()
    return found if late else not_(found)


def held_by(unit_id: int) -> ColumnElement[bool]:
    """Return the condition on `Matter` that it lies at this very unit."""
    return Matter.unit_id == unit_id


def _sums(engine: Engine, now: datetime) -> list[ColumnElement[Any]]:
    lights = Lights(engine, now)
    colours = (lights.shows(colour) for colour in ("red", "yellow", "grey"))
    return [func.count(Matter.id), *(_sum(shown) for shown in colours)]


def _sum(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.sum(case((condition, 1), else_=0))


def _within(column: Any, monday: date) -> ColumnElement[bool]:
    return and_(column >= start_of_day(monday), column < start_of_day(monday + _WEEK))


def _open(engine: Engine, actor: Actor) -> tuple[ColumnElement[bool], ...]:
    return Matter.closed_at.is_(None), _seen(engine, actor)


def _seen(engine: Engine, actor: Actor) -> ColumnElement[bool]:
    return visible(actor, engine.registry)
