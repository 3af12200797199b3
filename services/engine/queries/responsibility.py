"""Which unit answers for what was late: by the working days it held a period beyond its due date."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from services.engine.core import Engine
from services.engine.models import Clock, Matter, WorkItem
from services.engine.queries.attribution import Held, Run, Window, is_turn, ran_in, runs, was_late
from services.engine.queries.board import closed_between
from services.engine.queries.labels import clock_title
from services.engine.visibility import visible
from services.identity.access import Actor, unit_ids_in_scope
from services.identity.models import Person, Unit


@dataclass(frozen=True, slots=True)
class Share:
    """A unit's part in some days' work.

    `late_days` are working days beyond due that fell into them, in `late_matters` matters, open ones too. `handled`
    were closed in them and passed through the unit; `at_fault` of those were late while it had them.
    """

    unit_id: int
    unit_name: str
    late_days: int
    late_matters: int
    handled: int
    at_fault: int

    @property
    def rate(self) -> float | None:
        """Which part of what the unit handled was never late through it, 0 to 1."""
        return (self.handled - self.at_fault) / self.handled if self.handled else None


@dataclass(frozen=True, slots=True)
class LateLine:
    """One period that one holder let run over: of which matter, whose it was, and for how many working days."""

    matter_id: int
    number: str
    title: str
    clock_title: str
    person_name: str | None
    days: int
    late: int


def shares(
    session: Session,
    engine: Engine,
    actor: Actor,
    now: datetime,
    days: Window,
    only: Sequence[ColumnElement[bool]] = (),
) -> list[Share]:
    """Return every unit in the actor's scope that handled or delayed anything in these days, most late days first."""
    closed = closed_between(days.first, days.last)
    handled = _handled(session, engine, actor, closed, *only)
    late_days: Counter[int] = Counter()
    late_matters: dict[int, set[int]] = defaultdict(set)
    fault: set[tuple[int, int]] = set()
    wanted = or_(closed, ran_in(days)), *only
    for run in _late_runs(session, engine, actor, now, *wanted, also=[closed.label("closed_then")]):
        for one in run.held(days):
            if one.late:
                late_days[one.unit_id] += one.late
                late_matters[one.unit_id].add(one.matter_id)
        if run.row["closed_then"]:
            fault |= {(one.unit_id, one.matter_id) for one in run.held() if one.late}
    at_fault = Counter(unit for unit, _ in fault)
    names = _names_in_scope(session, actor, handled.keys() | late_days.keys())
    found = [
        Share(unit, name, late_days[unit], len(late_matters[unit]), handled[unit], at_fault[unit])
        for unit, name in names.items()
    ]
    return sorted(found, key=lambda share: (-share.late_days, -share.at_fault, -share.handled, share.unit_id))


def late_through(
    session: Session, engine: Engine, actor: Actor, now: datetime, unit_id: int, days: Window
) -> ColumnElement[bool]:
    """Return the condition on `Matter` that this unit held it beyond due on a day of these."""
    late = _late(session, engine, actor, now, days, handled_by(unit_id))
    return Matter.id.in_(sorted({one.matter_id for one in late if one.unit_id == unit_id and one.late}))


def handled_by(unit_id: int) -> ColumnElement[bool]:
    """Return the condition on `Matter` that it was ever this unit's turn."""
    turn = select(WorkItem.id).where(WorkItem.matter_id == Matter.id, is_turn(), WorkItem.unit_id == unit_id)
    return turn.correlate(Matter).exists()


def late_lines(
    session: Session, engine: Engine, actor: Actor, now: datetime, unit_id: int, days: Window,
    only: Sequence[ColumnElement[bool]] = (),
) -> list[LateLine]:  # fmt: skip
    """Return what a unit's late days are made of, the most first."""
    held = [
        one
        for one in _late(session, engine, actor, now, days, handled_by(unit_id), *only)
        if one.unit_id == unit_id and one.late
    ]
    told = select(
        Clock.id, Clock.name, Matter.number, Matter.title, Matter.procedure_hash, Matter.policy_hash
    ).join(Matter, Matter.id == Clock.matter_id).where(Clock.id.in_({one.clock_id for one in held}))  # fmt: skip
    clocks = {row["id"]: row for row in session.execute(told).mappings()}
    wanted = {one.person_id for one in held if one.person_id is not None}
    people = dict(session.execute(select(Person.id, Person.name).where(Person.id.in_(wanted))).tuples().all())
    lines = []
    for one in sorted(held, key=lambda one: (-one.late, one.clock_id)):
        row = clocks[one.clock_id]
        definition = engine.registry.pinned(session, row["procedure_hash"], row["policy_hash"])
        who = people.get(one.person_id) if one.person_id is not None else None
        title = clock_title(definition, row["name"])
        lines.append(LateLine(one.matter_id, row["number"], row["title"], title, who, one.days, one.late))
    return lines


def _late(
    session: Session, engine: Engine, actor: Actor, now: datetime, days: Window, *only: ColumnElement[bool]
) -> list[Held]:
    return [one for run in _late_runs(session, engine, actor, now, ran_in(days), *only) for one in run.held(days)]


def _late_runs(
    session: Session, engine: Engine, actor: Actor, now: datetime, *only: ColumnElement[bool],
    also: Sequence[ColumnElement[Any]] = (),
) -> Iterator[Run]:  # fmt: skip
    return runs(session, engine, now, was_late(now), visible(actor, engine.registry), *only, also=also)


def _handled(
    session: Session, engine: Engine, actor: Actor, closed: ColumnElement[bool], *only: ColumnElement[bool]
) -> Counter[int]:
    wanted = (
        select(WorkItem.unit_id, func.count(WorkItem.matter_id.distinct()))
        .join(Matter, Matter.id == WorkItem.matter_id)
        .where(is_turn(), closed, visible(actor, engine.registry), *only)
        .group_by(WorkItem.unit_id)
    )
    return Counter(dict(session.execute(wanted).tuples().all()))


def _names_in_scope(session: Session, actor: Actor, unit_ids: set[int]) -> dict[int, str]:
    inside = unit_ids_in_scope(session, actor)
    wanted = unit_ids if inside is None else unit_ids & inside
    return dict(session.execute(select(Unit.id, Unit.name).where(Unit.id.in_(wanted))).tuples().all())
