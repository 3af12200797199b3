"""What waits for people: work items, duties owed, and clocks that stand still until somebody lets them run on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.engine import clocks as clk
from services.engine.models import Clock, Matter, WorkItem
from statemachines.kit.policy import MEMBER


@dataclass(frozen=True, slots=True)
class Waiting:
    """One of them: `what` is "item", "duty" or "rest", `name` the kind of item or the clock; `person` has the seat."""

    what: str
    id: int
    matter: int
    name: str
    due_at: datetime | None
    person: int | None = None

    @property
    def key(self) -> tuple[str, int]:
        return self.what, self.id


def all_waiting(session: Session) -> list[Waiting]:
    """Return everything that waits now, by matter and in the order it came up."""
    return sorted([*_items(session), *_clocks(session)], key=lambda w: (w.matter, w.what, w.id))


def _items(session: Session) -> Iterator[Waiting]:
    columns = WorkItem.id, WorkItem.matter_id, WorkItem.kind, WorkItem.due_at, WorkItem.role, WorkItem.person_id
    found = select(*columns).where(WorkItem.closed_at.is_(None)).order_by(WorkItem.id)
    for item, matter, kind, due_at, role, person in session.execute(found).tuples():
        yield Waiting("item", item, matter, kind, due_at, person if role == MEMBER else None)


def _clocks(session: Session) -> Iterator[Waiting]:
    columns = Clock.id, Clock.matter_id, Clock.name, Clock.due_at, Clock.duty
    waits = Clock.duty | (Clock.state == clk.SUSPENDED)
    found = select(*columns).join(Matter, Matter.id == Clock.matter_id)
    open_ones = found.where(Matter.closed_at.is_(None), Clock.state != clk.STOPPED, waits)
    for clock, matter, name, due_at, duty in session.execute(open_ones.order_by(Clock.id)).tuples():
        yield Waiting("duty" if duty else "rest", clock, matter, name, due_at)
