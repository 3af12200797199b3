"""How much of what arrives in a month, and how it leans. Invented figures: none of them is a county's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from services.simulation.filling import View

A_MONTH_AT = 30
"""The rates are those of a county with so many units."""
Leaning = Callable[[View], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Arrival:
    """How many a month, and answers laid over those that are drawn."""

    a_month: float
    leaning: Leaning = lambda _: {}


OTHERWISE = Arrival(1)
"""What holds for a procedure that is opened by hand and not listed."""


def _petition(view: View) -> Mapping[str, Any]:
    """Half with a name; one in twenty repeats another, a quarter is not ours, some are mixed."""
    rng = view.rng
    fields, beyond = list(view.policy.codes("problem_fields")), list(view.policy.codes("out_of_scope"))
    ours = [field for field in fields if field not in beyond]
    about = [rng.choice(ours)] if rng.random() < 0.78 else [rng.choice(beyond)]
    if rng.random() < 0.06:
        about = [rng.choice(ours), rng.choice(beyond)]
    earlier = view.matters("petition")
    again = rng.random() < 0.05 and earlier
    anonymous = rng.random() < 0.5
    return {
        "problem_fields": about, "anonymous": anonymous, "complainant": None if anonymous else _complainant(rng),
        "repeat_of": rng.choice(earlier) if again else None, "part_of": None, "superior": "市级信访机构",
    }  # fmt: skip


def _complainant(rng: Random) -> Mapping[str, Any]:
    return {"name": f"{rng.choice('周吴郑孙')}某某", "phone": f"1380000{rng.randrange(10_000):04d}"}


ARRIVALS: Mapping[str, Arrival] = {
    "petition": Arrival(40, _petition),
    "clue": Arrival(5),
    "rectification": Arrival(8),
    "supervised_handling": Arrival(2),
    "case": Arrival(0.5),
    "accountability": Arrival(0.5),
}


def arrivals(rng: Random, mean: float) -> int:
    """Draw a Poisson number (Knuth): enough for the few of one day."""
    count, left = 0, rng.random()
    limit = pow(2.718281828459045, -mean)
    while left > limit:
        count += 1
        left *= rng.random()
    return count
