"""What a run carries from day to day: the county, chance, what is planned for when, and what came of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO
from math import log
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.documents.attachments import store_upload
from services.engine.core import Engine, engine_for
from services.engine.loading import Loaded
from services.engine.models import Matter
from services.identity.access import CLOCK
from services.runtime import Runtime
from services.simulation.county import County
from services.simulation.filling import View, on_record
from services.simulation.waiting import Waiting
from statemachines.kit.policy import Policy

AGAIN = (1, 2, 3, 5, 8)
"""Working days until something that could not be done is tried again, the last one from then on."""
RECENT = 40
"""Of how many of the latest matters of a procedure one is referred to."""


@dataclass
class Stuck:
    """Tries in a row that came to nothing: of what, since when, how many, and what the last refusal said."""

    matter: int
    name: str
    since: date
    tries: int = 0
    code: str = ""


@dataclass
class World:
    """One simulated county. Everything by chance is drawn from `rng`, in an order that no database decides."""

    runtime: Runtime
    county: County
    rng: Random
    planned: dict[tuple[str, int], date] = field(default_factory=dict)
    failing: dict[tuple[str, int], Stuck] = field(default_factory=dict)
    performed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    _matters: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    _last_matter: int = 0
    _files: dict[int, list[int]] = field(default_factory=dict)
    _uploads: int = 0

    @property
    def engine(self) -> Engine:
        return engine_for(self.runtime)

    def read_matters(self, session: Session) -> None:
        """Take note of matters opened since the last time."""
        columns = Matter.id, Matter.procedure, Matter.origin_unit_id
        new = select(*columns).where(Matter.id > self._last_matter).order_by(Matter.id)
        for matter_id, procedure, unit in session.execute(new).tuples():
            for key in (procedure, ""):
                self._matters.setdefault(key, []).append((matter_id, self.county.paths[unit]))
            self._last_matter = matter_id

    def matters(self, procedure: str, path: str) -> Sequence[int]:
        """Return the latest matters of a procedure (of all for "") that came in at this unit or below."""
        return [i for i, where in self._matters.get(procedure, [])[-RECENT:] if where.startswith(path)]

    def plan(self, waiting: Sequence[Waiting], today: date) -> None:
        """Plan what is new, and forget what waits no longer."""
        for one in waiting:
            if one.key not in self.planned:
                due = local_date(one.due_at) - timedelta(days=1) if one.due_at else None
                self.planned[one.key] = self.engine.calendar.add_workdays(today, self._delay(due, today))
        there = {one.key for one in waiting}
        self.planned = {key: day for key, day in self.planned.items() if key in there}
        self.failing = {key: stuck for key, stuck in self.failing.items() if key in there}

    def tries(self, one: Waiting) -> int:
        return self.failing[one.key].tries if one.key in self.failing else 0

    def plan_again(self, one: Waiting, today: date, code: str | None) -> None:
        """Plan something for another day: it was done (`code` is None) or refused; "" says it has to wait."""
        if code is None:
            self.failing.pop(one.key, None)
        elif code:
            stuck = self.failing.setdefault(one.key, Stuck(one.matter, one.name, today))
            stuck.tries, stuck.code = stuck.tries + 1, code
        pause = AGAIN[min(self.tries(one), len(AGAIN) - 1)]
        self.planned[one.key] = self.engine.calendar.add_workdays(today, pause)

    def _delay(self, due: date | None, today: date) -> int:
        """Draw after how many working days somebody acts: mostly well before the period ends, now and then after."""
        calendar = self.engine.calendar
        span = 10 if due is None else min(max(calendar.count_workdays(today, due) - 1, 1), 30)
        return round(span * self.rng.lognormvariate(log(0.35), 0.8))

    def view(
        self, session: Session, person: int, now: Any, policy: Policy, path: str, away: frozenset[int],
        loaded: Loaded | None = None,
    ) -> View:  # fmt: skip
        """Return what somebody who fills a form at this unit knows."""
        today = local_date(now)
        staff = self.county.holders(frozenset(policy.work.values()), path, today, away) or [person]
        county, units = self.county, self.county.units
        return View(
            self.rng, policy, today, _since(loaded, today), staff, county.people,
            _reachable(county, loaded), [unit for kind in units.values() for unit in kind if unit != county.root],
            lambda procedure: self.matters(procedure, path), lambda: self._file(session, person, now),
            on_record(_answers(loaded)), _earlier(loaded, now),
        )  # fmt: skip

    def used(self, answers: Mapping[str, Any]) -> None:
        """Forget uploads that an action has bound to its matter."""
        ids = {i for value in answers.values() if isinstance(value, list) for i in value if isinstance(i, int)}
        for mine in self._files.values():
            mine[:] = [one for one in mine if one not in ids]

    def _file(self, session: Session, person: int, now: Any) -> int:
        """Return a file of this person's that no action has used yet, uploading one where he has none."""
        mine = self._files.setdefault(person, [])
        if not mine:
            self._uploads += 1
            text = f"模拟材料 {self._uploads}".encode()
            actor = self.county.actor(session, person, local_date(now))
            mine.append(store_upload(session, self.runtime, actor, f"材料{self._uploads}.txt", BytesIO(text), now).id)
        return mine[0]


def _since(loaded: Loaded | None, today: date) -> date:
    return today if loaded is None else local_date(loaded.row["moved_at"])


def _answers(loaded: Loaded | None) -> list[Mapping[str, Any]]:
    if loaded is None:
        return []
    others = [*loaded.others.values(), *(other for linked in loaded.linked.values() for other in linked)]
    own = [step["answers"] for _, step in sorted(loaded.row["record"]["steps"].items())]  # databases keep other orders
    return own + [step.answers for other in others for _, step in sorted(other.steps.items())]


def _earlier(loaded: Loaded | None, now: Any) -> Sequence[str]:
    if loaded is None:
        return ()
    return loaded.situation(CLOCK, now).earlier_states()


def _reachable(county: County, loaded: Loaded | None) -> Sequence[int]:
    """Units that may handle it: none of those the matter names."""
    away = () if loaded is None else [county.paths[unit] for unit in sorted(loaded.units)]
    return [u for u in county.offices if not any(county.paths[u].startswith(path) for path in away)] or county.offices
