"""Day by day: what falls due, what rules propose, what has to be escalated; what arrives; what people do."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy.orm import Session

from config.calendar import SHANGHAI
from services.db.errors import DubanError
from services.engine.candidates import propose_all
from services.engine.obligations import open_due
from services.engine.opening import open_matter
from services.engine.sweep import sweep
from services.sampling.draws import draw_due_samples
from services.scoring.computing import close_periods
from services.simulation.acting import Desk, code_of
from services.simulation.filling import CannotFill, fill
from services.simulation.rates import ARRIVALS, OTHERWISE, arrivals
from services.simulation.waiting import all_waiting
from services.simulation.world import World

MORNING, NIGHT = time(10), time(7)
MONDAY = 0
WORKDAYS_A_MONTH = 21
TRIES = 4
"""How often an arrival is written anew before it is let go."""


@dataclass
class Days:
    """A run through the days; only what is of `procedures` comes in from outside, or by rule.

    `share` of the usual number arrives.
    """

    world: World
    share: float
    procedures: frozenset[str]

    def go(self, first: date, last: date, done: Callable[[int], None]) -> None:
        day = first
        while day <= last:
            self._night(day)
            if self.world.engine.calendar.is_working(day):
                self._morning(day)
            done(1)
            day += timedelta(days=1)

    def _night(self, day: date) -> None:
        """What the clock does by `flows/schedule.py`, once a day; candidates, samples and yearly scores once a week."""
        world, now = self.world, datetime.combine(day, NIGHT, SHANGHAI)
        opened = open_due(world.runtime.database, world.engine, now, self.procedures)
        world.failures.update(f"obligation: {f['why']}" for f in opened["failures"])
        if day.weekday() == MONDAY:
            proposed = propose_all(world.runtime.database, world.engine, now, self.procedures)
            world.failures.update(f"candidate: {f['why']}" for f in proposed["failures"])
            draw_due_samples(world.runtime, now)
            close_periods(world.runtime, now)
        swept = sweep(world.runtime, now)
        world.failures.update({name: swept[name] for name in ("set_aside", "failed_deeds") if swept[name]})

    def _morning(self, day: date) -> None:
        now = datetime.combine(day, MORNING, SHANGHAI)
        with self.world.runtime.database.write() as session:
            self.world.read_matters(session)
            self._receive(session, now)
            self._attend(session, day, now)

    def _receive(self, session: Session, now: datetime) -> None:
        """What comes in from outside."""
        registry = self.world.engine.registry
        for key in sorted(self.procedures):
            mean = ARRIVALS.get(key, OTHERWISE).a_month / WORKDAYS_A_MONTH * self.share
            if registry.procedures[key].by_hand:
                for _ in range(arrivals(self.world.rng, mean)):
                    any(self.open(session, key, now) for _ in range(TRIES))

    def open(self, session: Session, key: str, now: datetime) -> bool:
        """Let somebody who may register such a matter, at a unit of his; say whether it was taken in."""
        world, today = self.world, now.date()
        procedure, definition = world.engine.registry.procedures[key], world.engine.registry.current(key, today)
        may = [h for h in world.county.holdings if h.role in definition.policy.open and h.counts(h.path, today)]
        if not may:
            return False
        held = world.rng.choice(may)
        unit = int(held.path.rstrip("/").rpartition("/")[2])
        view = world.view(session, held.person, now, definition.policy, held.path, frozenset())
        try:
            answers = fill(procedure.opening.form, view, ARRIVALS.get(key, OTHERWISE).leaning(view))
            with session.begin_nested():
                actor = world.county.actor(session, held.person, today)
                open_matter(world.engine, session, key, answers, actor, now, unit_id=unit)
        except (CannotFill, DubanError) as refusal:
            world.refused[code_of(refusal)] += 1
            return False
        world.used(answers)
        world.performed[f"{key}.open"] += 1
        return True

    def _attend(self, session: Session, day: date, now: datetime) -> None:
        """Whatever was planned for today; what is new is planned first."""
        world, desk = self.world, Desk(self.world, session, now)
        waiting = all_waiting(session)
        world.plan(waiting, day)
        for one in waiting:
            if world.planned[one.key] <= day:
                done = desk.attend(one, world.tries(one))
                world.plan_again(one, day, desk.code if not done else None)
