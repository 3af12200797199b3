"""Every state × every action of a rectification, and its guards, without a database."""

from datetime import date
from typing import Any

import pytest

from statemachines.kit.forms import Form
from statemachines.kit.procedure import Refused
from statemachines.kit.situation import Situation
from statemachines.rectification import RECTIFICATION, State
from tests.support.situations import COLLEAGUE, ME, THIRD, situation

S = State
OPEN = [S.ISSUED, S.RECTIFYING, S.VERIFICATION, S.APPROVAL]
PATHS = {S.ISSUED: (S.ISSUED, S.RECTIFYING), S.RECTIFYING: (S.ISSUED,), S.VERIFICATION: (S.ISSUED, S.RECTIFYING),
         S.APPROVAL: (S.ISSUED, S.RECTIFYING, S.VERIFICATION)}  # fmt: skip
LEGAL: dict[tuple[State, str], State] = {
    (S.ISSUED, "plan"): S.RECTIFYING,
    (S.RECTIFYING, "note_progress"): S.RECTIFYING,
    (S.RECTIFYING, "submit"): S.VERIFICATION,
    (S.VERIFICATION, "verify"): S.APPROVAL,
    (S.VERIFICATION, "send_back"): S.RECTIFYING,
    (S.APPROVAL, "strike_off"): S.STRUCK_OFF,
    (S.APPROVAL, "refuse_strike_off"): S.VERIFICATION,
    **{(s, "cancel"): S.CANCELLED for s in OPEN},
    **{(s, "recuse"): s for s in OPEN},
    **{(S.RECTIFYING, name): S.RECTIFYING for name in ("ask_extension", "grant_extension", "refuse_extension")},
    **{(s, "withdraw"): path[-1] for s, path in PATHS.items()},
}


def at(state: State, **more: Any) -> Situation:
    steps: dict[str, Any] = {"open": {"level": "moderate", "handler_unit": 3}, "submit": {"submitted_on": "2016-03-01"}}
    return situation("rectification", state, steps, path=PATHS.get(state, ()), **more)


def form(action: str, **answers: Any) -> Form:
    measure = {"content": "退还", "responsible": 5, "by": date(2016, 3, 1)}
    usual: dict[str, dict[str, Any]] = {
        "plan": {"measures": (measure,), "goal": "全部退还"},
        "note_progress": {"content": "在办"},
        "submit": {"done": "已退还", "evidence": (1,)},
        "verify": {"verified_on": date(2016, 3, 1), "opinion": "属实"},
        "strike_off": {"opinion": "同意"},
        "ask_extension": {"amount": 5, "unit": "workday", "reason": "量大"},
        "grant_extension": {},
        "recuse": {"person": 5, "reason": "亲属"},
    }
    return RECTIFICATION.actions[action].form(**{**usual.get(action, {"reason": "因故"}), **answers})


def refusal(action: str, view: Situation, answers: Form | None = None) -> str:
    with pytest.raises(Refused) as refused:
        RECTIFICATION.next_state(action, view, answers or form(action))
    assert refused.value.zh
    return refused.value.code


@pytest.mark.parametrize(("state", "action"), [(s, a) for s in S for a in RECTIFICATION.actions])
def test_moves_exactly_as_the_table_says(state: State, action: str) -> None:
    asked = frozenset({"rectification"}) if action in ("grant_extension", "refuse_extension") else frozenset()
    view = at(state, pending=asked)
    if (state, action) in LEGAL:
        assert RECTIFICATION.next_state(action, view, form(action)) == LEGAL[state, action]
    else:
        assert refusal(action, view) == "not_in_this_state"


@pytest.mark.parametrize("step", ["plan", "plan.measures.responsible", "note_progress", "submit"])
@pytest.mark.parametrize(
    ("state", "action", "code"),
    [
        (S.VERIFICATION, "verify", "verifier_rectified"),
        (S.APPROVAL, "strike_off", "approver_took_part"),
        (S.APPROVAL, "refuse_strike_off", "approver_took_part"),
        (S.RECTIFYING, "cancel", "canceller_rectified"),
    ],
)
def test_whoever_rectified_neither_verifies_nor_strikes_off(step: str, state: State, action: str, code: str) -> None:
    assert refusal(action, at(state, actors={step: frozenset({ME})})) == code
    lent = at(state, actors={step: frozenset({COLLEAGUE})}, behalf_of=COLLEAGUE)
    assert refusal(action, lent) == code
    assert refusal(action, at(state, actor=None)) == code
    assert RECTIFICATION.next_state(action, at(state, actors={step: frozenset({THIRD})}), form(action))


def test_a_strike_off_takes_two() -> None:
    assert refusal("strike_off", at(S.APPROVAL, actors={"verify": frozenset({ME})})) == "approver_took_part"


def test_limits_lie_ahead() -> None:
    late = {"content": "退还", "responsible": 5, "by": date(2016, 2, 29)}
    assert refusal("plan", at(S.ISSUED), form("plan", measures=(late,))) == "limit_passed"


def test_it_is_not_verified_before_it_was_handed_in() -> None:
    early = form("verify", verified_on=date(2016, 2, 29))
    assert refusal("verify", at(S.VERIFICATION), early) == "verified_before_submitted"


def test_a_return_inspection_is_opened_only_if_asked_for() -> None:
    (effect,) = RECTIFICATION.actions["strike_off"].effects
    assert effect.when is not None
    assert not effect.when(at(S.APPROVAL), form("strike_off"))
    assert effect.when(at(S.APPROVAL), form("strike_off", return_inspection=True))
