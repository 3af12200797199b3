"""Clocks as a page shows them, and how each date came about."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.engine import clocks as clk
from services.engine.core import Engine
from services.engine.errors import MatterNotFound
from services.engine.loading import Loaded
from services.engine.models import Clock
from services.engine.queries.labels import clock_title
from services.engine.queries.lights import Light, Lights
from services.engine.registry import Definition
from services.engine.visibility import find_visible
from services.identity.access import Actor
from statemachines.kit.periods import Step
from statemachines.kit.policy import GIVEN


@dataclass(frozen=True, slots=True)
class ClockView:
    """A clock of a matter. `budget_zh` is its length in words; `late` once it was late, whatever became of it.

    `extensions`, `suspensions`, `requested` and `history` are the ledger's own entries (JSON).
    """

    id: int
    name: str
    title: str
    source: str
    verified: bool
    duty: bool
    state: str
    anchor: date
    budget: str
    budget_zh: str
    nominal_due: date | None
    effective_due: date | None
    due_at: datetime | None
    provisional: bool
    late: bool
    light: Light | None
    started_at: datetime
    stopped_at: datetime | None
    outcome: str | None
    calendar_version: str
    extensions: list[dict[str, Any]]
    suspensions: list[dict[str, Any]]
    requested: dict[str, Any] | None
    history: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A clock and, line by line, how its dates follow from anchor, budget and ledger."""

    matter_id: int
    number: str
    clock: ClockView
    steps: tuple[Step, ...]


def explain_clock(session: Session, engine: Engine, actor: Actor, clock_id: int, now: datetime) -> Explanation:
    """Return a clock with its explanation; raise MatterNotFound unless its matter may be known."""
    found = session.execute(select(*Clock.__table__.columns).where(Clock.id == clock_id)).mappings().one_or_none()
    if found is None:
        raise MatterNotFound
    matter = find_visible(session, engine, actor, found["matter_id"])
    definition = engine.registry.pinned(session, matter["procedure_hash"], matter["policy_hash"])
    return _explained(engine, dict(found), matter, definition, Lights(engine, now), now)


def explain_clocks(engine: Engine, loaded: Loaded, now: datetime) -> list[Explanation]:
    """Return every clock of a matter that `look` has found, with its explanation."""
    lights = Lights(engine, now)
    return [_explained(engine, row, loaded.row, loaded.definition, lights, now) for row in _clocks(loaded)]


def _explained(
    engine: Engine, row: dict[str, Any], matter: Mapping[str, Any], definition: Definition, lights: Lights,
    now: datetime,
) -> Explanation:  # fmt: skip
    due = clk.explain(row, definition.policy.clocks[row["name"]], engine.calendar)
    return Explanation(matter["id"], matter["number"], clock_view(row, definition, lights, now), due.steps)


def clocks_of(loaded: Loaded, lights: Lights, now: datetime) -> list[ClockView]:
    """Return every clock of a matter that `look` has found, those that ended too, in the order they were started."""
    return [clock_view(row, loaded.definition, lights, now) for row in _clocks(loaded)]


def _clocks(loaded: Loaded) -> list[dict[str, Any]]:
    return sorted([*loaded.clocks, *loaded.ended], key=itemgetter("id"))


def clock_view(row: Mapping[str, Any], definition: Definition, lights: Lights, now: datetime) -> ClockView:
    rule, ledger = definition.policy.clocks[row["name"]], row["ledger"]
    copied = {name: row[name] for name in ClockView.__slots__ if name in row}
    return ClockView(
        **copied,
        **{name: ledger[name] for name in ("extensions", "suspensions", "requested", "history")},
        title=clock_title(definition, row["name"]),
        source=rule.source,
        verified=rule.verified,
        budget_zh="限时" if row["budget"] == GIVEN else clk.parse_budget(row["budget"]).zh,
        late=_is_late(row, now),
        light=lights.of_clock(definition.procedure.key, row),
    )


def _is_late(row: Mapping[str, Any], now: datetime) -> bool:
    if row["state"] == clk.STOPPED:
        return bool(row["outcome"] == "late")
    return bool(row["ledger"]["late"]) or clk.is_overdue(row, now)
