"""The view of a matter that guards, targets and effects may look at: values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from statemachines.kit.panels import Tally

if TYPE_CHECKING:
    from statemachines.kit.policy import Policy


@dataclass(frozen=True, slots=True)
class Step:
    """The latest performance of one action: who, when, and what was answered (JSON values, sealed ones left out)."""

    by: int | None
    at: str
    answers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Move:
    """One change of state; `unit` held the matter before it."""

    source: str | None
    action: str
    target: str
    by: int | None
    unit: int | None = None


@dataclass(frozen=True, slots=True)
class Other:
    """Another matter that an answer refers to."""

    id: int
    procedure: str
    state: str
    closed: bool
    event_on: date
    steps: Mapping[str, Step]
    actors: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def did(self, *actions: str) -> frozenset[int]:
        """Return everyone who ever performed one of these actions on it, or was named in that answer."""
        return frozenset().union(*(self.actors.get(a, frozenset()) for a in actions))

    @property
    def touched(self) -> frozenset[int]:
        """Return everyone who ever had any part in it."""
        return frozenset().union(*self.actors.values())

    def answer(self, path: str, default: Any = None) -> Any:
        """Return one answer on its record by "action.field"."""
        return _answer(self.steps, path, default)


def _answer(steps: Mapping[str, Step], path: str, default: Any) -> Any:
    action, _, name = path.partition(".")
    step = steps.get(action)
    return default if step is None else step.answers.get(name, default)


@dataclass(frozen=True, slots=True)
class Situation:
    """A matter at the moment somebody acts on it.

    `actors` holds, per action, everyone who ever performed it or lent the right to, and, per "action.field",
    everyone whom that answer ever gave a part in it; `matter_id` is None while it is being opened, and then
    `opened_from` is the matter whose action opens it, if one does; `unit_id` is the unit that holds it; `from_elsewhere`
    says it was taken over from another record; `duties` are those still owed; `clocks` the state of each running or
    suspended clock; `pending` clocks with an extension waiting; `others` the matters that answers refer to; `linked`,
    per kind of link that the procedure watches, the matters that hang on this one; `panels` how each panel stands;
    `roles` those by which the actor may do what he does; `at_home` says whether whoever acts has any role of his own at
    the unit that holds the matter, or below it.
    """

    state: str
    policy: "Policy"
    now: datetime
    today: date
    actor: int | None
    matter_id: int | None = None
    opened_from: int | None = None
    from_elsewhere: bool = False
    behalf_of: int | None = None
    unit_id: int | None = None
    unit_kind: str = "county"
    steps: Mapping[str, Step] = field(default_factory=dict)
    trail: tuple[Move, ...] = ()
    actors: Mapping[str, frozenset[int]] = field(default_factory=dict)
    duties: frozenset[str] = frozenset()
    clocks: Mapping[str, str] = field(default_factory=dict)
    pending: frozenset[str] = frozenset()
    overdue: frozenset[str] = frozenset()
    others: Mapping[int, Other] = field(default_factory=dict)
    linked: Mapping[str, tuple[Other, ...]] = field(default_factory=dict)
    panels: Mapping[str, Tally] = field(default_factory=dict)
    roles: frozenset[str] = frozenset()
    at_home: bool = False

    def answer(self, path: str, default: Any = None) -> Any:
        """Return one answer on record by "action.field", or `default` where that step was never taken."""
        return _answer(self.steps, path, default)

    @property
    def acting(self) -> frozenset[int]:
        """Return who acts now: the person, and whoever's delegated right is used. Empty for the clock."""
        return frozenset(i for i in (self.actor, self.behalf_of) if i is not None)

    def by(self, action: str) -> int | None:
        return self.steps[action].by if action in self.steps else None

    def did(self, *actions: str) -> frozenset[int]:
        """Return everyone who ever performed one of these actions on this matter, or was named in that answer."""
        return frozenset().union(*(self.actors.get(a, frozenset()) for a in actions))

    def earlier_states(self) -> tuple[str, ...]:
        """Return the states passed on the way here, latest first, each once, the present one left out.

        A return cuts off what lay after the state it went back to, so that nobody is sent "back" forwards.
        """
        path: list[str] = []
        for move in self.trail:
            if move.target in path:
                del path[path.index(move.target) + 1 :]
            else:
                path.append(move.target)
        return tuple(state for state in reversed(path) if state != self.state)
