"""Open matters by unit and by the week in which they are due: where lateness piled up, and what is coming."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from config.calendar import end_of_day, local_date, start_of_day
from services.engine.core import Engine
from services.engine.models import Matter
from services.engine.visibility import visible
from services.identity.access import Actor
from services.identity.models import Unit

BEFORE, AFTER = 6, 5
"""How many weeks are shown on their own before this one, and from this one on."""
_WEEK, _DAY = timedelta(days=7), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A column: the local days in which a deadline falls, both ends counted; the first column is open to the past."""

    first: date | None
    last: date


@dataclass(frozen=True, slots=True)
class Cell:
    """Open matters due in one span; `overdue` of them are late by now."""

    due: int
    overdue: int


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One unit, those below it not counted; a cell per span."""

    unit_id: int
    unit_name: str
    cells: list[Cell]


def spans_around(now: datetime, before: int = BEFORE, after: int = AFTER) -> list[Span]:
    """Return the columns: everything earlier, the weeks before this one, this one and those to come."""
    today = local_date(now)
    monday = today - _DAY * today.weekday()
    weeks = [monday + _WEEK * n for n in range(-before, after)]
    return [Span(None, weeks[0] - _DAY), *(Span(day, day + _WEEK - _DAY) for day in weeks)]


def due_in(span: Span) -> ColumnElement[bool]:
    """Return the condition on `Matter` that its deadline falls into the span: due is the first instant after it."""
    until = Matter.due_at <= end_of_day(span.last)
    return until if span.first is None else and_(Matter.due_at > start_of_day(span.first), until)


def heat_of_units(
    session: Session, engine: Engine, actor: Actor, now: datetime, spans: list[Span], *only: ColumnElement[bool]
) -> list[UnitRow]:
    """Return a row per unit with anything due in these spans, the most overdue first."""
    late = Matter.due_at < now
    sums = [_sum(condition) for span in spans for condition in (due_in(span), and_(due_in(span), late))]
    overdue, due = _sum(late), _sum(Matter.due_at <= end_of_day(spans[-1].last))
    wanted = (
        select(Unit.id, Unit.name, *sums)
        .join(Matter, Matter.unit_id == Unit.id)
        .where(Matter.closed_at.is_(None), visible(actor, engine.registry), *only)
        .group_by(Unit.id, Unit.name)
        .having(due > 0)
        .order_by(overdue.desc(), due.desc(), Unit.id)
    )
    return [
        UnitRow(unit_id, name, [Cell(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)])
        for unit_id, name, *numbers in session.execute(wanted)
    ]


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))
