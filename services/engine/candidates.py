"""Candidates: rules over facts of other matters open a matter for people to judge, and do nothing else.

A matter is a ground once per rule, unit and head: its row's insert is the claim, made with the unit locked and in the
transaction that opens the candidate. While one is open a further ground only adds a link and an entry in its journal.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import Any

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.db.errors import DubanError
from services.db.session import Database
from services.db.upsert import insert_missing
from services.engine import journal
from services.engine.core import Engine, engine_for
from services.engine.models import Candidate, Exclusion, Matter
from services.engine.occasions import read_heads
from services.engine.opening import GROUNDS, open_matter
from services.engine.recording import write_exclusions, write_link
from services.identity.access import CLOCK
from services.identity.models import Unit
from services.runtime import Runtime
from statemachines.kit.candidates import PARENT_UNIT, UNIT, CandidateRule, Fact, Proposal, propose, read
from statemachines.kit.posts import Tenure

_UNIQUE = ["procedure", "rule", "unit_id", "person_id", "ground_id"]
log = structlog.get_logger(__name__)


def propose_candidates(runtime: Runtime, now: datetime) -> dict[str, Any]:
    """Propose what the rules find; for the clock and the command line. See `propose_all`."""
    return propose_all(runtime.database, engine_for(runtime), now)


def propose_all(
    database: Database, engine: Engine, now: datetime, only: Collection[str] | None = None
) -> dict[str, Any]:
    """Open a matter for every proposal that nobody has seen yet, each in its own transaction, at the county.

    `only` are the procedures whose rules are asked; all where it is left out.
    Returns {"proposed", "added", "skipped", "failed", "failures": [{"procedure", "candidate", "unit_id", "why"}]}:
    `added` are grounds linked to a candidate that is open, `skipped` proposals that hold nothing new.
    What fails is tried again next time.
    """
    counts: Counter[str] = Counter(proposed=0, added=0, skipped=0, failed=0)
    failures = []
    with database.read() as session:
        found = [p for p in _proposals(session, engine, local_date(now)) if only is None or p[0] in only]
    for procedure, proposal in found:
        try:
            with database.write() as session:
                counts.update(_see_to(session, engine, procedure, proposal, now))
        except Exception as problem:  # whatever it is, the others go on
            counts["failed"] += 1
            failures.append({
                "procedure": procedure, "candidate": proposal.name, "unit_id": proposal.unit_id,
                "why": f"{type(problem).__name__}: {problem}",
            })  # fmt: skip
            log.warning("candidate failed", **failures[-1], exc_info=not isinstance(problem, DubanError))
    return {**counts, "failures": failures}


def _proposals(session: Session, engine: Engine, today: date) -> Iterator[tuple[str, Proposal]]:
    parents = dict(session.execute(select(Unit.id, Unit.parent_id)).tuples().all())
    tenures = _of_present_heads(read_heads(session), today)
    for key in sorted(engine.registry.procedures):
        for name, rule in engine.registry.current(key, today).policy.candidates.items():
            facts = _facts(session, rule, parents)
            yield from ((key, proposal) for proposal in propose(name, rule, facts, tenures))


def _of_present_heads(tenures: list[Tenure], today: date) -> list[Tenure]:
    present = {(t.unit_id, t.person_id) for t in tenures if t.holds(today)}
    return [t for t in tenures if (t.unit_id, t.person_id) in present]


def _facts(session: Session, rule: CandidateRule, parents: dict[int, int | None]) -> Iterator[Fact]:
    """Read what is on record now: a step that was withdrawn is no longer there."""
    steps = Matter.record["steps"]
    rows = select(Matter.id, Matter.number, Matter.origin_unit_id, steps).where(
        Matter.procedure == rule.procedure, steps[rule.action]["at"].as_string().is_not(None)
    )
    for matter_id, number, origin, taken in session.execute(rows.order_by(Matter.id)).tuples():
        step, answers = taken[rule.action], {action: kept["answers"] for action, kept in taken.items()}
        on = local_date(datetime.fromisoformat(step["at"]))
        fact = Fact(matter_id, number, rule.procedure, rule.action, origin, on, step["answers"], answers)
        for unit_id in _units(rule, fact, parents):
            yield Fact(matter_id, number, rule.procedure, rule.action, unit_id, on, step["answers"], answers)


def _units(rule: CandidateRule, fact: Fact, parents: dict[int, int | None]) -> list[int]:
    """Return the unit (or units, where the answer names several) that a fact counts for."""
    if rule.per == UNIT:
        return [fact.unit_id]
    if rule.per == PARENT_UNIT:
        above = parents[fact.unit_id]
        return [above] if above is not None else []
    return sorted({unit for unit in read(fact, rule.per) if unit in parents})


def _see_to(session: Session, engine: Engine, procedure: str, proposal: Proposal, now: datetime) -> Counter[str]:
    """Claim what is new, then add it to the open candidate or open one; say how many of each."""
    # one at a time per unit: two that read different facts would both find no candidate open
    session.execute(select(Unit.id).where(Unit.id == proposal.unit_id).with_for_update(key_share=True))
    grounds = {fact.matter_id: fact for fact in proposal.facts}
    rows = [{**_key(procedure, proposal), "ground_id": m, "matter_id": None, "made_at": now} for m in grounds]
    claimed = insert_missing(session, Candidate, rows, _UNIQUE, [Candidate.id, Candidate.ground_id])
    if not claimed:
        return Counter(skipped=1)
    candidate = _still_open(session, procedure, proposal)
    if candidate is None:
        candidate, counts = _open(session, engine, procedure, proposal, list(grounds), now), Counter(proposed=1)
    else:
        for _, ground in claimed:
            _add(session, candidate, grounds[ground], proposal, now)
        counts = Counter(added=len(claimed))
    mine = update(Candidate).where(Candidate.id.in_([row_id for row_id, _ in claimed]))
    session.execute(mine.values(matter_id=candidate))
    return counts


def _open(
    session: Session, engine: Engine, procedure: str, proposal: Proposal, grounds: list[int], now: datetime
) -> int:
    opening = engine.registry.procedures[procedure].opening
    assert opening.on_candidate is not None  # checked when the policies were read
    root = session.scalars(select(Unit.id).where(Unit.parent_id.is_(None))).one()
    answers = opening.on_candidate(proposal)
    return open_matter(engine, session, procedure, answers, CLOCK, now, unit_id=root, grounds=grounds).matter_id


def _key(procedure: str, proposal: Proposal) -> dict[str, Any]:
    return {
        "procedure": procedure, "rule": proposal.name, "unit_id": proposal.unit_id,
        "person_id": proposal.head_person_id or 0,
    }  # fmt: skip


def _still_open(session: Session, procedure: str, proposal: Proposal) -> int | None:
    same = [getattr(Candidate, column) == value for column, value in _key(procedure, proposal).items()]
    wanted = select(Matter.id).join(Candidate, Candidate.matter_id == Matter.id)
    return session.scalars(wanted.where(*same, Matter.closed_at.is_(None)).order_by(Matter.id)).first()


def _add(session: Session, candidate: int, fact: Fact, proposal: Proposal, now: datetime) -> None:
    """Link one more ground to an open candidate; whoever it keeps away is kept away from the candidate too."""
    write_link(session, candidate, fact.matter_id, GROUNDS, now)
    content = {"rule": proposal.name, "matter_id": fact.matter_id, "action": fact.action, "on": fact.on.isoformat()}
    journal.note(session, candidate, journal.Event("grounds", CLOCK, now, content))
    there, more = _away(session, candidate), _away(session, fact.matter_id)
    write_exclusions(session, candidate, more[0] - there[0], more[1] - there[1], "kept away from its grounds")


def _away(session: Session, matter_id: int) -> tuple[set[int], set[int]]:
    rows = select(Exclusion.person_id, Exclusion.unit_id).where(Exclusion.matter_id == matter_id)
    found = session.execute(rows).tuples().all()
    return {p for p, _ in found if p is not None}, {u for _, u in found if u is not None}
