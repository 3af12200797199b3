"""People at work: whoever's turn it is takes an action the state knows, as the engine lets him.

Which action it is, is decided by the declarations alone: their kinds, their effects and their forms.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
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

PEOPLE_ASKED = 4
"""How many people at most try an action."""
EVER_KEENER = (0.35, 0.7, 0.85, 1.0)
"""How likely somebody fills in what is optional: ever more when he is refused."""
RETURNED, JUSTIFIED, STEPS_ASIDE, NOTES, TAKES_BACK, WANTS_TIME = 0.03, 0.04, 0.003, 0.15, 0.004, 0.3
"""How often in a turn: a return, what has to be justified, a recusal, a note, a withdrawal; more time near the end."""
NEAR = 4
"""Working days before the end of a period from which somebody may ask for more."""
PATIENCE = 3
"""Tries after which whatever is possible is tried."""
AGAIN = 0.15
"""How likely somebody does once more what was done before, if nothing moves the matter."""


@dataclass
class Desk:
    """One morning: everybody acts at this instant, inside one transaction. `code` is the last refusal met."""

    world: World
    session: Session
    now: datetime
    code: str = ""

    def attend(self, waiting: Waiting, tries: int = 0) -> bool:
        """Do what waits, if it still does, after so many tries; say whether anything came of it."""
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
                return self._take_turn(loaded, tries)
            case _, kind if kind == EXTENSION:
                return self._first_of(loaded, lambda a: _has(a, fx.GrantExtension, fx.RefuseExtension))
        return self._first_of(loaded, lambda a: a.name == waiting.name, waiting.person)

    def _load(self, matter_id: int) -> Loaded:
        return load(self.world.engine, self.session, matter_id)

    def _take_turn(self, loaded: Loaded, tries: int) -> bool:
        if self._moves(self._remark(loaded), tries):
            return True
        if self._waits_for_others(loaded):
            self.code = ""
        return False

    def _moves(self, loaded: Loaded, tries: int) -> bool:
        """Try one thing after the other until something moves the matter; say whether anything did.

        What ends or undoes something and has to be justified is seldom done, or when nothing else helped for long.
        """
        rng, state = self.world.rng, loaded.row["state"]
        possible = loaded.definition.procedure.open_actions(state)
        returns = [a for a in possible if a.kind is Kind.RETURN]
        leading = [a for a in possible if a.kind is Kind.FORWARD and a.targets() != (state,)]
        forward = [a for a in leading if not issubclass(a.form, Reason)] or leading
        if rng.random() < RETURNED and self._one_of(loaded, returns):
            return True
        if rng.random() < JUSTIFIED and self._one_of(loaded, leading):
            return True
        if self._one_of(loaded, forward):
            return True
        if self._waits_for_others(loaded):
            return False
        for note in self._helpful(loaded, [a for a in possible if a not in (*leading, *returns)]):
            if self.attempt(loaded, note):
                loaded = self._load(loaded.id)
                if self._one_of(loaded, forward):
                    return True
        return tries >= PATIENCE and self._one_of(loaded, [*leading, *returns])

    def _waits_for_others(self, loaded: Loaded) -> bool:
        """Whether linked matters are open, or somebody else answers first: a member of a panel, or to a request."""
        hanging = any(not other.closed for linked in loaded.linked.values() for other in linked)
        asked = [("item", i["id"]) for i in loaded.items if i["kind"] != TURN]
        return hanging or any(key not in self.world.failing for key in asked)

    def _helpful(self, loaded: Loaded, actions: list[Action]) -> list[Action]:
        """Choose from what stays in the state, in any order: what was done before seldom helps again."""
        rng, steps = self.world.rng, loaded.row["record"]["steps"]
        helps = [a for a in actions if a.kind in (Kind.NOTE, Kind.FORWARD) and not _sets_apart(a)]
        return [a for a in rng.sample(helps, len(helps)) if a.name not in steps or rng.random() < AGAIN]

    def _remark(self, loaded: Loaded) -> Loaded:
        """What people do besides: a note, a recusal, more time asked for. Return the matter as it stands then."""
        rng, wanted = self.world.rng, []
        possible = loaded.definition.procedure.open_actions(loaded.row["state"])
        if rng.random() < NOTES:
            wanted += self._helpful(loaded, [a for a in possible if a.kind is Kind.NOTE])[:1]
        if rng.random() < STEPS_ASIDE:
            wanted += [a for a in possible if _names_person(a.form)]
        due = loaded.row["due_at"]
        if due is not None and rng.random() < WANTS_TIME:
            left = self.world.engine.calendar.count_workdays(local_date(self.now), local_date(due))
            wanted += [a for a in possible if _has(a, fx.AskExtension) and 0 < left <= NEAR]
        for action in wanted:
            if loaded.row["state"] in action.sources and self.attempt(loaded, action):
                loaded = self._load(loaded.id)
        return loaded

    def _first_of(self, loaded: Loaded, wanted: Callable[[Action], bool], person: int | None = None) -> bool:
        possible = loaded.definition.procedure.open_actions(loaded.row["state"])
        return self._one_of(loaded, [a for a in possible if wanted(a)], person)

    def _one_of(self, loaded: Loaded, actions: list[Action], person: int | None = None) -> bool:
        return any(self.attempt(loaded, a, person) for a in self.world.rng.sample(actions, len(actions)))

    def attempt(self, loaded: Loaded, action: Action, person: int | None = None) -> bool:
        """Let people try one action, `person` or some who may, each with a few drafts; say whether it was taken.

        Whoever is refused fills in more; where two were refused for one reason, the others do not try.
        """
        codes: list[str] = []
        for who in self._able(loaded, action) if person is None else [person]:
            view = self.view(loaded, who)
            for keen in EVER_KEENER if action.form.model_fields else EVER_KEENER[:1]:
                if self._draft(loaded, action, who, replace(view, keen=keen)):
                    self._take_back(loaded, action, who)
                    return True
            codes.append(self.code)
            if codes.count(self.code) > 1:
                break
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
        found.sort(key=lambda p: (p != has, p not in loaded.seated, p not in whose))
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
