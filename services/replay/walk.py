"""The walk through the log: working day by working day, each in one transaction with the position it leads to."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.db.errors import DubanError
from services.db.session import Database
from services.engine.core import Engine
from services.engine.models import Matter
from services.engine.opening import open_matter
from services.engine.perform import perform
from services.engine.sweep import BATCH, sweep_batch
from services.identity.access import Actor, load_actor
from services.replay.errors import ReplayRefused
from services.replay.house import House
from services.replay.plan import Deed, Plan, Span, Step, spans
from services.replay.position import Position
from services.replay.profile import Profile

PETITION = "petition"
_COUNTED = ("set_aside", "failed_deeds")


@dataclass
class Walk:
    """A replay under way. A kill loses the span it is in and nothing else: `position` moves with the span's work."""

    engine: Engine
    database: Database
    profile: Profile
    plan: Plan
    position: Position
    matters: dict[str, int] = field(default_factory=dict)
    actors: dict[int, Actor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.house = House(**self.position.house)
        with self.database.read() as session:
            known = session.execute(select(Matter.external_ref, Matter.id).where(Matter.external_ref.is_not(None)))
            self.matters.update((ref, matter_id) for ref, matter_id in known)

    def go(self, until: datetime, done: Callable[[int], None]) -> None:
        """Walk on to `until`, itself not included; `done` is told how many more steps were taken."""
        for span in spans(self.engine.calendar, self.position.reached, until):
            steps = self.plan.between(span.start, span.until)
            with self.database.write() as session:
                totals = self._sweep(session, span)
                for step in steps:
                    self._take(session, step)
                moved = self.position.move_on(session, span.until, totals)
            self.position = moved
            done(len(steps))

    def _sweep(self, session: Session, span: Span) -> dict[str, int]:
        totals = Counter(self.position.totals)
        while span.sweep:
            batch = sweep_batch(session, self.engine, span.start)
            totals.update({name: batch[name] for name in _COUNTED})
            if batch["due"] < BATCH:
                totals["sweeps"] += 1
                break
        return dict(totals)

    def _take(self, session: Session, step: Step) -> None:
        try:
            _TAKE[step.deed](self, session, step)
        except DubanError as refusal:
            fields = [f"{e['field']}: {e['en']}" for e in refusal.extra.get("errors", ())]
            why = "; ".join([str(refusal), *fields])
            where = f"case {step.case.id} (line {step.line}), {step.deed.name.lower()} at {step.at.isoformat()}"
            raise ReplayRefused(f"the engine refuses {where}: {why}; mend the log or the profile") from refusal

    def _start(self, session: Session, step: Step) -> None:
        """Register, accept, propose the given deadline, approve: all at the instant of the case's start."""
        case, registrar = step.case, self._actor(session, self.house.registrar, step.at)
        data = self._answers("open", {
            "channel": self.profile.channels[case.facts.channel], "received_on": local_date(step.at).isoformat(),
            "summary": case.id, "content": f"{case.id}（{case.facts.channel}，{case.facts.unit}）", "anonymous": True,
        })  # fmt: skip
        opened = open_matter(
            self.engine, session, PETITION, data, registrar, step.at, unit_id=self.house.county, external_ref=case.id
        )
        self.matters[case.id] = opened.matter_id
        self._act(session, step, "accept", self.house.registrar)
        self._act(session, step, "propose", self.house.registrar, {
            "petition_class": "date_given", "given_due": case.facts.deadline,
            "handler_unit": self.house.units[case.facts.unit],
        })  # fmt: skip
        self._act(session, step, "approve", self.house.approver)

    def _note(self, session: Session, step: Step) -> None:
        assert step.event is not None
        who = self.house.people[step.event.resource]
        self._act(session, step, "note_progress", who, {"content": step.event.activity})

    def _end(self, session: Session, step: Step) -> None:
        who = self.house.people[step.case.facts.responsible]
        self._act(session, step, "complete", who, {"finished_on": local_date(step.at).isoformat()})

    def _archive(self, session: Session, step: Step) -> None:
        self._act(session, step, "archive", self.house.registrar, {"archive_no": step.case.id})

    def _act(self, session: Session, step: Step, action: str, who: int, told: Mapping[str, Any] | None = None) -> None:
        actor, data = self._actor(session, who, step.at), self._answers(action, told or {})
        perform(self.engine, session, self.matters[step.case.id], action, actor, data, step.at)

    def _answers(self, action: Any, told: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.profile.answers.get(action, {}), **told}

    def _actor(self, session: Session, who: int, at: datetime) -> Actor:
        """Roles are given once, from before the first step on and for good: each actor is read once."""
        if who not in self.actors:
            self.actors[who] = load_actor(session, who, local_date(at))
        return self.actors[who]


_TAKE: dict[Deed, Callable[[Walk, Session, Step], None]] = {
    Deed.START: Walk._start,
    Deed.NOTE: Walk._note,
    Deed.END: Walk._end,
    Deed.ARCHIVE: Walk._archive,
}
