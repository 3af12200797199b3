"""Samples drawn by lot, for those who supervise the whole county."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.api.shapes import Shown
from services.engine.models import Matter
from services.engine.visibility import visible
from services.http.calls import Call, Reporting
from services.sampling.draws import list_samples
from services.sampling.models import Sample

router = APIRouter(prefix="/samples", tags=["samples"])


class Drawn(Shown):
    """A matter that was drawn."""

    matter_id: int
    number: str


class DrawnSample(Shown):
    """One draw. `drawn` names those matters only that the caller may know of; the sizes count all."""

    id: int
    kind: str
    period: str
    ratio: str
    population_size: int
    drawn_size: int
    drawn: list[Drawn]
    figures: dict[str, Any]
    made_at: datetime


@router.get("")
def list_drawn_samples(call: Reporting) -> list[DrawnSample]:
    """List all draws, latest first."""
    with call.read() as session:
        samples = list_samples(session, call.engine, call.actor)
        known = _known(session, call, {number for sample in samples for number in sample.drawn})
        return [_shown(sample, known) for sample in samples]


def _known(session: Session, call: Call, numbers: set[str]) -> dict[str, int]:
    query = select(Matter.number, Matter.id).where(
        Matter.procedure == "petition", Matter.number.in_(numbers), visible(call.actor, call.engine.registry)
    )
    return dict(session.execute(query).tuples().all())


def _shown(sample: Sample, known: dict[str, int]) -> DrawnSample:
    return DrawnSample(
        id=sample.id,
        kind=sample.kind,
        period=sample.period,
        ratio=sample.ratio,
        population_size=len(sample.population),
        drawn_size=len(sample.drawn),
        drawn=[Drawn(matter_id=known[number], number=number) for number in sample.drawn if number in known],
        figures=sample.figures,
        made_at=sample.made_at,
    )
