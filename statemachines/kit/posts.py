"""Units and their heads through time, as rules that look at many of them see them: values only."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class UnitLife:
    """A unit, and from when to when it stands; `abolished_on` is the first day on which it does not."""

    unit_id: int
    kind: str
    founded_on: date | None = None
    abolished_on: date | None = None

    def stands(self, on: date) -> bool:
        begun = self.founded_on is None or self.founded_on <= on
        return begun and (self.abolished_on is None or on < self.abolished_on)


@dataclass(frozen=True, slots=True)
class Tenure:
    """Somebody answered for a unit from–to, both days included; an open end is None."""

    person_id: int
    unit_id: int
    held_from: date
    held_to: date | None = None

    def holds(self, on: date) -> bool:
        return self.held_from <= on and (self.held_to is None or on <= self.held_to)
