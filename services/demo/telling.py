"""How a story is told: its steps run through the engine at simulated times, with a sweep every working evening."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from heapq import heappop, heappush
from io import BytesIO
from itertools import count
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.calendar import SHANGHAI, local_date
from services.demo.places import County
from services.documents.attachments import store_upload
from services.engine.core import Engine, engine_for
from services.engine.models import Link
from services.engine.opening import Opened, open_matter
from services.engine.perform import Performed, perform
from services.engine.sweep import BATCH, sweep_batch
from services.identity.access import Actor, load_actor
from services.runtime import Runtime

Story = Iterator[int]
"""Does something whenever it is resumed, and yields how many working days pass until it goes on (0: within the day)."""

EVENING = time(18)
_MORNING = time(9)


@dataclass(order=True, slots=True)
class _Waiting:
    at: datetime
    turn: int
    go_on: Callable[[], int | None] = field(compare=False)


@dataclass
class Teller:
    """Holds the simulated clock, and does for stories what the edges do for people: actors and the time."""

    session: Session
    runtime: Runtime
    county: County
    end: datetime
    now: datetime = field(init=False)
    rng: Random = field(init=False)
    receipts: dict[str, str] = field(default_factory=dict)
    _actors: dict[tuple[str, date], Actor] = field(default_factory=dict)
    _waiting: list[_Waiting] = field(default_factory=list)
    _turns: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.now = self.end
        self.rng = Random(f"qinghe {local_date(self.end)}")

    @property
    def engine(self) -> Engine:
        return engine_for(self.runtime)

    @property
    def today(self) -> date:
        """The simulated day in Shanghai."""
        return local_date(self.now)

    def workday(self, offset: int) -> date:
        """The working day that many after the end of the tale, before it when negative."""
        return self.engine.calendar.add_workdays(local_date(self.end), offset)

    def begin(self, story: Story, days_ago: int) -> None:
        """Let a story begin that many working days before the end."""
        self._put(self._in_office_hours(self.workday(-days_ago)), lambda: next(story, None))

    def tell(self, days: int, told: Callable[[int], None]) -> None:
        """Run every story up to the end, sweeping on each working evening; call `told` with 1 per evening."""
        for offset in range(days, 0, -1):
            evening = datetime.combine(self.workday(-offset), EVENING, SHANGHAI)
            self._put(evening, lambda: self._sweep_in_the_evening(told))
        while self._waiting:
            step = heappop(self._waiting)
            self.now = step.at
            pause = step.go_on()
            if pause is not None:
                self._put(self._later(pause), step.go_on)
        self.now = self.end
        self.sweep()

    def sweep(self) -> None:
        """Fire what is due now, inside the one transaction."""
        while sweep_batch(self.session, self.engine, self.now)["due"] == BATCH:
            pass

    def open(self, procedure: str, who: str, unit: str, answers: Mapping[str, Any]) -> Opened:
        """Open a matter as `who`, at a unit, now."""
        opened = open_matter(
            self.engine, self.session, procedure, answers, self.actor(who), self.now, unit_id=self.county.units[unit]
        )
        if opened.receipt_code:
            self.receipts[opened.number] = opened.receipt_code
        return opened

    def act(self, matter_id: int, action: str, who: str, answers: Mapping[str, Any]) -> Performed:
        """Perform an action as `who`, now."""
        return perform(self.engine, self.session, matter_id, action, self.actor(who), answers, self.now)

    def upload(self, who: str, name: str, text: str) -> int:
        """Upload a file as `who`; return its id."""
        file = BytesIO(text.encode())
        return store_upload(self.session, self.runtime, self.actor(who), name, file, self.now).id

    def actor(self, login: str) -> Actor:
        """Somebody with his roles of the simulated day."""
        key = (login, self.today)
        if key not in self._actors:
            self._actors[key] = load_actor(self.session, self.county.people[login], self.today)
        return self._actors[key]

    def linked_to(self, matter_id: int, kind: str) -> list[int]:
        """The matters that point to this one by a link of that kind, oldest first."""
        query = select(Link.from_id).where(Link.to_id == matter_id, Link.kind == kind).order_by(Link.id)
        return list(self.session.scalars(query))

    def one_of(self, role: str, unit: str) -> str:
        """Somebody who holds the role at the unit."""
        return self.rng.choice(self.county.logins(role, unit))

    def _put(self, at: datetime, go_on: Callable[[], int | None]) -> None:
        if at < self.end:
            heappush(self._waiting, _Waiting(at, next(self._turns), go_on))

    def _later(self, pause: int) -> datetime:
        if pause == 0:
            return self.now + timedelta(minutes=self.rng.randrange(5, 25))
        return self._in_office_hours(self.engine.calendar.add_workdays(self.today, pause))

    def _in_office_hours(self, day: date) -> datetime:
        return datetime.combine(day, _MORNING, SHANGHAI) + timedelta(minutes=self.rng.randrange(420))

    def _sweep_in_the_evening(self, told: Callable[[int], None]) -> None:
        self.sweep()
        told(1)


def wait_until(day: date, teller: Teller) -> Iterable[int]:
    """Pause until that working day; at least one day."""
    yield max(1, teller.engine.calendar.count_workdays(teller.today + timedelta(days=1), day))
