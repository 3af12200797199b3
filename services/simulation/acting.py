"""People at work: whoever's turn it is takes an action the state knows, as the engine lets him.

Which action it is, is decided by the declarations alone: their kinds, their effects and their forms.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from config.calendar import local_date
from services.db.errors import DubanError
from services.engine.errors import InvalidAnswers
from services.engine.loading import EXTENSION, TURN, Loaded, load
from services.engine.perform import perform
from services.engine.permission import can_see, right_to
from services.identity.access import Actor
from services.simulation.filling import CannotFill, View, fill
from services.simulation.waiting import Waiting
from services.simulation.world import World
from statemachines.kit import effects as fx
from statemachines.kit.forms import Form, Names, Reason, Ref, marked, marks
from statemachines.kit.procedure import Action, Kind, Refused

PEOPLE_ASKED, DRAFTS = 4, 5
"""How many people try an action, and how often each rewrites answers that are refused."""
RETURNED, STEPS_ASIDE, NOTES, TAKES_BACK, WANTS_TIME = 0.03, 0.003, 0.15, 0.004, 0.3
"""How often, of a hundred turns: a return, a recusal, a remark first, a withdrawal, more time when it runs out."""
NEAR = 4
"""Working days before the end of a period from which somebody may ask for more."""
RARE = 0.12
"""How often an action that has to be justified is weighed against one that has not."""


@dataclass
class Desk:
    """One morning: everybody acts at this instant, inside one transaction. `code` is the last refusal met."""

    world: World
    session: Session
    now: datetime
    code: str = ""

    def attend(self, waiting: Waiting) -> bool:
        """Do what waits, if it still does; say whether anything came of it, or had to wait for somebody else."""
        self.code = ""
        loaded = self._load(waiting.matter)
        there = loaded.items if waiting.what == "item" else loaded.clocks
        if waiting.id not in {one["id"] for one in there}:
            return True
        match waiting.what, waiting.name:
            case "duty", duty:
                return self._first_of(loaded, _about(duty, fx.Settle, fx.Waive))
            case "rest", clock:
                return self._first_of(loaded, _about(clock, fx.Resume))
            case _, kind if kind == TURN:
                return self._take_turn(loaded)
            case _, kind if kind == EXTENSION:
                return self._first_of(loaded, lambda a: _has(a, fx.GrantExtension, fx.RefuseExtension))
        return self._first_of(loaded, lambda a: a.name == waiting.name, waiting.person)

    def _load(self, matter_id: int) -> Loaded:
        return load(self.world.engine, self.session, matter_id)

    def _take_turn(self, loaded: Loaded) -> bool:
        if self._moves(loaded):
            return True
        if _waits_for_others(loaded):
            self.code = ""
        return False

    def _moves(self, loaded: Loaded) -> bool:
        """Try one thing after the other until something moves the matter; say whether anything did."""
        chance, possible = self.world.rng.random, loaded.definition.procedure.open_actions(loaded.row["state"])
        loaded = self._remark(loaded, possible)
        returns = [a for a in possible if a.kind is Kind.RETURN]
        forward = self.weighed([a for a in possible if a.kind is Kind.FORWARD])
        if chance() < RETURNED and self._one_of(loaded, returns):
            return True
        if self._one_of(loaded, forward):
            return True
        for note in self.weighed([a for a in possible if a.kind is Kind.NOTE and not _sets_apart(a)]):
            if self.attempt(loaded, note):
                loaded = self._load(loaded.id)
                if self._one_of(loaded, forward):
                    return True
        return not _waits_for_others(loaded) and self._one_of(loaded, returns)

    def _remark(self, loaded: Loaded, possible: list[Action]) -> Loaded:
        """What people do besides: a note, a recusal, more time asked for. Return the matter as it stands then."""
        rng, wanted = self.world.rng, []
        if rng.random() < NOTES:
            wanted += [a for a in possible if a.kind is Kind.NOTE and not _sets_apart(a)][:1]
        if rng.random() < STEPS_ASIDE:
            wanted += [a for a in possible if _names_person(a.form)]
        due = loaded.row["due_at"]
        if due is not None and rng.random() < WANTS_TIME:
            left = self.world.engine.calendar.count_workdays(local_date(self.now), local_date(due))
            wanted += [a for a in possible if _has(a, fx.AskExtension) and 0 < left <= NEAR]
        for action in wanted:
            if self.attempt(loaded, action):
                loaded = self._load(loaded.id)
        return loaded

    def weighed(self, actions: list[Action]) -> list[Action]:
        """Shuffle; what has to be justified mostly comes last."""
        rng = self.world.rng
        return sorted(actions, key=lambda a: rng.random() * (RARE if issubclass(a.form, Reason) else 1), reverse=True)

    def _first_of(self, loaded: Loaded, wanted: Callable[[Action], bool], person: int | None = None) -> bool:
        possible = loaded.definition.procedure.open_actions(loaded.row["state"])
        return self._one_of(loaded, self.weighed([a for a in possible if wanted(a)]), person)

    def _one_of(self, loaded: Loaded, actions: Iterable[Action], person: int | None = None) -> bool:
        return any(self.attempt(loaded, action, person) for action in actions)

    def attempt(self, loaded: Loaded, action: Action, person: int | None = None) -> bool:
        """Let people try one action, `person` or some who may, each with a few drafts; say whether it was taken."""
        if loaded.row["state"] not in action.sources:
            return False
        for who in self._able(loaded, action) if person is None else [person]:
            view = self.view(loaded, who)
            for _ in range(DRAFTS if action.form.model_fields else 1):
                if self._draft(loaded, action, who, view):
                    self._take_back(loaded, action, who)
                    return True
        return False

    def view(self, loaded: Loaded, person: int) -> View:
        """Return what this person knows when he fills in a form about the matter."""
        policy, path = loaded.definition.policy, loaded.row["unit_path"]
        return self.world.view(self.session, person, self.now, policy, path, loaded.people, loaded)

    def _able(self, loaded: Loaded, action: Action) -> Iterable[int]:
        """Draw a few of those who have the right: whoever has the work item, then whose turn it is, then others."""
        policy, path, today = loaded.definition.policy, loaded.row["unit_path"], local_date(self.now)
        allowed = frozenset(policy.roles.get(action.name, ()))
        found = self.world.county.holders(allowed, path, today, loaded.people)
        turn = loaded.turn
        whose = set(self.world.county.holders(frozenset({turn["role"]}), path, today, loaded.people)) if turn else set()
        has = turn["person_id"] if turn else None
        self.world.rng.shuffle(found)
        found.sort(key=lambda p: (p != has, p not in whose))
        if has is not None and has not in found:
            found.insert(0, has)
        able = (p for p in found if self._may(loaded, action, p))
        return [p for p, _ in zip(able, range(PEOPLE_ASKED), strict=False)]

    def _may(self, loaded: Loaded, action: Action, person: int) -> bool:
        try:
            right_to(loaded, action.name, self._actor(person))
        except DubanError:
            return False
        return can_see(loaded, self._actor(person))

    def _actor(self, person: int) -> Actor:
        return self.world.county.actor(self.session, person, local_date(self.now))

    def _draft(self, loaded: Loaded, action: Action, person: int, view: View) -> bool:
        """Fill in the form and perform; say whether the engine took it."""
        try:
            answers = fill(action.form, view)
            self._ask_first(loaded, action, person, answers)
            with self.session.begin_nested():
                perform(self.world.engine, self.session, loaded.id, action.name, self._actor(person), answers, self.now)
        except (CannotFill, Refused, DubanError) as refusal:
            self.code = code_of(refusal)
            self.world.refused[self.code] += 1
            return False
        self.world.used(answers)
        self.world.performed[f"{loaded.definition.procedure.key}.{action.name}"] += 1
        return True

    def _ask_first(self, loaded: Loaded, action: Action, person: int, answers: Mapping[str, Any]) -> None:
        """Raise Refused where the procedure says no to this already: asking it costs no statement.

        What refers to another matter cannot be asked here: the engine reads it first.
        """
        actor, form = self._actor(person), action.form.model_validate(answers)
        refers = any(isinstance(m, Ref) and m.to == "matter" for _, found, _ in marked(form) for m in found)
        if not refers:
            right = right_to(loaded, action.name, actor)
            situation = loaded.situation(actor, self.now, right.behalf_of, right.roles)
            loaded.definition.procedure.next_state(action.name, situation, form)

    def _take_back(self, loaded: Loaded, action: Action, person: int) -> None:
        """Now and then somebody sees at once that it was wrong."""
        if action.kind is not Kind.FORWARD or self.world.rng.random() >= TAKES_BACK:
            return
        again = self._load(loaded.id)
        back = [a for a in again.definition.procedure.actions.values() if a.kind is Kind.WITHDRAW]
        if again.row["undo"] is not None and again.row["closed_at"] is None:
            self._draft(again, back[0], person, self.view(again, person))


def _about(clock: str, *effects: type[fx.Effect]) -> Callable[[Action], bool]:
    """Tell the notes with one of these effects on this clock or duty."""
    return lambda action: (
        action.kind is Kind.NOTE
        and any(
            isinstance(e, effects) and clock in (getattr(e, "duty", None), getattr(e, "clock", None))
            for e in action.effects
        )
    )


def code_of(refusal: CannotFill | Refused | DubanError) -> str:
    """Return the code that tells most: the guard's own, or the first objection to the answers."""
    if isinstance(refusal, InvalidAnswers):
        return f"invalid_answers.{refusal.extra['errors'][0]['code']}"
    if isinstance(refusal, DubanError):
        return str(refusal.extra.get("reason", refusal.code))
    return refusal.code


def _waits_for_others(loaded: Loaded) -> bool:
    """Whether linked matters are open, or somebody else has to answer first: members of a panel, or to a duty."""
    hanging = any(not other.closed for linked in loaded.linked.values() for other in linked)
    return hanging or any(i["kind"] != TURN for i in loaded.items) or any(c["duty"] for c in loaded.clocks)


def _has(action: Action, *effects: type) -> bool:
    return any(isinstance(e, effects) for e in action.effects)


def _sets_apart(action: Action) -> bool:
    """Notes that are no help in moving on: recusals, more time, standing still."""
    return _names_person(action.form) or _has(
        action, fx.AskExtension, fx.GrantExtension, fx.RefuseExtension, fx.Suspend
    )


def _names_person(form: type[Form]) -> bool:
    return any(
        any(isinstance(m, Names) for m in about) and any(isinstance(m, Ref) and m.to == "person" for m in about)
        for about in marks(form).values()
    )
