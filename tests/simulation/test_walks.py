"""Linked matters that wander: people try anything at any time on any of them; after each step every invariant holds."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config.calendar import SHANGHAI
from services.db.base import Base
from services.db.errors import DubanError
from services.engine import clocks as clk
from services.engine.loading import Loaded, load
from services.engine.models import Clock, Entry, Matter
from services.engine.perform import perform
from services.engine.sweep import sweep
from services.simulation.acting import Desk
from services.simulation.days import Days
from services.simulation.filling import fill
from services.simulation.run import Order, prepare
from services.simulation.waiting import all_waiting
from services.simulation.world import World
from statemachines.kit.forms import Form, Ref, marks
from statemachines.kit.procedure import Action, Kind
from tests.support.cast import County
from tests.support.invariants import check

BEGINS = datetime(2016, 3, 1, 10, tzinfo=SHANGHAI)
STEPS, OPENED = 50, 0.15


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home: Path = tmp_path_factory.mktemp("walks")
    made = prepare(Order(BEGINS.date(), date(2016, 12, 31), 8, 11, "tongcheng", home / "home"))
    yield made
    made.runtime.database.close()


@dataclass
class Walk:
    """One matter and all that come to be linked to it, with what must never be undone remembered."""

    world: World
    since: int
    now: datetime = BEGINS
    late: set[int] = field(default_factory=set)
    taken: int = 0

    def step(self) -> None:
        rng = self.world.rng
        self.now += timedelta(hours=rng.choice([1, 1, 20, 100]))
        if rng.random() < 0.12:
            sweep(self.world.runtime, self.now)
        else:
            self.act(rng.choice(["attend", "attend", "attend", "act", "wild"]))
        check(County(self.world.runtime.database, self.world.engine), self.since)
        self.check_lateness()

    def act(self, manner: str) -> None:
        with self.world.runtime.database.write() as session:
            self.world.read_matters(session)
            if self.world.rng.random() < OPENED:  # or a walk could spend itself on one matter that waits for somebody
                self.days.open(session, self.world.rng.choice(self.starts), self.now)
            desk, chosen = Desk(self.world, session, self.now), self.world.rng.choice(self.open_matters(session))
            loaded = load(self.world.engine, session, chosen)
            match manner:
                case "attend":
                    waits = [one for one in all_waiting(session) if one.matter == chosen]
                    self.taken += desk.attend(self.world.rng.choice(waits))
                case "act":
                    self.taken += desk.attempt(loaded, *self.something_legal(loaded))
                case "wild":
                    self.try_anything(desk, loaded)
            written = select(Entry.actor_id).where(Entry.matter_id == loaded.id, Entry.seq > loaded.row["journal_seq"])
            assert not loaded.people & set(session.scalars(written))

    def try_anything(self, desk: Desk, loaded: Loaded) -> None:
        """Any action of the procedure by anybody; what is refused has written nothing anywhere."""
        rng, session = self.world.rng, desk.session
        action = rng.choice(list(loaded.definition.procedure.actions.values()))
        person = rng.choice(self.world.county.people)
        answers = fill(action.form, desk.view(loaded, person))
        actor = self.world.county.actor(session, person, self.now.date())
        before = counted(session)
        try:
            with session.begin_nested():
                perform(self.world.engine, session, loaded.id, action.name, actor, answers, self.now)
        except DubanError as refusal:
            assert refusal.zh
            assert counted(session) == before
            after = load(self.world.engine, session, loaded.id)
            assert (after.row, after.clocks, after.items) == (loaded.row, loaded.clocks, loaded.items)
            return
        self.world.used(answers)
        self.taken += 1

    def something_legal(self, loaded: Loaded) -> tuple[Action, int | None]:
        """An action of its state; a vote by somebody who is waited for."""
        rng, procedure = self.world.rng, loaded.definition.procedure
        seats = {i["kind"]: i["person_id"] for i in loaded.items if procedure.panel_of(i["kind"])}
        if seats and rng.random() < 0.5:
            vote = rng.choice(sorted(seats))
            return procedure.actions[vote], seats[vote]
        known = procedure.open_actions(loaded.row["state"])
        onward = [a for a in known if a.kind is Kind.FORWARD]
        rest = [a for a in known if a.kind not in (Kind.VOTE, Kind.WITHDRAW)]
        return rng.choice(onward if onward and rng.random() < 0.7 else rest), None

    def open_matters(self, session: Session) -> list[int]:
        """The matters of this walk that are open; where none is left it begins with another."""
        wanted = select(Matter.id).where(Matter.id > self.since, Matter.closed_at.is_(None)).order_by(Matter.id)
        while not (found := list(session.scalars(wanted))):
            self.world.read_matters(session)
            self.days.open(session, self.world.rng.choice(self.starts), self.now)
        return found

    @cached_property
    def starts(self) -> list[str]:
        """What can be opened without another matter to refer to."""
        known = self.world.engine.registry.procedures.items()
        return sorted(key for key, p in known if p.by_hand and not refers(p.opening.form))

    @cached_property
    def days(self) -> Days:
        return Days(self.world, 1, frozenset())

    def check_lateness(self) -> None:
        """Whatever was late once shows it: still running over its end, on its ledger, or in its outcome."""
        with self.world.runtime.database.read() as session:
            for clock in session.scalars(select(Clock).where(Clock.matter_id > self.since)):
                late = bool(clock.ledger["late"]) or clock.outcome == "late"
                over = clock.state == clk.RUNNING and clock.due_at is not None and clock.due_at < self.now
                if clock.id in self.late and clock.outcome not in ("waived", "withdrawn"):
                    assert late or over
                if late or over:
                    self.late.add(clock.id)


@pytest.mark.parametrize("seed", range(3))
def test_no_walk_across_linked_matters_breaks_an_invariant(world: World, seed: int) -> None:
    world.rng = Random(seed)
    with world.runtime.database.read() as session:
        walk = Walk(world, session.scalar(select(func.max(Matter.id))) or 0)
    for _ in range(STEPS):
        walk.step()
    assert walk.taken >= STEPS // 3


def refers(form: type[Form]) -> bool:
    """Whether the form cannot do without the id of a matter."""
    needed = {name for name, field in form.model_fields.items() if field.is_required()}
    return any(isinstance(m, Ref) and m.to == "matter" for name in needed for m in marks(form)[name])


def counted(session: Session) -> dict[str, int]:
    """How many rows each table has: with the matter's own row unchanged, nothing was written anywhere."""
    return {t.name: session.scalar(select(func.count()).select_from(t)) or 0 for t in Base.metadata.sorted_tables}
