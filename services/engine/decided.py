"""What was decided and is now to be written."""

from dataclasses import dataclass
from datetime import date

from services.db.together import Row
from services.engine.answers import Answers
from services.engine.changes import Changes
from services.engine.loading import Loaded
from services.engine.registry import Definition
from services.engine.routing import Place
from statemachines.kit.procedure import Action


@dataclass(frozen=True, slots=True)
class Move:
    """A decided move."""

    loaded: Loaded
    action: Action
    target: str
    answers: Answers
    behalf_of: int | None
    changes: Changes
    request_key: str | None


@dataclass(frozen=True, slots=True)
class Beginning:
    """A decided opening at a unit (its id, path, kind and name) and the place where that lies, under an edition.

    `away` are people and units excluded by the matter that opens it or that it is about.
    """

    definition: Definition
    answers: Answers
    changes: Changes
    unit: Row
    place: Place
    edition: str | None
    event_on: date
    request_key: str | None
    external_ref: str | None
    away: tuple[frozenset[int], frozenset[int]]
