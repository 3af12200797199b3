"""Situations made by hand, for rules tested without a database."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from config.packs import load_pack
from statemachines.kit.panels import Seat, SeatState
from statemachines.kit.policy import Policy
from statemachines.kit.situation import Move, Other, Situation, Step

NOW = datetime(2016, 3, 1, 2, tzinfo=UTC)
ME, COLLEAGUE, THIRD, FOURTH = 1, 2, 3, 4


@cache
def policy(procedure: str, pack: str = "tongcheng", on: date = date(2016, 3, 1)) -> Policy:
    """The policy in force on a day, as the pack's files have it."""
    return Policy.model_validate(load_pack(pack).at(procedure, on)[0].doc)


def situation(
    procedure: str,
    state: str,
    answers: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    path: tuple[str, ...] = (),
    **more: Any,
) -> Situation:
    """A matter in a state, with these answers on record (action → field → value), reached over `path`.

    Everything was done by COLLEAGUE unless `actors` says otherwise; ME acts now.
    """
    on_record = {action: Step(COLLEAGUE, NOW.isoformat(), given) for action, given in (answers or {}).items()}
    states = [*path, state]
    trail = tuple(
        Move(source, "step", target, COLLEAGUE) for source, target in zip([None, *states], states, strict=False)
    )
    base: dict[str, Any] = {
        "policy": policy(procedure), "now": NOW, "today": date(2016, 3, 1), "actor": ME, "steps": on_record,
        "trail": trail, "actors": {action: frozenset({COLLEAGUE}) for action in on_record},
    }  # fmt: skip
    return Situation(state=state, **{**base, **more})


def other(number: int, event_on: date, *done: str, **actors: frozenset[int]) -> Other:
    """An earlier petition with these steps behind it; `complete__team` stands for "complete.team"."""
    steps = {action: Step(THIRD, NOW.isoformat(), {}) for action in done}
    named = {name.replace("__", "."): ids for name, ids in actors.items()}
    return Other(number, "petition", "handling", False, event_on, steps, named)


def away(view: Situation, panel: str, person: int) -> Situation:
    """The same matter with this member of a panel marked absent."""
    tally = view.panels[panel]
    seats = (*(seat for seat in tally.seats if seat.person != person), Seat(person, state=SeatState.ABSENT))
    return replace(view, panels={**view.panels, panel: replace(tally, seats=seats)})
