"""Computes the cards of a period from all its counted entries, from scratch, and keeps what is new.

A card is kept with the digest of what it rests on. A later computation that gives the same digest changes nothing; one
that differs adds a row beside the old one, which names the entries that came or went: never a silent change.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.db.upsert import insert_missing
from services.engine.core import Engine, engine_for
from services.engine.registry import canonical, digest
from services.runtime import Runtime
from services.scoring.cards import Card, Entry, card, rounded
from services.scoring.entries import (
    Period,
    definition_of,
    entries_of,
    read_period,
    weighing_of,
    years_with_entries,
)
from services.scoring.models import ScoreCard

Subject = tuple[int, int]


def close_periods(runtime: Runtime, now: datetime) -> dict[str, Any]:
    """Compute every year that is over; for the clock. Returns {"periods", "cards", "new", "corrections"}."""
    engine = engine_for(runtime)
    with runtime.database.read() as session:
        over = [year for year in years_with_entries(session) if read_period(year).last < local_date(now)]
    totals = {"periods": len(over), "cards": 0, "new": 0, "corrections": 0}
    for year in over:
        with runtime.database.write() as session:
            made = compute(session, engine, year, None, now)
        totals["cards"] += len(made["cards"])
        totals["new"] += sum(c["new"] for c in made["cards"])
        totals["corrections"] += sum(c["new"] and c["kind"] == "correction" for c in made["cards"])
    return totals


def compute(session: Session, engine: Engine, name: str, by: int | None, now: datetime) -> dict[str, Any]:
    """Compute a period; return {"period", "policy", "digest", "cards": [{unit_id, person_id, number, kind, new,
    digest, figures, entries, changed}]}. Raises NoSuchPeriod. The same entries give the same answer, byte for byte.
    """
    period = read_period(name)
    definition = definition_of(engine, period)
    weighing = weighing_of(definition)
    by_subject: dict[Subject, list[Entry]] = {}
    for kept in entries_of(session, period):
        by_subject.setdefault(kept.subject, []).append(kept.counted())
    before = latest_cards(session, period.name)
    for gone in before.keys() - by_subject.keys():
        by_subject[gone] = []
    engine.registry.keep(session, definition, now)
    cards = []
    for subject in sorted(by_subject):
        entries = by_subject[subject]
        row = _row(period, subject, card(entries, weighing), entries, definition.policy_hash)
        cards.append(_keep(session, row, before.get(subject), local_date(now) > period.last, by, now))
    whole = digest(canonical([c["digest"] for c in cards]))
    return {"period": period.name, "policy": definition.policy_hash, "digest": whole, "cards": cards}


def latest_cards(session: Session, period: str) -> dict[Subject, ScoreCard]:
    """Return the card in force of each subject: the last one computed."""
    last = (
        select(ScoreCard.unit_id, ScoreCard.person_id, func.max(ScoreCard.number).label("number"))
        .where(ScoreCard.period == period)
        .group_by(ScoreCard.unit_id, ScoreCard.person_id)
        .subquery()
    )
    wanted = select(ScoreCard).join(
        last,
        (ScoreCard.unit_id == last.c.unit_id)
        & (ScoreCard.person_id == last.c.person_id)
        & (ScoreCard.number == last.c.number),
    )
    found = session.scalars(wanted.where(ScoreCard.period == period))
    return {(c.unit_id, c.person_id): c for c in found}


def figures(made: Card) -> dict[str, Any]:
    """A card as plain values: figures with two places, weights and coverage in per cent."""
    return {
        "assessed": rounded(made.assessed), "coverage": rounded(made.coverage * 100),
        "adjustments": rounded(made.adjustments), "total": rounded(made.total), "vetoed": made.vetoed,
        "lines": [
            {"item": line.item, "title": line.title, "figure": rounded(line.figure),
             "weight": None if line.weight is None else rounded(line.weight * 100), "entries": list(line.entries)}
            for line in made.lines
        ],
    }  # fmt: skip


def _row(period: Period, subject: Subject, made: Card, entries: Iterable[Entry], policy: str) -> dict[str, Any]:
    used = [[e.matter_id, e.item, None if e.points is None else str(e.points)] for e in entries]
    rests_on = {"period": period.name, "subject": list(subject), "policy": policy, "entries": sorted(used)}
    return {
        "period": period.name, "unit_id": subject[0], "person_id": subject[1], "figures": figures(made),
        "entries": sorted(used), "digest": digest(canonical(rests_on)),
    }  # fmt: skip


def _keep(
    session: Session, row: dict[str, Any], before: ScoreCard | None, over: bool, by: int | None, now: datetime
) -> dict[str, Any]:
    if before is not None and before.digest == row["digest"] and (before.kind != "interim" or not over):
        same = {"number": before.number, "kind": before.kind, "changed": before.changed, "new": False}
        return row | same
    settled = before is not None and before.kind != "interim"
    kept = row | {
        "number": before.number + 1 if before else 1,
        "kind": "correction" if settled else "final" if over else "interim",
        "changed": _changed(before.entries if before else [], row["entries"], rules=_same_entries(before, row)),
    }
    # of two computations at once the second gives the same row
    unique = ["period", "unit_id", "person_id", "number"]
    insert_missing(session, ScoreCard, [{**kept, "computed_at": now, "computed_by": by}], unique)
    return kept | {"new": True}


def _same_entries(before: ScoreCard | None, row: dict[str, Any]) -> bool:
    return before is not None and before.entries == row["entries"] and before.digest != row["digest"]


def _changed(old: list[Any], new: list[Any], *, rules: bool) -> dict[str, Any]:
    """What makes the difference: entries that came and went, or the policy alone."""
    return {"added": [e for e in new if e not in old], "removed": [e for e in old if e not in new], "rules": rules}
