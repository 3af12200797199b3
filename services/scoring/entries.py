"""Score entries as matters of the procedure `score` hold them, and the weighing that the policy of a period gives."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from services.db.errors import DubanError
from services.engine.core import Engine
from services.engine.models import Matter
from services.engine.registry import Definition
from services.scoring.cards import Entry, Weighing

PROCEDURE, COUNTED = "score", "counted"
_PERIOD = re.compile(r"(20[0-9]{2})(?:-(?:H([12])|Q([1-4])|(0[1-9]|1[0-2])))?")


class NoSuchPeriod(DubanError):
    """A period is written 2016, 2016-H1, 2016-Q1 or 2016-03."""

    code: ClassVar[str] = "no_such_period"
    status: ClassVar[int] = 422

    def __init__(self, text: str) -> None:
        super().__init__(
            f"{text!r} is no period; write 2016, 2016-H1, 2016-Q1 or 2016-03",
            "考核期请填 2016、2016-H1、2016-Q1 或 2016-03 的形式",
        )


@dataclass(frozen=True, slots=True)
class Period:
    """A period by its name: its last day, and the names of periods inside it, which count towards it."""

    name: str
    last: date
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry as it stands: whose, which item, what for, and how far it has come."""

    matter_id: int
    number: str
    state: str
    unit_id: int
    person_id: int | None
    item: str
    points: Decimal | None
    reason: str

    @property
    def subject(self) -> tuple[int, int]:
        """The unit and the person, 0 for the unit itself."""
        return self.unit_id, self.person_id or 0

    def counted(self) -> Entry:
        return Entry(self.matter_id, self.item, self.points)


def read_period(text: str) -> Period:
    """Return the period of this name; raise NoSuchPeriod."""
    found = _PERIOD.fullmatch(text)
    if found is None:
        raise NoSuchPeriod(text)
    year, half, quarter, month = (int(part) if part else 0 for part in found.groups())
    ends = half * 6 or quarter * 3 or month or 12
    begins = ends - (5 if half else 2 if quarter else 0 if month else 11)
    months = [f"{year}-{m:02}" for m in range(begins, ends + 1)]
    quarters = [f"{year}-Q{q}" for q in range(1, 5) if begins <= q * 3 - 2 and q * 3 <= ends]
    halves = [f"{year}-H{h}" for h in (1, 2) if begins <= h * 6 - 5 and h * 6 <= ends]
    last = (date(year, ends, 28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return Period(text, last, tuple(sorted({text, *months, *quarters, *halves})))


def definition_of(engine: Engine, period: Period) -> Definition:
    """Return the rules of scoring as they stand on the period's last day."""
    return engine.registry.current(PROCEDURE, period.last)


def weighing_of(definition: Definition) -> Weighing:
    codes = definition.policy.codes
    weights = {item: Fraction(text) for item, text in codes("weights").items()}
    return Weighing(codes("score_items"), weights, frozenset(codes("veto_items")))


def entries_of(
    session: Session, period: Period, *, only: Iterable[ColumnElement[bool]] = (), states: Iterable[str] = (COUNTED,)
) -> list[Kept]:
    """Return the entries of a period and its parts in these states, in the order of their opening."""
    opened = Matter.record["steps"]["open"]["answers"]["period"].as_string()
    wanted = (
        select(Matter.id, Matter.number, Matter.state, Matter.record)
        .where(Matter.procedure == PROCEDURE, Matter.state.in_(list(states)), or_(*(opened == p for p in period.parts)))
        .where(*only)
        .order_by(Matter.id)
    )
    return [_kept(row) for row in session.execute(wanted).mappings()]


def years_with_entries(session: Session) -> list[str]:
    """Return the years that any counted entry belongs to."""
    opened = Matter.record["steps"]["open"]["answers"]["period"].as_string()
    found = select(opened).where(Matter.procedure == PROCEDURE, Matter.state == COUNTED).distinct()
    return sorted({name[:4] for name in session.scalars(found)})


def _kept(row: Any) -> Kept:
    steps = row["record"]["steps"]
    opened, points = steps["open"]["answers"], _points(steps)
    return Kept(
        row["id"], row["number"], row["state"], opened["unit"], opened["person"], opened["item"],
        None if points is None else Decimal(points), opened["reason"],
    )  # fmt: skip


def _points(steps: dict[str, Any]) -> str | None:
    """What was confirmed; before that, what was given."""
    points: str | None = (steps["confirm"] if "confirm" in steps else steps["open"])["answers"]["points"]
    return points
