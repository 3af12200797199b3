"""What rules proposed, and what became of it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from services.engine.core import Engine
from services.engine.models import Candidate, Matter
from services.engine.queries.labels import state_label
from services.engine.visibility import visible
from services.identity.access import Actor
from services.identity.models import Person, Unit


@dataclass(frozen=True, slots=True)
class CandidateView:
    """A matter that a rule proposed, about a unit or its head. `grounds` counts the matters it rests on, as far as the
    reader may know of them."""

    matter_id: int
    number: str
    title: str
    procedure: str
    rule: str
    rule_title: str
    unit_id: int
    unit_name: str
    person_id: int | None
    person_name: str | None
    grounds: int
    state: str
    state_label: str
    opened_at: datetime
    closed_at: datetime | None


def list_candidates(
    session: Session, engine: Engine, actor: Actor, *, procedure: str | None = None, still_open: bool = False
) -> list[CandidateView]:
    """Return the candidates whose matter the actor may know of, the latest first."""
    columns = (
        Candidate.matter_id, Candidate.procedure, Candidate.rule, Candidate.unit_id, Unit.name.label("unit_name"),
        Candidate.person_id, Person.name.label("person_name"), Matter.number, Matter.title, Matter.state,
        Matter.opened_at, Matter.closed_at, Matter.procedure_hash, Matter.policy_hash,
    )  # fmt: skip
    wanted = (
        select(*columns)
        .distinct()
        .join(Matter, Matter.id == Candidate.matter_id)
        .join(Unit, Unit.id == Candidate.unit_id)
        .outerjoin(Person, Person.id == Candidate.person_id)
        .where(visible(actor, engine.registry))
        .order_by(Candidate.matter_id.desc())
    )
    if procedure is not None:
        wanted = wanted.where(Candidate.procedure == procedure)
    if still_open:
        wanted = wanted.where(Matter.closed_at.is_(None))
    rows = session.execute(wanted).mappings().all()
    grounds = _grounds(session, engine, actor, [row["matter_id"] for row in rows])
    found = []
    for row in rows:
        definition = engine.registry.pinned(session, row["procedure_hash"], row["policy_hash"])
        rule = definition.policy.candidates.get(row["rule"])
        kept = {name: row[name] for name in CandidateView.__slots__ if name in row and name != "person_id"}
        found.append(
            CandidateView(
                **kept, rule_title=rule.title if rule else row["rule"], person_id=row["person_id"] or None,
                grounds=grounds.get(row["matter_id"], 0), state_label=state_label(definition, row["state"]),
            )
        )  # fmt: skip
    return found


def _grounds(session: Session, engine: Engine, actor: Actor, matters: list[int]) -> dict[int, int]:
    """Count the grounds that the actor may know of: not even their number tells of others."""
    of = aliased(Candidate)
    counted = (
        select(of.matter_id, func.count())
        .join(Matter, Matter.id == of.ground_id)
        .where(of.matter_id.in_(matters), visible(actor, engine.registry))
        .group_by(of.matter_id)
    )
    return {matter_id: count for matter_id, count in session.execute(counted).tuples() if matter_id is not None}
