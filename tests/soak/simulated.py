"""A present that runs faster than the real one and is the same in every process, so that rungs come due in minutes."""

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

VARIABLE = "SOAK_PRESENT"
LEASE = 60.0
"""Real seconds that a deliverer has for a batch: the hour of the product would be over in one."""


@dataclass(frozen=True, slots=True)
class Present:
    """It was `start` at the real instant `began` (seconds of the epoch); since then it runs `rate` times as fast."""

    start: datetime
    began: float
    rate: float

    @classmethod
    def from_environ(cls) -> "Present":
        start, began, rate = os.environ[VARIABLE].split(",")
        return cls(datetime.fromisoformat(start), float(began), float(rate))

    def as_environ(self) -> dict[str, str]:
        return {VARIABLE: f"{self.start.isoformat()},{self.began},{self.rate}"}

    def now(self) -> datetime:
        return (self.start + timedelta(seconds=(time.time() - self.began) * self.rate)).astimezone(UTC)

    def span(self, seconds: float) -> timedelta:
        """How much of this time passes in so many real seconds."""
        return timedelta(seconds=seconds * self.rate)
