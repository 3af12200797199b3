"""What a procedure is. The only module that imports `transitions`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from itertools import chain
from types import SimpleNamespace
from typing import Any

from transitions import Machine, MachineError

from statemachines.kit.candidates import Proposal
from statemachines.kit.effects import Assign, Convene, Effect
from statemachines.kit.forms import Form, GoBack, Ref, marks
from statemachines.kit.obligations import Occasion
from statemachines.kit.panels import Panel
from statemachines.kit.situation import Situation


class Refused(Exception):
    """A guard or the table says no. `code` is stable; `en` and `zh` say why and how to mend it."""

    def __init__(self, code: str, en: str, zh: str) -> None:
        super().__init__(en)
        self.code, self.en, self.zh = code, en, zh


class Kind(StrEnum):
    FORWARD = "forward"
    RETURN = "return"
    NOTE = "note"
    VOTE = "vote"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition with its reason; `holds` is asked before the move, never after."""

    code: str
    en: str
    zh: str
    holds: Callable[[Situation, Any], bool]

    def check(self, situation: Situation, answers: Form) -> None:
        if not self.holds(situation, answers):
            raise Refused(self.code, self.en, self.zh)


@dataclass(frozen=True, slots=True)
class Choice:
    """A target that depends on what is known; `among` lists every state it may give."""

    of: Callable[[Situation, Any], StrEnum]
    among: tuple[StrEnum, ...]


Target = StrEnum | Choice | None


@dataclass(frozen=True, slots=True)
class Action:
    """One named move, made by a person or by the clock. Without a target it stays where it is.

    `derive` returns values (JSON) that follow from what is known at that moment, a score from its ballots say; they are
    kept beside the answers and can never be typed. `derived` is a form that names them for a page. What is
    `binding` takes effect at once and is never withdrawn, only answered by another action.
    """

    name: str
    title: str
    sources: Iterable[StrEnum]
    target: Target = None
    form: type[Form] = Form
    guards: tuple[Guard, ...] = ()
    effects: tuple[Effect, ...] = ()
    kind: Kind = Kind.FORWARD
    derive: Callable[[Situation, Any], Mapping[str, Any]] | None = None
    derived: type[Form] | None = None
    binding: bool = False

    def targets(self) -> tuple[StrEnum, ...]:
        match self.target:
            case None:
                return ()
            case Choice(among=among):
                return among
            case state:
                return (state,)


def send_back(
    sources: Iterable[StrEnum],
    *,
    name: str = "send_back",
    title: str = "退回",
    guards: tuple[Guard, ...] = (),
    effects: tuple[Effect, ...] = (),
) -> Action:
    """A return to the step before, or to an earlier one that the form names."""
    return Action(name, title, tuple(sources), form=GoBack, guards=guards, kind=Kind.RETURN, effects=effects)


WITHDRAW = "withdraw"


@dataclass(frozen=True)
class Opening:
    """How a matter begins. `event` is the form's field with the date of the event that fixes the policy's version
    (None: the day it is opened); `on_rung` makes the answers when a ladder of another matter opens it, `on_period`
    when an obligation of the policy does, `on_candidate` when a rule of the policy proposes it. `once` makes
    a key of the form that one matter only may ever have; `rung_link` is the kind of link by which one that a rung opened
    hangs on the late one."""

    form: type[Form]
    title: Callable[[Any], str]
    event: str | None = None
    guards: tuple[Guard, ...] = ()
    effects: tuple[Effect, ...] = ()
    on_rung: Callable[[Rung], Mapping[str, Any]] | None = None
    on_period: Callable[[Occasion], Mapping[str, Any]] | None = None
    on_candidate: Callable[[Proposal], Mapping[str, Any]] | None = None
    once: Callable[[Any], str | None] | None = None
    rung_link: str = "supervises"


@dataclass(frozen=True, slots=True)
class Rung:
    """The overdue clock that opens a matter: whose, which, and since when."""

    matter_id: int
    number: str
    title: str
    unit_id: int
    clock: str
    due: date


@dataclass(frozen=True)
class Procedure:
    """States and actions under one key. Pure: no clock, no database, no user.

    `labels` names every state in Chinese; `final` states close the matter; `public` tells, per state, the
    word a complainant may see under the receipt code (a procedure without it has no receipt). `watches` are the
    kinds of links by which other matters hang on this one and its guards look at; `when_done` names, for such a kind,
    the action that the clock takes once the last of them is closed. `links` says, for a kind of link it makes, what the
    other matter is called on this one's page and this one on the other's.
    """

    key: str
    title: str
    states: type[StrEnum]
    initial: StrEnum
    opening: Opening
    actions: Mapping[str, Action]
    labels: Mapping[str, str]
    final: frozenset[str]
    public: Mapping[str, str] = field(default_factory=dict)
    by_hand: bool = True
    panels: Mapping[str, Panel] = field(default_factory=dict)
    watches: frozenset[str] = frozenset()
    when_done: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def next_state(self, action: str, situation: Situation, answers: Form) -> str:
        """Return the state that `action` leads to, or raise Refused with the reason."""
        subject = SimpleNamespace(state=str(situation.state))
        try:
            moved = self._machine.events[action].trigger(subject, situation=situation, answers=answers)
        except (MachineError, KeyError) as error:
            raise self._not_now(action, situation.state) from error
        if not moved:
            raise Refused(
                "no_such_target",
                f"{self.key}: {action} leads nowhere from here",
                "本步骤没有可到达的下一环节",
            )
        return str(subject.state)

    def open_actions(self, state: str) -> list[Action]:
        return [a for a in self.actions.values() if state in {str(s) for s in a.sources}]

    def label(self, state: str) -> str:
        return self.labels[state]

    @cached_property
    def assigning(self) -> tuple[tuple[str, str], ...]:
        """The answers, as (action, field), that assign the matter to a person by name."""
        effects = chain(self.opening.effects, *(a.effects for a in self.actions.values()))
        fields = (e.field.partition(".") for e in effects if isinstance(e, Assign))
        return tuple((action, name) for action, _, name in fields)

    def panel_of(self, action: str) -> Panel | None:
        """Return the panel whose members take this action."""
        return next((p for p in self.panels.values() if p.action == action), None)

    def _not_now(self, action: str, state: str) -> Refused:
        known = self.actions.get(action)
        if known is None:
            return Refused(
                "unknown_action", f"{self.key} has no action {action}", f"“{self.title}”没有此操作：{action}"
            )
        return Refused(
            "not_in_this_state",
            f"{self.key}: cannot {action} from {state}",
            f"事项现处于“{self.label(state)}”环节，不能“{known.title}”",
        )

    @cached_property
    def _machine(self) -> Machine:
        return Machine(
            model=None,
            states=[str(s) for s in self.states],
            initial=str(self.initial),
            auto_transitions=False,
            send_event=True,
            transitions=[row for action in self.actions.values() for row in self._rows(action)],
        )

    def _rows(self, action: Action) -> Iterable[dict[str, Any]]:
        sources = [str(s) for s in action.sources]
        guards = [_as_condition(g.check) for g in action.guards]
        base = {"trigger": action.name, "source": sources}
        if action.kind in (Kind.RETURN, Kind.WITHDRAW):
            for state in self.states:
                yield {
                    **base,
                    "dest": str(state),
                    "conditions": [*guards, _goes_back_to(str(state), action.kind)],
                }
        elif isinstance(action.target, Choice):
            for state in action.target.among:
                yield {**base, "dest": str(state), "conditions": [*guards, _chosen(action.target, state)]}
        else:
            target = None if action.target is None else str(action.target)
            yield {**base, "dest": target, "conditions": guards}


def procedure(
    key: str,
    title: str,
    states: type[StrEnum],
    *,
    opening: Opening,
    actions: Iterable[Action],
    labels: Mapping[StrEnum, str],
    final: Iterable[StrEnum],
    public: Mapping[StrEnum, str] | None = None,
    by_hand: bool = True,
    panels: Iterable[Panel] = (),
    watches: Iterable[str] = (),
    when_done: Mapping[str, str] | None = None,
    links: Mapping[str, tuple[str, str]] | None = None,
) -> Procedure:
    """Build a procedure and refuse one that contradicts itself (every problem named at once)."""
    ends = frozenset(str(s) for s in final)
    waiting = tuple(s for s in states if str(s) not in ends)
    own_last_step = Action(WITHDRAW, "撤回", waiting, form=GoBack, kind=Kind.WITHDRAW)
    listed = [*actions, own_last_step]
    built = Procedure(
        key, title, states, next(iter(states)), opening, {a.name: a for a in listed},
        {str(s): text for s, text in labels.items()}, ends, {str(s): t for s, t in (public or {}).items()}, by_hand,
        {p.name: p for p in panels}, frozenset(watches) | set(when_done or ()), when_done or {}, links or {},
    )  # fmt: skip
    if problems := list(_problems(built, listed)):
        raise ValueError(f"procedure {key}: " + "; ".join(problems))
    return built


def _problems(built: Procedure, listed: list[Action]) -> Iterable[str]:
    names = [a.name for a in listed]
    yield from (f"action {n} declared twice" for n in sorted({n for n in names if names.count(n) > 1}))
    yield from (f"state {s} has no label" for s in built.states if s not in built.labels)
    yield from (f"state {s} has no word for the public" for s in built.states if built.public and s not in built.public)
    for action in listed:
        yield from (f"{action.name} leaves the final state {s}" for s in action.sources if s in built.final)
        if action.kind is Kind.FORWARD and action.target is None:
            yield f"{action.name} goes nowhere: declare it a note"
        if action.derived is not None and action.derive is None:
            yield f"{action.name} names values that nothing derives"
    yield from _panel_problems(built)
    if any(isinstance(e, Convene) for e in built.opening.effects):
        yield "an opening convenes no panel: convene it by an action"
    yield from (f"{a} follows on links, but is no action" for a in built.when_done.values() if a not in built.actions)
    reached = {str(built.initial)} | {str(t) for a in listed for t in a.targets()}
    yield from (f"state {s} can never be reached" for s in built.states if s not in reached)
    yield from (f"state {s} is a dead end" for s in built.states if s not in built.final and not _leaves(built, str(s)))


def _panel_problems(built: Procedure) -> Iterable[str]:
    votes = {n for n, a in built.actions.items() if a.kind is Kind.VOTE}
    held = [p.action for p in built.panels.values()]
    yield from (f"{name} is a vote of no panel" for name in sorted(votes - set(held)))
    yield from (f"panel {p.name}: {p.action} is no vote" for p in built.panels.values() if p.action not in votes)
    yield from (f"{name} is a vote of two panels" for name in sorted({n for n in held if held.count(n) > 1}))
    for panel in built.panels.values():
        form = built.actions[panel.action].form if panel.action in votes else Form
        for name, found in marks(form).items():
            if panel.anonymous and any(isinstance(m, Ref) for m in found):
                yield f"panel {panel.name}: {name} would tell who answered"


def _leaves(built: Procedure, state: str) -> bool:
    return any(a.targets() for a in built.open_actions(state))


def _as_condition(check: Callable[[Situation, Form], None]) -> Callable[[Any], bool]:
    def condition(event: Any) -> bool:
        check(event.kwargs["situation"], event.kwargs["answers"])
        return True

    return condition


def _chosen(choice: Choice, state: StrEnum) -> Callable[[Any], bool]:
    return lambda event: choice.of(event.kwargs["situation"], event.kwargs["answers"]) == state


def _goes_back_to(state: str, kind: Kind) -> Callable[[Any], bool]:
    def condition(event: Any) -> bool:
        situation: Situation = event.kwargs["situation"]
        return _back_target(situation, event.kwargs["answers"], kind) == state

    return condition


def _back_target(situation: Situation, answers: GoBack, kind: Kind) -> str:
    if kind is Kind.WITHDRAW:
        return situation.trail[-1].source or situation.state
    earlier = situation.earlier_states()
    if not earlier:
        raise Refused("nowhere_to_return", "there is no earlier step to return to", "没有可退回的前序环节")
    if answers.to is None:
        return earlier[0]
    if answers.to not in earlier:
        raise Refused("not_passed_before", f"{answers.to} was not passed before", "只能退回到已经过的前序环节")
    return answers.to
