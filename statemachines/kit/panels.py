"""Several people answer the same form while a matter stands in one state; a rule says when that is enough.

会签, 合议 and 测评 are this: who sits is decided when the panel is convened, every member answers once, the policy names
the rule. A panel declared anonymous keeps who answered apart from what was answered.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from statemachines.kit.strict import Strict


class AfterReturn(StrEnum):
    """What becomes of the answers when the matter comes back to the panel after a return (a withdrawal keeps them)."""

    ANEW = "anew"
    KEPT = "kept"


class SeatState(StrEnum):
    WAITING = "waiting"
    ANSWERED = "answered"
    ABSENT = "absent"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Panel:
    """Declares a panel of a procedure: `action` is what its members do, a seat the only right to do it."""

    name: str
    action: str
    anonymous: bool = False
    after_return: AfterReturn = AfterReturn.ANEW


@dataclass(frozen=True, slots=True)
class Seat:
    """A member of a panel; `group` weighs him where the policy has groups."""

    person: int
    group: str = ""
    state: SeatState = SeatState.WAITING


@dataclass(frozen=True, slots=True)
class Vote:
    """One answer. `person` is None on an anonymous panel."""

    group: str
    answers: Mapping[str, Any]
    person: int | None = None


class Group(Strict):
    """Members whose answers weigh together; weights are relative to one another."""

    title: str
    weight: Annotated[Decimal, Field(gt=0)] = Decimal(1)


class PanelRule(Strict):
    """When a panel has answered. `quorum` is a share of all members, absent ones included ("2/3")."""

    title: str
    source: str
    verified: bool = True
    rule: Literal["all", "any", "quorum"]
    quorum: str | None = None
    at_least: int = Field(1, ge=1, description="answers needed in any case")
    groups: dict[str, Group] = Field(default_factory=dict)

    @field_validator("quorum")
    @classmethod
    def _readable(cls, quorum: str | None) -> str | None:
        if quorum is not None and not 0 < Fraction(quorum) <= 1:
            raise ValueError("a quorum is a share above 0 and at most 1, like 2/3")
        return quorum


@dataclass(frozen=True, slots=True)
class Tally:
    """How a panel stands: its seats and the answers given. Figures are exact."""

    rule: PanelRule
    seats: tuple[Seat, ...] = ()
    votes: tuple[Vote, ...] = ()

    @property
    def members(self) -> frozenset[int]:
        return frozenset(s.person for s in self.seats if s.state is not SeatState.REMOVED)

    def seats_in(self, state: SeatState) -> int:
        return sum(s.state is state for s in self.seats)

    @property
    def enough(self) -> bool:
        """Whether the rule is met. Absent members are waited for by nobody, but count in a quorum's base."""
        answered = self.seats_in(SeatState.ANSWERED)
        if answered < self.rule.at_least:
            return False
        match self.rule.rule:
            case "any":
                return True
            case "all":
                return self.seats_in(SeatState.WAITING) == 0
        return answered >= Fraction(self.rule.quorum or 1) * len(self.members)

    def count(self, field_name: str, *values: Any) -> int:
        """Return how many answers have one of these values in this field."""
        return sum(v.answers.get(field_name) in values for v in self.votes)

    def share(self, field_name: str, *values: Any) -> Fraction:
        """Return which part of all answers has one of these values; 0 where nobody answered."""
        return Fraction(self.count(field_name, *values), len(self.votes)) if self.votes else Fraction(0)

    def mean(self, points: Callable[[Mapping[str, Any]], Fraction | Decimal | int | None]) -> Fraction | None:
        """Return the mean of `points` over all answers, weighed by group; None where nothing was given.

        The mean is taken within each group first. A group without an answer falls out and the others' weights are
        taken relative to one another, so that an empty group pulls no figure down.
        """
        by_group: dict[str, list[Fraction]] = {}
        for vote in self.votes:
            if (given := points(vote.answers)) is not None:
                by_group.setdefault(vote.group, []).append(Fraction(given))
        if not by_group:
            return None
        weights = {name: self._weight(name) for name in by_group}
        total = sum(weights.values(), Fraction(0))
        means = {name: sum(given, Fraction(0)) / len(given) for name, given in by_group.items()}
        return sum((means[name] * weights[name] for name in means), Fraction(0)) / total

    def _weight(self, name: str) -> Fraction:
        found = self.rule.groups.get(name)
        return Fraction(found.weight) if found else Fraction(1)


def seats_of(people: Iterable[int], group: str = "") -> list[Seat]:
    """Return a seat for each person, each once."""
    return [Seat(person, group) for person in dict.fromkeys(people)]


def convened_again(before: Iterable[Seat], wanted: Iterable[Seat], keep: bool) -> tuple[Seat, ...]:
    """Return the seats of a panel that is convened a second time.

    With `keep`, whoever sat before keeps seat and answer, and who is no longer wanted is removed; without it everyone
    wanted starts anew.
    """
    fresh = {s.person: s for s in wanted}
    if not keep:
        return tuple(fresh.values())
    old = {s.person: s for s in before}
    stay = {p: Seat(p, fresh[p].group if p in fresh else s.group, _state_again(s, p in fresh)) for p, s in old.items()}
    return tuple((stay | {p: s for p, s in fresh.items() if p not in old}).values())


def _state_again(seat: Seat, wanted: bool) -> SeatState:
    if not wanted:
        return SeatState.REMOVED
    return SeatState.WAITING if seat.state is SeatState.REMOVED else seat.state
