"""What an action will do, gathered before anything is written: the effects, carried out on values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import singledispatch
from typing import Any

from config.calendar import local_date
from services.engine import clocks as clk
from services.engine.core import Engine
from services.engine.errors import ActionRefused, Unmeasured
from services.engine.registry import Definition
from services.engine.sittings import Sitting
from services.identity.access import Actor
from statemachines.kit import effects as fx
from statemachines.kit.forms import Form
from statemachines.kit.idioms import ExtensionRequest
from statemachines.kit.panels import Seat, SeatState
from statemachines.kit.policy import ClockRule
from statemachines.kit.situation import Situation


@dataclass
class Changes:
    """Grows while effects are applied. `clocks` are the rows now running or suspended, as they will be."""

    engine: Engine
    definition: Definition
    situation: Situation
    answers: Form
    actor: Actor
    now: datetime
    clocks: list[dict[str, Any]]
    touched: dict[int, dict[str, Any]] = field(default_factory=dict)
    before: dict[int, dict[str, Any]] = field(default_factory=dict)
    started: list[dict[str, Any]] = field(default_factory=list)
    unit_id: int | None = None
    assignee: int | None = None
    openings: list[tuple[str, Mapping[str, Any], str]] = field(default_factory=list)
    links: list[tuple[int, str]] = field(default_factory=list)
    messages: list[tuple[str, str]] = field(default_factory=list)
    sittings: dict[str, Sitting] = field(default_factory=dict)
    convened: list[tuple[str, tuple[Seat, ...], str | None]] = field(default_factory=list)
    seated: list[tuple[str, SeatState, int, str]] = field(default_factory=list)
    moved_up_to: str | None = None

    @property
    def today(self) -> date:
        return local_date(self.now)

    def apply(self, effects: tuple[fx.Effect, ...]) -> None:
        for effect in effects:
            if effect.when is None or effect.when(self.situation, self.answers):
                carry_out(effect, self)

    def rule(self, clock: str) -> ClockRule:
        return self.definition.policy.clocks[clock]

    def active(self, clock: str) -> dict[str, Any] | None:
        """Return the running or suspended clock of that name, were it started by this very action."""
        return next((c for c in self.clocks if c["name"] == clock and c["state"] != clk.STOPPED), None)

    def change(self, row: dict[str, Any], columns: dict[str, Any]) -> None:
        """Change a clock; what it was before this action is kept for a withdrawal."""
        if "id" in row:
            self.before.setdefault(
                row["id"], {name: row[name] for name in ("state", "ledger", "budget", "budget_key", "given_at")}
            )
        row.update(columns)
        if "id" in row:
            self.touched.setdefault(row["id"], {}).update(columns)

    def start(self, name: str, term: clk.Term, *, duty: bool) -> None:
        rule = self.rule(name)
        row = clk.start(name, self.anchor(rule), term, rule, self.engine.calendar, self.now, duty=duty)
        self.clocks.append(row)
        self.started.append(row)

    def anchor(self, rule: ClockRule) -> date:
        """Return the first of the policy's "a.b or today" anchors that is on record."""
        for path in rule.anchor.split(" or "):
            value = self.situation.answer(path) if path != "today" else local_date(self.now).isoformat()
            if value is not None:
                return date.fromisoformat(str(value)[:10])
        raise Unmeasured(f"clock anchor {rule.anchor} is not on record", f"“{rule.title}”的起算日期未登记")

    def term(self, clock: str, by: str | None = None, given: str | None = None) -> clk.Term:
        """Return how long a clock runs, by the answers on record."""
        key = self.situation.answer(by) if by else None
        budget = self.rule(clock).budget_for(key)
        if budget is None:
            raise Unmeasured(
                f"clock {clock} has no budget for {key!r}", f"“{self.rule(clock).title}”没有对应“{key}”的期限"
            )
        text = self.situation.answer(given) if given else None
        if text is None:
            return clk.Term(budget, key)
        return clk.Term(budget, key, datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text))


@singledispatch
def carry_out(effect: fx.Effect, changes: Changes) -> None:
    raise TypeError(f"no way to carry out {effect!r}")


@carry_out.register
def _(effect: fx.StartClock, changes: Changes) -> None:
    term = changes.term(effect.clock, effect.by, effect.given)
    if running := changes.active(effect.clock):  # coming back here gives no new period
        _rebudget(changes, running, term)
    else:
        changes.start(effect.clock, term, duty=False)


@carry_out.register
def _(effect: fx.Rebudget, changes: Changes) -> None:
    if running := changes.active(effect.clock):
        _rebudget(changes, running, changes.term(effect.clock, effect.by, effect.given))


def _rebudget(changes: Changes, row: dict[str, Any], term: clk.Term) -> None:
    rule = changes.rule(row["name"])
    changes.change(row, clk.rebudget(row, term, rule, changes.engine.calendar, changes.now))


@carry_out.register
def _(effect: fx.StopClock, changes: Changes) -> None:
    if row := changes.active(effect.clock):
        changes.change(row, clk.stop(row, changes.now))


@carry_out.register
def _(effect: fx.Owe, changes: Changes) -> None:
    if changes.active(effect.duty) is None:
        changes.start(effect.duty, changes.term(effect.duty), duty=True)


@carry_out.register
def _(effect: fx.Settle, changes: Changes) -> None:
    if row := changes.active(effect.duty):
        changes.change(row, clk.stop(row, changes.now))


@carry_out.register
def _(effect: fx.Waive, changes: Changes) -> None:
    if row := changes.active(effect.duty):
        changes.change(row, clk.waive(changes.now))


@carry_out.register
def _(effect: fx.AskExtension, changes: Changes) -> None:
    row, asked = _running(changes, effect.clock), changes.answers
    assert isinstance(asked, ExtensionRequest)
    request = clk.Request(f"{asked.amount} {asked.unit}", asked.reason, changes.actor.id)
    changes.change(
        row, clk.ask_extension(row, request, changes.rule(effect.clock), changes.engine.calendar, changes.now)
    )


@carry_out.register
def _(effect: fx.GrantExtension, changes: Changes) -> None:
    row = _running(changes, effect.clock)
    changes.change(
        row,
        clk.grant_extension(row, changes.actor.id, changes.rule(effect.clock), changes.engine.calendar, changes.now),
    )


@carry_out.register
def _(effect: fx.RefuseExtension, changes: Changes) -> None:
    row = _running(changes, effect.clock)
    changes.change(row, clk.refuse_extension(row))


@carry_out.register
def _(effect: fx.Suspend, changes: Changes) -> None:
    row = changes.active(effect.clock)
    if row and row["state"] == clk.RUNNING:
        why = getattr(changes.answers, "reason", None) or changes.definition.procedure.label(changes.situation.state)
        changes.change(
            row,
            clk.suspend(row, why, changes.actor.id, changes.rule(effect.clock), changes.engine.calendar, changes.now),
        )


@carry_out.register
def _(effect: fx.Resume, changes: Changes) -> None:
    row = changes.active(effect.clock)
    if row and row["state"] == clk.SUSPENDED:
        changes.change(row, clk.resume(row, changes.rule(effect.clock), changes.engine.calendar, changes.now))


@carry_out.register
def _(effect: fx.MoveTo, changes: Changes) -> None:
    changes.unit_id = changes.situation.answer(effect.field)


@carry_out.register
def _(effect: fx.MoveUp, changes: Changes) -> None:
    changes.moved_up_to = effect.to


@carry_out.register
def _(effect: fx.Assign, changes: Changes) -> None:
    changes.assignee = changes.situation.answer(effect.field)


@carry_out.register
def _(effect: fx.Open, changes: Changes) -> None:
    changes.openings += [
        (effect.procedure, data, effect.link) for data in effect.answers(changes.situation, changes.answers)
    ]


@carry_out.register
def _(effect: fx.LinkTo, changes: Changes) -> None:
    if to := getattr(changes.answers, effect.field):
        changes.links.append((to, effect.kind))


@carry_out.register
def _(effect: fx.Tell, changes: Changes) -> None:
    changes.messages.append((effect.role, effect.text))


@carry_out.register
def _(effect: fx.Convene, changes: Changes) -> None:
    seats = tuple(effect.seats(changes.situation, changes.answers)) if effect.seats else ()
    changes.convened.append((effect.panel, seats, effect.role))


@carry_out.register
def _(effect: fx.AddMember, changes: Changes) -> None:
    _seat(changes, effect.panel, SeatState.WAITING)


@carry_out.register
def _(effect: fx.RemoveMember, changes: Changes) -> None:
    _seat(changes, effect.panel, SeatState.REMOVED)


@carry_out.register
def _(effect: fx.MarkAbsent, changes: Changes) -> None:
    _seat(changes, effect.panel, SeatState.ABSENT)


def _seat(changes: Changes, panel: str, state: SeatState) -> None:
    person: int = getattr(changes.answers, "person")  # noqa: B009
    changes.seated.append((panel, state, person, getattr(changes.answers, "group", "")))


def _running(changes: Changes, clock: str) -> dict[str, Any]:
    row = changes.active(clock)
    if row is None:
        raise ActionRefused("not_running", f"clock {clock} does not run", f"“{changes.rule(clock).title}”未在计算")
    return row
