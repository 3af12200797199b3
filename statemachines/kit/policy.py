"""The shape of a procedure's policy: who may, how long, which lists and figures, each with its source."""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from statemachines.kit import effects as fx
from statemachines.kit.authority import AuthorityRule
from statemachines.kit.candidates import CandidateRule, candidate_problems
from statemachines.kit.forms import Asked, Coded, marks
from statemachines.kit.obligations import ObligationRule, obligation_problems
from statemachines.kit.panels import PanelRule
from statemachines.kit.periods import Budget, Roll, RungOffset
from statemachines.kit.procedure import Action, Kind, Procedure
from statemachines.kit.strict import Strict

SYSTEM = "system"
MEMBER = "member"
"""The role of whoever has a seat on a panel of the matter, there and nowhere else; nobody is granted it."""
GIVEN = "given"
RUNG_VERBS = {"remind", "tell", "raise", "reassign", "open", "perform"}


class Source(Strict):
    """Where a figure comes from. `verified` is false for what is known from memory only."""

    title: str
    article: str = ""
    seed: str = ""
    effective: date
    verified: bool = True


class Setting(Strict):
    """A named figure. `source` says where it is written, or "not in the source"; `title` is its Chinese name."""

    title: str = ""
    value: int | str
    source: str
    verified: bool = True


class CodeList(Strict):
    """Codes and their Chinese labels; `aliases` are other words that ledgers use, each with its code."""

    title: str = ""
    values: dict[str, str] = Field(min_length=1)
    source: str
    verified: bool = True
    aliases: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _aliases_known(self) -> Self:
        if strange := sorted(set(self.aliases.values()) - self.values.keys()):
            raise ValueError(f"aliases for unknown codes: {', '.join(strange)}")
        return self


class Rung(Strict):
    """One step of a ladder: when, relative to the due date, and what happens then."""

    at: str
    do: tuple[str, ...] = Field(min_length=1)

    @field_validator("at")
    @classmethod
    def _readable(cls, at: str) -> str:
        RungOffset.parse(at)
        return at

    @cached_property
    def offset(self) -> RungOffset:
        return RungOffset.parse(self.at)


class ExtensionRule(Strict):
    """How often and by how much a clock may be extended; `at_most` is a budget or "same as budget"."""

    times: int = Field(1, ge=1)
    at_most: str = "same as budget"
    source: str = ""

    @field_validator("at_most")
    @classmethod
    def _readable(cls, at_most: str) -> str:
        if at_most != "same as budget":
            Budget.parse(at_most)
        return at_most


class ClockRule(Strict):
    """A period: from which event, how long, how it is rolled, and its ladder.

    `anchor` is "today" (the day of the action that starts it), a dotted path to a date on record, or
    several of them: "complete.finished_on or today". The first that is on record counts.
    `budget` is one budget, or one per key; the budget "given" takes the date that the action names.
    """

    title: str
    source: str
    verified: bool = True
    anchor: str = "today"
    budget: str | dict[str, str]
    roll: Roll = Roll.NEXT_WORKDAY
    warn: int = Field(3, ge=0, description="working days before the due date from which the light is yellow")
    extension: ExtensionRule | None = None
    ladder: tuple[Rung, ...] = ()

    @field_validator("budget")
    @classmethod
    def _readable(cls, budget: str | dict[str, str]) -> str | dict[str, str]:
        for text in budget.values() if isinstance(budget, dict) else [budget]:
            if text != GIVEN:
                Budget.parse(text)
        return budget

    def budget_for(self, key: str | None) -> str | None:
        """Return the budget's text for this key; None where the policy has none (then nothing may start)."""
        if isinstance(self.budget, str):
            return self.budget
        return self.budget.get(key or "")


class Policy(Strict):
    """Everything about one procedure that changes by decree."""

    source: Source
    number: str = Field(description='business number, e.g. "信访〔{year}〕{n}号"')
    open: tuple[str, ...] = Field((), description="roles that may open a matter by hand")
    roles: dict[str, tuple[str, ...]]
    view: tuple[str, ...] = ()
    work: dict[str, str] = Field(default_factory=dict, description="per state, the role whose turn it is")
    sealed: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="who may open a sealed field")
    clocks: dict[str, ClockRule] = Field(default_factory=dict)
    panels: dict[str, PanelRule] = Field(default_factory=dict)
    authority: dict[str, AuthorityRule] = Field(default_factory=dict)
    lists: dict[str, CodeList] = Field(default_factory=dict)
    settings: dict[str, Setting] = Field(default_factory=dict)
    obligations: dict[str, ObligationRule] = Field(default_factory=dict)
    candidates: dict[str, CandidateRule] = Field(default_factory=dict)

    def permits(self, action: str, roles: frozenset[str]) -> bool:
        return bool(roles & set(self.roles.get(action, ())))

    @cached_property
    def viewers(self) -> frozenset[str]:
        """Every role that may see matters of this procedure within its scope."""
        acting = {role for roles in self.roles.values() for role in roles}
        return frozenset(acting | set(self.view) | set(self.open) | set(self.work.values())) - {SYSTEM, MEMBER}

    def setting(self, name: str) -> int | str:
        return self.settings[name].value

    def codes(self, name: str) -> dict[str, str]:
        return self.lists[name].values

    def problems(
        self, procedure: Procedure, role_titles: frozenset[str], procedures: Mapping[str, Procedure]
    ) -> list[str]:
        """Say everything in which this policy and its procedure disagree."""
        return [
            *_role_problems(self, procedure, role_titles),
            *_reaction_problems(self, procedure),
            *_work_problems(self, procedure),
            *_clock_problems(self, procedure),
            *_ladder_problems(self, procedure, role_titles, procedures),
            *_list_problems(self, procedure),
            *_panel_problems(self, procedure),
            *_authority_problems(self, role_titles),
            *obligation_problems(self, procedure),
            *candidate_problems(self.candidates, procedure, procedures),
        ]


def clock_effects(procedure: Procedure) -> Iterator[tuple[str, fx.Effect]]:
    """Yield (clock or duty name, effect) for every effect that speaks of one."""
    for effect in (*procedure.opening.effects, *(e for a in procedure.actions.values() for e in a.effects)):
        name = getattr(effect, "clock", None) or getattr(effect, "duty", None)
        if name:
            yield name, effect


def _role_problems(policy: Policy, procedure: Procedure, known: frozenset[str]) -> Iterator[str]:
    named = {n for n, a in procedure.actions.items() if a.kind not in (Kind.WITHDRAW, Kind.VOTE)}
    yield from (f"no role may {name}" for name in sorted(named - policy.roles.keys()))
    yield from (f"roles for unknown action {name}" for name in sorted(policy.roles.keys() - named))
    yield from (f"nobody may {name}" for name, roles in policy.roles.items() if not roles)
    used = {(name, role) for name, roles in policy.roles.items() for role in roles}
    yield from (
        f"{n}: there is no panel to be a member of" for n, r in sorted(used) if r == MEMBER and not procedure.panels
    )
    used |= {("open", r) for r in policy.open} | {("view", r) for r in policy.view}
    used |= {(f"work.{state}", role) for state, role in policy.work.items()}
    used |= {(f"sealed.{name}", role) for name, roles in policy.sealed.items() for role in roles}
    yield from (f"{where}: unknown role {role}" for where, role in sorted(used) if role not in known | {SYSTEM, MEMBER})


def _reaction_problems(policy: Policy, procedure: Procedure) -> Iterator[str]:
    for action in sorted(set(procedure.when_done.values())):
        if SYSTEM not in policy.roles.get(action, ()):
            yield f"{action} follows when linked matters are done: system must be among its roles"


def _work_problems(policy: Policy, procedure: Procedure) -> Iterator[str]:
    open_states = {str(s) for s in procedure.states} - procedure.final
    yield from (f"work in unknown or final state {s}" for s in sorted(policy.work.keys() - open_states))
    yield from (f"in state {s} it is nobody's turn" for s in sorted(open_states - policy.work.keys()))
    for state in sorted(open_states & policy.work.keys()):
        moves = [a for a in procedure.open_actions(state) if a.kind is Kind.FORWARD]
        if not any(policy.work[state] in policy.roles.get(a.name, ()) for a in moves):
            yield f"in state {state} it is {policy.work[state]}'s turn, who may do nothing there"


def _clock_problems(policy: Policy, procedure: Procedure) -> Iterator[str]:
    mentioned = dict(clock_effects(procedure))
    yield from (f"no clock {name} in the policy" for name in sorted(mentioned.keys() - policy.clocks.keys()))
    yield from (f"clock {name} is started by nothing" for name in sorted(policy.clocks.keys() - mentioned.keys()))
    for name, effect in clock_effects(procedure):
        rule = policy.clocks.get(name)
        if rule and isinstance(effect, fx.StartClock) and isinstance(rule.budget, dict) and effect.by is None:
            yield f"clock {name} has several budgets and no key to choose by"
    for name, rule in policy.clocks.items():
        for path in rule.anchor.split(" or "):
            if path != "today" and not _is_answer(procedure, path):
                yield f"clock {name}: anchor {path} is no answer of the procedure"


def _ladder_problems(
    policy: Policy, procedure: Procedure, roles: frozenset[str], procedures: Mapping[str, Procedure]
) -> Iterator[str]:
    for name, rule in policy.clocks.items():
        offsets = [r.at for r in rule.ladder]
        yield from (f"clock {name}: rung {at} twice" for at in sorted({a for a in offsets if offsets.count(a) > 1}))
        for rung in rule.ladder:
            for deed in rung.do:
                yield from (
                    f"clock {name}, rung {rung.at}: {p}"
                    for p in _deed_problems(deed, procedure, policy, roles, procedures)
                )


def _deed_problems(
    deed: str,
    procedure: Procedure,
    policy: Policy,
    roles: frozenset[str],
    procedures: Mapping[str, Procedure],
) -> Iterator[str]:
    verb, _, what = deed.partition(" ")
    if verb not in RUNG_VERBS or not what:
        yield f"cannot read {deed!r} (say: {', '.join(sorted(RUNG_VERBS))} and whom or what)"
    elif verb == "remind" and what != "holder":
        yield f"{deed!r}: only the holder is reminded; tell a role"
    elif verb in ("tell", "raise", "reassign") and what not in roles:
        yield f"unknown role {what}"
    elif verb == "open" and (what not in procedures or procedures[what].opening.on_rung is None):
        yield f"no rung can open {what}"
    elif verb == "perform" and (what not in procedure.actions or SYSTEM not in policy.roles.get(what, ())):
        yield f"the clock has no right to {what}"


def _list_problems(policy: Policy, procedure: Procedure) -> Iterator[str]:
    asked = {procedure.opening.form, *(a.form for a in procedure.actions.values())}
    forms = asked | {a.derived for a in procedure.actions.values() if a.derived}
    for form in sorted(forms, key=lambda f: f.__name__):
        for field, found in marks(form).items():
            for mark in found:
                if isinstance(mark, Coded | Asked) and mark.list not in policy.lists:
                    yield f"{form.__name__}.{field}: no list {mark.list}"


def _panel_problems(policy: Policy, procedure: Procedure) -> Iterator[str]:
    declared = procedure.panels.keys()
    yield from (f"no panel {name} in the policy" for name in sorted(declared - policy.panels.keys()))
    yield from (f"panel {name} is none of the procedure" for name in sorted(policy.panels.keys() - declared))
    for name, rule in policy.panels.items():
        if (rule.rule == "quorum") != (rule.quorum is not None):
            yield f"panel {name}: a quorum belongs to the rule quorum, and to no other"


def _authority_problems(policy: Policy, roles: frozenset[str]) -> Iterator[str]:
    for name, rule in policy.authority.items():
        yield from (f"authority {name}: unknown role {role}" for role in sorted(rule.caps.keys() - roles))


def _is_answer(procedure: Procedure, path: str) -> bool:
    action, _, name = path.partition(".")
    form = procedure.opening.form if action == "open" else _form_of(procedure.actions.get(action))
    return form is not None and name in form.model_fields


def _form_of(action: Action | None) -> Any:
    return action.form if action else None
