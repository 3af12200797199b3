"""What recurs by rule: per unit and period whether it was opened, waived, failed, or is still missing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, or_, select, true
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.engine.core import Engine
from services.engine.models import Matter, Obligation
from services.engine.occasions import House, between, declared
from services.engine.queries.labels import state_label
from services.engine.visibility import visible
from services.identity.access import Actor, unit_ids_in_scope
from services.identity.models import Person, Unit

OPENED, WAIVED, FAILED, MISSING = "opened", "waived", "failed", "missing"


@dataclass(frozen=True, slots=True)
class ObligationView:
    """One obligation of a unit, or of its head, in a period.

    `status` is opened, waived (`reason`; `waived_by` is None where a rule did it), failed (`reason`; it is tried
    again) or missing (its day has come and nobody saw to it yet). `due` is its last day; the other matter columns are
    None unless it was opened.
    """

    procedure: str
    name: str
    title: str
    period: str
    first: date
    last: date
    due: date
    unit_id: int
    unit_name: str
    person_id: int | None
    person_name: str | None
    status: str
    reason: str | None = None
    waived_by: int | None = None
    matter_id: int | None = None
    number: str | None = None
    state: str | None = None
    state_label: str | None = None
    closed_at: datetime | None = None


def list_obligations(
    session: Session,
    engine: Engine,
    actor: Actor,
    now: datetime,
    *,
    since: date,
    procedure: str | None = None,
    name: str | None = None,
    unit_id: int | None = None,
) -> list[ObligationView]:
    """Return the obligations of periods that begin on `since` or later, the latest period first, then by unit.

    One that was opened is seen by whoever may know of its matter, any other by the procedure's viewers at the unit.
    Missing ones are told from the first period that was ever seen to.
    """
    wanted = [(p, n) for p, n in declared(engine) if procedure in (None, p) and name in (None, n)]
    rows = _rows(session, engine, actor, wanted, since)
    missing = list(_missing(session, engine, actor, wanted, since, local_date(now)))
    found = [view for view in [*rows, *missing] if unit_id in (None, view.unit_id)]
    found.sort(key=lambda v: (v.procedure, v.name, v.unit_id, v.person_id or 0))
    return sorted(found, key=lambda v: v.first, reverse=True)


def _rows(
    session: Session, engine: Engine, actor: Actor, wanted: list[tuple[str, str]], since: date
) -> Iterator[ObligationView]:
    seen = [
        and_(Obligation.procedure == key, Obligation.matter_id.is_(None), _in_scope(session, engine, actor, key))
        for key in sorted({p for p, _ in wanted})
    ]
    query = _OBLIGATIONS.where(
        Obligation.first_day >= since,
        or_(and_(Obligation.matter_id.is_not(None), visible(actor, engine.registry)), *seen),
    )
    for row in session.execute(query).mappings():
        if (row["procedure"], row["name"]) in wanted:
            yield _view(session, engine, dict(row))


def _view(session: Session, engine: Engine, row: Mapping[str, Any]) -> ObligationView:
    rule = engine.registry.current(row["procedure"], row["first_day"]).policy.obligations.get(row["name"])
    kept = {name: row[name] for name in ObligationView.__slots__ if name in row and name != "person_id"}
    label = None
    if row["matter_id"] is not None:
        label = state_label(engine.registry.pinned(session, row["procedure_hash"], row["policy_hash"]), row["state"])
    return ObligationView(
        **kept, title=rule.title if rule else row["name"], person_id=row["person_id"] or None,
        status=OPENED if row["matter_id"] else WAIVED if row["waived"] else FAILED,
        reason=row["waived"] or row["failure"], state_label=label,
    )  # fmt: skip


def _missing(
    session: Session, engine: Engine, actor: Actor, wanted: list[tuple[str, str]], since: date, today: date
) -> Iterator[ObligationView]:
    house = House.read(session)
    names = dict(session.execute(select(Unit.id, Unit.name)).tuples().all())
    people = dict(session.execute(select(Person.id, Person.name)).tuples().all())
    for key, name in wanted:
        there = _seen_to(session, key, name)
        units = _units(session, engine, actor, key)
        start = max(since, min((first for first, *_ in there), default=today))
        for rule, period in between(engine, key, name, start, today):
            for owed in house.owed(key, name, rule, period) if period.first >= start else ():
                one = owed.occasion
                if (one.first, one.unit_id, one.person_id or 0) in there or (
                    units is not None and one.unit_id not in units
                ):
                    continue
                yield ObligationView(
                    key, name, one.title, one.period, one.first, one.last, one.due, one.unit_id, names[one.unit_id],
                    one.person_id, people[one.person_id] if one.person_id else None, MISSING,
                )  # fmt: skip


def _seen_to(session: Session, procedure: str, name: str) -> set[tuple[date, int, int]]:
    rows = select(Obligation.first_day, Obligation.unit_id, Obligation.person_id).where(
        Obligation.procedure == procedure, Obligation.name == name
    )
    return {(first, unit, person) for first, unit, person in session.execute(rows).tuples()}


def _units(session: Session, engine: Engine, actor: Actor, procedure: str) -> set[int] | None:
    return unit_ids_in_scope(session, actor, engine.registry.versions(procedure)[-1].policy.viewers)


def _in_scope(session: Session, engine: Engine, actor: Actor, procedure: str) -> Any:
    units = _units(session, engine, actor, procedure)
    return true() if units is None else Obligation.unit_id.in_(units)


_OBLIGATIONS = (
    select(
        Obligation.procedure, Obligation.name, Obligation.period, Obligation.first_day,
        Obligation.first_day.label("first"), Obligation.last_day.label("last"), Obligation.due_on.label("due"),
        Obligation.unit_id, Unit.name.label("unit_name"), Obligation.person_id, Person.name.label("person_name"),
        Obligation.waived, Obligation.failure, Obligation.waived_by, Obligation.matter_id, Matter.number, Matter.state,
        Matter.closed_at, Matter.procedure_hash, Matter.policy_hash,
    )
    .join(Unit, Unit.id == Obligation.unit_id)
    .outerjoin(Person, Person.id == Obligation.person_id)
    .outerjoin(Matter, Matter.id == Obligation.matter_id)
)  # fmt: skip
