"""Deadline lights: one colour and one wording for lists, tiles, pages and filters."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, not_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from config.calendar import WorkingCalendar, local_date, start_of_day
from services.db.together import read_rows
from services.engine import clocks as clk
from services.engine.core import Engine
from services.engine.models import Clock, Matter
from services.engine.registry import Registry

Colour = Literal["red", "yellow", "green", "grey"]
COLOURS: tuple[Colour, ...] = ("red", "yellow", "green", "grey")
_INSTANT = timedelta(microseconds=1)
_NOW = "lights_now"
_Clock = tuple[str | None, datetime | None, bool | None]
"""Its name, when it ends, whether that is provisional."""


@dataclass(frozen=True, slots=True)
class Light:
    """`text` stands beside the colour: 超期 3 天, 今日到期, 剩 2 天, 已中止; （暂定） while days are not announced."""

    colour: Colour
    text: str


def light(
    due_at: datetime | None, now: datetime, calendar: WorkingCalendar, warn: int, provisional: bool = False
) -> Light:
    """Return the light of a deadline: red when over, yellow from `warn` working days before, grey without one."""
    return _light(due_at, now, _warned_until(warn, local_date(now), calendar), provisional)


def _light(due_at: datetime | None, now: datetime, until: datetime, provisional: bool) -> Light:
    if due_at is None:
        return Light("grey", "已中止")
    late, left = now > due_at, (_last_day(due_at) - local_date(now)).days
    suffix = "（暂定）" if provisional else ""
    if late:
        return Light("red", (f"超期 {-left} 天" if left < 0 else "今日超期") + suffix)
    colour: Colour = "yellow" if due_at <= until else "green"
    return Light(colour, (f"剩 {left} 天" if left > 0 else "今日到期") + suffix)


def _warned_until(warn: int, today: date, calendar: WorkingCalendar) -> datetime:
    """Return the latest due instant that is at most `warn` working days away, today not counted."""
    return start_of_day(calendar.add_workdays(today, warn + 1))


class Lights:
    """The lights of one moment. How early each clock warns is taken from the policies now in force.

    `moments` are the values of what `shows` compares with, by name: a statement kept from an earlier moment is run
    with those of this one.
    """

    def __init__(self, engine: Engine, now: datetime) -> None:
        self._now = now
        self._warn = _warnings(engine.registry)
        self._least = min(self._warn.values(), default=0)
        self._made: dict[tuple[datetime | None, int, bool], Light] = {}
        self._until = _until(engine, local_date(now))

    @property
    def moments(self) -> dict[str, datetime]:
        return {_NOW: self._now, **{_near_by(warn): until for warn, until in self._until.items()}}

    def of_clock(self, procedure: str, clock: Any) -> Light | None:
        """Return the light of one clock; a stopped one has none."""
        if clock["state"] == clk.STOPPED:
            return None
        return self._shown(clock["due_at"], self._warned(procedure, clock["name"]), clock["provisional"])

    def of_matters(self, session: Session, rows: Iterable[tuple[int, str, datetime | None]]) -> dict[int, Light]:
        """Return the light of each (matter id, procedure, due instant), by matter id, with one query."""
        wanted = {matter_id: (procedure, due_at) for matter_id, procedure, due_at in rows}
        clocks = _running_clocks(session, [i for i, (_, due_at) in wanted.items() if due_at])
        return {i: self.of_matter(*what, clocks[i]) for i, what in wanted.items()}

    def of_matter(self, procedure: str, due_at: datetime | None, clocks: Iterable[_Clock]) -> Light:
        """Return the light of a matter with these clocks (name, due_at, provisional): those that set its deadline."""
        first = [(name, provisional) for name, ends, provisional in clocks if ends == due_at]
        warn = max([self._warned(procedure, name) for name, _ in first], default=self._least)
        return self._shown(due_at, warn, any(provisional for _, provisional in first))

    def shows(
        self,
        colour: str,
        due_at: InstrumentedAttribute[datetime | None] = Matter.due_at,
        matter_id: InstrumentedAttribute[int] = Matter.id,
    ) -> ColumnElement[bool]:
        """Return the condition that the deadline of a matter, in these columns, shows that colour."""
        now = bindparam(_NOW, self._now, due_at.type)
        match colour:
            case "red":
                return due_at < now
            case "yellow":
                return and_(due_at >= now, self._near(due_at, matter_id))
            case "green":
                return and_(due_at >= now, not_(self._near(due_at, matter_id)))
            case "grey":
                return due_at.is_(None)
        raise ValueError(f"no light is {colour}; there are {', '.join(COLOURS)}")

    def _shown(self, due_at: datetime | None, warn: int, provisional: bool) -> Light:
        """Many matters of a page are due at the same instant."""
        key = (due_at, warn, provisional)
        if key not in self._made:
            self._made[key] = _light(due_at, self._now, self._until[warn], provisional)
        return self._made[key]

    def _near(
        self, due_at: InstrumentedAttribute[datetime | None], matter_id: InstrumentedAttribute[int]
    ) -> ColumnElement[bool]:
        """Most clocks warn equally early; those that warn earlier are looked up."""
        early: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for names, warn in self._warn.items():
            if warn > self._least:
                early[warn].append(names)
        its = aliased(Matter)
        mine = select(Clock.id).join(its, its.id == Clock.matter_id).correlate_except(Clock, its)
        mine = mine.where(Clock.matter_id == matter_id, Clock.state == clk.RUNNING, Clock.due_at == due_at)
        looked_up = [
            and_(due_at <= self._near_instant(warn, due_at), mine.where(or_(*(_is(its, *n) for n in names))).exists())
            for warn, names in early.items()
        ]
        return or_(due_at <= self._near_instant(self._least, due_at), *looked_up)

    def _near_instant(self, warn: int, due_at: InstrumentedAttribute[datetime | None]) -> BindParameter[datetime]:
        return bindparam(_near_by(warn), self._until[warn], due_at.type)

    def _warned(self, procedure: str, clock: str | None) -> int:
        return self._warn.get((procedure, clock or ""), self._least)


@lru_cache(maxsize=4)
def _warnings(registry: Registry) -> Mapping[tuple[str, str], int]:
    """How many working days before its end each clock warns, by procedure and name."""
    return {
        (key, name): rule.warn
        for key in registry.procedures
        for name, rule in registry.versions(key)[-1].policy.clocks.items()
    }


@lru_cache(maxsize=16)
def _until(engine: Engine, today: date) -> Mapping[int, datetime]:
    """Until when a deadline is near, by how early a clock warns."""
    warnings = _warnings(engine.registry).values()
    return {warn: _warned_until(warn, today, engine.calendar) for warn in {min(warnings, default=0), *warnings}}


def _running_clocks(session: Session, matter_ids: list[int]) -> dict[int, list[_Clock]]:
    found: dict[int, list[_Clock]] = defaultdict(list)
    if matter_ids:
        for row in read_rows(session, _RUNNING, {"matters": matter_ids}):
            found[row["matter_id"]].append((row["name"], row["due_at"], row["provisional"]))
    return found


_RUNNING = select(Clock.matter_id, Clock.name, Clock.due_at, Clock.provisional).where(
    Clock.matter_id.in_(bindparam("matters", expanding=True)), Clock.state == clk.RUNNING
)


def _is(matter: type[Matter], procedure: str, clock: str) -> ColumnElement[bool]:
    return and_(matter.procedure == procedure, Clock.name == clock)


def _near_by(warn: int) -> str:
    return f"lights_near_{warn}"


def _last_day(due_at: datetime) -> date:
    """A period that ends with its day is due at the next day's first instant."""
    return local_date(due_at - _INSTANT)
