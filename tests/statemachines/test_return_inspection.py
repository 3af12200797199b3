"""Every state × every action of a return inspection, and its guards, without a database."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from statemachines.kit.forms import Form
from statemachines.kit.procedure import Refused
from statemachines.kit.situation import Other, Situation
from statemachines.return_inspection import RETURN_INSPECTION, State
from tests.support.situations import FOURTH, ME, NOW, THIRD, other, situation

S = State
LEGAL: dict[tuple[State, str], State] = {
    (S.PLANNED, "find_held"): S.HELD,
    (S.PLANNED, "find_relapsed"): S.RELAPSED,
    (S.PLANNED, "cancel"): S.CANCELLED,
    **{(S.PLANNED, n): S.PLANNED for n in ("recuse", "ask_extension", "grant_extension", "refuse_extension")},
}


def first(**actors: frozenset[int]) -> Other:
    made = other(9, date(2016, 1, 5), "open", "strike_off", **actors)
    answers = {**made.steps, "open": replace(made.steps["open"], answers={"handler_unit": 3})}
    return replace(made, procedure="rectification", state="struck_off", closed=True, steps=answers)


def at(state: State, rectified: Other | None = None, **more: Any) -> Situation:
    return situation(
        "return_inspection", state, {"open": {"rectification": 9, "handler_unit": 3}},
        others={9: rectified or first()}, **more,
    )  # fmt: skip


def form(action: str, **answers: Any) -> Form:
    found = {"members": (THIRD, FOURTH), "inspected_on": date(2016, 3, 1), "finding": "账目清楚"}
    usual: dict[str, dict[str, Any]] = {
        "find_held": found,
        "find_relapsed": {**found, "level": "serious", "again": 3},
        "ask_extension": {"amount": 1, "reason": "量大"},
        "grant_extension": {},
        "recuse": {"person": 5, "reason": "亲属"},
    }
    return RETURN_INSPECTION.actions[action].form(**{**usual.get(action, {"reason": "因故"}), **answers})


def refusal(action: str, view: Situation, answers: Form | None = None) -> str:
    with pytest.raises(Refused) as refused:
        RETURN_INSPECTION.next_state(action, view, answers or form(action))
    return refused.value.code


@pytest.mark.parametrize(("state", "action"), [(s, a) for s in S for a in RETURN_INSPECTION.actions])
def test_moves_exactly_as_the_table_says(state: State, action: str) -> None:
    asked = frozenset({"inspection"}) if action in ("grant_extension", "refuse_extension") else frozenset()
    view = at(state, pending=asked)
    if (state, action) in LEGAL:
        assert RETURN_INSPECTION.next_state(action, view, form(action)) == LEGAL[state, action]
    elif action == "withdraw" and state is S.PLANNED:
        assert RETURN_INSPECTION.next_state(action, view, form(action)) == S.PLANNED
    else:
        assert refusal(action, view) == "not_in_this_state"


@pytest.mark.parametrize("part", ["plan", "plan__measures__responsible", "note_progress", "submit"])
def test_nobody_who_rectified_inspects(part: str) -> None:
    acting = at(S.PLANNED, first(**{part: frozenset({ME})}))
    assert refusal("find_held", acting) == "inspector_rectified"
    assert refusal("cancel", acting) == "canceller_rectified"
    named = at(S.PLANNED, first(**{part: frozenset({THIRD})}))
    assert refusal("find_relapsed", named) == "inspector_rectified"


def test_two_different_people_inspect() -> None:
    assert refusal("find_held", at(S.PLANNED), form("find_held", members=(THIRD, THIRD))) == "team_too_small"


def test_it_returns_to_what_was_struck_off_and_to_the_same_unit() -> None:
    def check(rectified: Other, unit: int = 3) -> None:
        answers = RETURN_INSPECTION.opening.form(rectification=9, handler_unit=unit)
        for guard in RETURN_INSPECTION.opening.guards:
            guard.check(at(S.PLANNED, rectified), answers)

    check(first())
    with pytest.raises(Refused, match="struck off"):
        check(replace(first(), steps={"open": first().steps["open"]}))
    with pytest.raises(Refused, match="struck off"):
        check(replace(first(), procedure="petition"))
    with pytest.raises(Refused, match="the one that rectified"):
        check(first(), unit=4)


def test_a_relapse_says_what_the_second_round_starts_from() -> None:
    (effect,) = RETURN_INSPECTION.actions["find_relapsed"].effects
    (round_two,) = effect.answers(replace(at(S.PLANNED), matter_id=12, now=NOW), form("find_relapsed"))  # type: ignore[attr-defined]
    assert round_two == {
        "source": "routine_check", "level": "serious", "problem": "账目清楚", "handler_unit": 3,
        "found_on": "2016-03-01", "origin": 12,
    }  # fmt: skip
