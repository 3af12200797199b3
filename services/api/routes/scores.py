"""Scores of a period, as far as the caller may know of them."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.api.shapes import Id, Shown, Words
from services.http.calls import Reporting
from services.scoring.reading import SubjectView, scores_of

router = APIRouter(prefix="/scores", tags=["scores"])


class ScoreEntry(Shown):
    """One entry below a figure; `points` is null for a veto."""

    matter_id: int
    number: str
    item: str
    title: str
    points: str | None
    state: str
    reason: str


class CardOnRecord(Shown):
    """The last card computed: `interim`, `final` or `correction`; `changed` names entries that came or went."""

    number: int
    kind: str
    digest: str
    changed: dict[str, Any]
    computed_at: datetime


class SubjectScore(Shown):
    """A unit, or a person in it: `figures` from what is counted now, `kept` the card on record."""

    unit_id: int
    unit_name: str
    person_id: int | None
    person_name: str | None
    figures: dict[str, Any]
    entries: list[ScoreEntry]
    kept: CardOnRecord | None
    changed: bool


@router.get("")
def list_scores(call: Reporting, period: Words, unit_id: Annotated[Id | None, Query()] = None) -> list[SubjectScore]:
    """List the subjects of a period (2016, 2016-H1, 2016-Q1, 2016-03), by unit and never by figure."""
    with call.read() as session:
        found = scores_of(session, call.engine, call.actor, period, unit_id=unit_id)
        return [_shown(one) for one in found]


def _shown(one: SubjectView) -> SubjectScore:
    return SubjectScore.model_validate(one)
