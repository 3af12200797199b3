"""Scores as a page shows them: per subject the figures, and below each figure the entries it rests on.

A subject is shown to whom every one of its counted entries is shown, and to nobody else: from a total and some of its
parts one could work out the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.engine.core import Engine
from services.engine.models import Matter
from services.engine.queries.labels import state_label
from services.engine.registry import Definition
from services.engine.visibility import in_subtree, visible
from services.identity.access import Actor
from services.identity.models import Person, Unit
from services.scoring.cards import card
from services.scoring.computing import Subject, figures, latest_cards
from services.scoring.entries import COUNTED, PROCEDURE, Kept, definition_of, entries_of, read_period, weighing_of
from services.scoring.models import ScoreCard

OBJECTION = "window"
_EVERY = ("proposed", "window", "objected", COUNTED, "dropped")


@dataclass(frozen=True, slots=True)
class EntryView:
    """An entry of a subject. `points` is None for a veto; `objectionable`: whoever looks may object to it now."""

    matter_id: int
    number: str
    item: str
    title: str
    points: str | None
    state: str
    state_label: str
    reason: str
    objectionable: bool


@dataclass(frozen=True, slots=True)
class SubjectView:
    """A unit, or a person in it. `figures` are computed now from what is counted; `kept` is the card on record.

    `changed` says that the two no longer agree: the next computation adds a correction.
    """

    unit_id: int
    unit_name: str
    person_id: int | None
    person_name: str | None
    figures: Mapping[str, Any]
    entries: list[EntryView]
    kept: ScoreCard | None
    changed: bool


def scores_of(
    session: Session, engine: Engine, actor: Actor, name: str, *, unit_id: int | None = None
) -> list[SubjectView]:
    """Return every subject of a period that the actor may know of, by unit, never by figure. Raises NoSuchPeriod."""
    period = read_period(name)
    definition = definition_of(engine, period)
    weighing = weighing_of(definition)
    here = [in_subtree(unit_id)] if unit_id is not None else []
    shown = entries_of(session, period, only=[visible(actor, engine.registry), *here], states=_EVERY)
    counted = _by_subject(entries_of(session, period))
    kept, names = latest_cards(session, period.name), _Names(session, shown)
    views = []
    for subject, entries in _by_subject(shown).items():
        mine = [entry for entry in entries if entry.state == COUNTED]
        if {e.matter_id for e in mine} != {e.matter_id for e in counted.get(subject, [])}:
            continue
        made = figures(card([e.counted() for e in mine], weighing))
        on_record = kept.get(subject)
        changed = on_record is not None and [row[0] for row in on_record.entries] != [e.matter_id for e in mine]
        unit, person = subject
        may = actor.id == person or definition.policy.permits("object", actor.roles_at(names.paths[unit]))
        lines = [_view(entry, weighing.titles, definition, may) for entry in entries]
        who = (unit, names.units[unit], person or None, names.people.get(person))
        views.append(SubjectView(*who, made, lines, on_record, changed))
    return sorted(views, key=names.order)


def periods_of(session: Session, engine: Engine, actor: Actor, now: datetime) -> list[str]:
    """Return the periods to choose from, latest first: this year, and whatever the actor may see entries of."""
    opened = Matter.record["steps"]["open"]["answers"]["period"].as_string()
    found = select(opened).where(Matter.procedure == PROCEDURE, visible(actor, engine.registry)).distinct()
    names = set(session.scalars(found))
    return sorted({str(local_date(now).year), *names, *(name[:4] for name in names)}, reverse=True)


class _Names:
    """What the units and people of some entries are called."""

    def __init__(self, session: Session, entries: list[Kept]) -> None:
        units = select(Unit.id, Unit.name, Unit.path).where(Unit.id.in_({e.unit_id for e in entries}))
        people = select(Person.id, Person.name).where(Person.id.in_({e.person_id for e in entries if e.person_id}))
        rows = session.execute(units).all()
        self.units = {row.id: row.name for row in rows}
        self.paths = {row.id: row.path for row in rows}
        self.people = dict(session.execute(people).tuples().all())

    def order(self, view: SubjectView) -> tuple[Any, ...]:
        """Units as they stand in the tree, each before its people."""
        place = [int(part) for part in self.paths[view.unit_id].split("/") if part]
        return place, view.person_id is not None, view.person_name or "", view.person_id or 0


def _by_subject(entries: list[Kept]) -> dict[Subject, list[Kept]]:
    found: dict[Subject, list[Kept]] = {}
    for entry in entries:
        found.setdefault(entry.subject, []).append(entry)
    return found


def _view(entry: Kept, titles: Mapping[str, str], definition: Definition, may_object: bool) -> EntryView:
    return EntryView(
        entry.matter_id, entry.number, entry.item, titles.get(entry.item, entry.item),
        None if entry.points is None else str(entry.points), entry.state, state_label(definition, entry.state),
        entry.reason, may_object and entry.state == OBJECTION,
    )  # fmt: skip
