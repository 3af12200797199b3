"""What an action does beyond changing the state. Declarations only: the engine carries them out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from statemachines.kit.panels import Seat

if TYPE_CHECKING:
    from statemachines.kit.situation import Situation

When = Callable[["Situation", Any], bool]


@dataclass(frozen=True, slots=True)
class Effect:
    """Base of all effects; one with `when` happens only if that holds."""

    when: When | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class StartClock(Effect):
    """Start a clock of the policy. `by` and `given` are dotted paths into the answers on record:
    which of the policy's budgets applies ("propose.petition_class"), and the date for the budget "given"."""

    clock: str
    by: str | None = None
    given: str | None = None


@dataclass(frozen=True, slots=True)
class StopClock(Effect):
    clock: str


@dataclass(frozen=True, slots=True)
class Rebudget(Effect):
    """Recompute a running clock from its own anchor after its budget key changed; lateness stays on record."""

    clock: str
    by: str
    given: str | None = None


@dataclass(frozen=True, slots=True)
class Owe(Effect):
    """Owe somebody something: a clock that survives returns and jumps and blocks closing."""

    duty: str


@dataclass(frozen=True, slots=True)
class Settle(Effect):
    """The duty is done (on time or late, the clock's own outcome says which)."""

    duty: str


@dataclass(frozen=True, slots=True)
class Waive(Effect):
    """The duty falls away; the action's answers carry the reason."""

    duty: str


@dataclass(frozen=True, slots=True)
class AskExtension(Effect):
    """Put a request for more time before the approver; form fields `amount` and `reason`."""

    clock: str


@dataclass(frozen=True, slots=True)
class GrantExtension(Effect):
    clock: str


@dataclass(frozen=True, slots=True)
class RefuseExtension(Effect):
    clock: str


@dataclass(frozen=True, slots=True)
class Suspend(Effect):
    """The clock stands still from today; form field `reason`."""

    clock: str


@dataclass(frozen=True, slots=True)
class Resume(Effect):
    clock: str


@dataclass(frozen=True, slots=True)
class MoveTo(Effect):
    """The unit in this answer holds the matter from now on."""

    field: str


@dataclass(frozen=True, slots=True)
class MoveUp(Effect):
    """The nearest unit of this kind at or above the one that holds the matter holds it from now on ("county")."""

    to: str


@dataclass(frozen=True, slots=True)
class Assign(Effect):
    """The person in this answer gets the next work item."""

    field: str


@dataclass(frozen=True, slots=True)
class Open(Effect):
    """Open matters of another (or the same) procedure, linked to this one.

    `answers` returns one dict of opening answers per matter to open; sealed fields of the same name go along.
    """

    procedure: str
    answers: Callable[["Situation", Any], list[Mapping[str, Any]]]
    link: str = "opened_by"


@dataclass(frozen=True, slots=True)
class LinkTo(Effect):
    """Link this matter to the one whose id the answer holds."""

    field: str
    kind: str


@dataclass(frozen=True, slots=True)
class Tell(Effect):
    """Send an in-app message to the holders of a role (or "opener": whoever opened the matter)."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Convene(Effect):
    """Seat a panel: the people that `seats` returns, or everyone who holds `role` where the matter lies.

    Convened again after a return, the panel keeps its answers or starts anew, as its declaration says.
    """

    panel: str
    seats: Callable[["Situation", Any], Iterable[Seat]] | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class AddMember(Effect):
    """Seat one more, or wait again for one marked absent; form field `person`, and `group` where the form has it."""

    panel: str


@dataclass(frozen=True, slots=True)
class RemoveMember(Effect):
    """Take a seat away that has not answered; form field `person`."""

    panel: str


@dataclass(frozen=True, slots=True)
class MarkAbsent(Effect):
    """A member cannot answer and is no longer waited for; form field `person`."""

    panel: str
