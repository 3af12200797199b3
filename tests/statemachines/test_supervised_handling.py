"""Every state × every action of the lists (督办, 任务), and their guards, without a database."""

from datetime import date
from typing import Any

import pytest

from statemachines.kit.forms import Form
from statemachines.kit.procedure import Procedure, Refused, Rung
from statemachines.kit.situation import Situation, Step
from statemachines.supervised_handling import SUPERVISED_HANDLING, State
from statemachines.task import TASK
from tests.support.situations import COLLEAGUE, ME, THIRD, situation

S = State
OPEN = [S.ISSUED, S.HANDLING, S.VERIFICATION]
EXTENSIONS = ["ask_extension", "grant_extension", "refuse_extension"]

LEGAL: dict[tuple[State, str], State] = {
    (S.ISSUED, "sign_for"): S.HANDLING,
    (S.HANDLING, "note_progress"): S.HANDLING,
    (S.VERIFICATION, "note_progress"): S.VERIFICATION,
    (S.HANDLING, "ask_strike_off"): S.VERIFICATION,
    (S.VERIFICATION, "verify"): S.VERIFICATION,
    (S.VERIFICATION, "strike_off"): S.STRUCK_OFF,
    (S.VERIFICATION, "send_back"): S.HANDLING,
    **{(s, "cancel"): S.STRUCK_OFF for s in OPEN},
    **{(s, "recuse"): s for s in OPEN},
    **{(s, name): s for s in (S.ISSUED, S.HANDLING) for name in EXTENSIONS},
    (S.HANDLING, "suspend"): S.HANDLING,
    (S.HANDLING, "resume"): S.HANDLING,
    (S.ISSUED, "withdraw"): S.HANDLING,
    (S.HANDLING, "withdraw"): S.ISSUED,
    (S.VERIFICATION, "withdraw"): S.HANDLING,
}
PATHS = {S.ISSUED: (S.ISSUED, S.HANDLING), S.HANDLING: (S.ISSUED,), S.VERIFICATION: (S.ISSUED, S.HANDLING)}


DONE = {"ask_strike_off": Step(THIRD, "2016-02-28T10:00:00+08:00", {})}
VERIFIED = {**DONE, "verify": Step(COLLEAGUE, "2016-02-29T10:00:00+08:00", {})}


def at(state: State, **more: Any) -> Situation:
    more = {"steps": VERIFIED, "actors": {"verify": frozenset({COLLEAGUE})}, **more}
    return situation("supervised_handling", state, path=PATHS.get(state, ()), **more)


def form(action: str) -> Form:
    usual: dict[str, dict[str, object]] = {
        "sign_for": {"handler": 5, "measures": "整改"},
        "note_progress": {"content": "在办"},
        "ask_strike_off": {"done": "已办结"},
        "verify": {"opinion": "属实"},
        "strike_off": {"opinion": "属实"},
        "ask_extension": {"amount": 5, "unit": "workday", "reason": "量大"},
        "grant_extension": {},
        "recuse": {"person": 5, "reason": "亲属"},
    }
    return SUPERVISED_HANDLING.actions[action].form(**usual.get(action, {"reason": "因故"}))


def refusal(action: str, view: Situation) -> str:
    with pytest.raises(Refused) as refused:
        SUPERVISED_HANDLING.next_state(action, view, form(action))
    return refused.value.code


@pytest.mark.parametrize("listed", [SUPERVISED_HANDLING, TASK], ids=lambda listed: listed.key)
@pytest.mark.parametrize(("state", "action"), [(s, a) for s in S for a in SUPERVISED_HANDLING.actions])
def test_moves_exactly_as_the_table_says(listed: Procedure, state: State, action: str) -> None:
    clock = {"suspend": "running", "resume": "suspended"}.get(action, "running")
    asked = frozenset({"handling"}) if action in ("grant_extension", "refuse_extension") else frozenset()
    view = at(state, clocks={"handling": clock}, pending=asked)
    if (state, action) in LEGAL:
        assert listed.next_state(action, view, form(action)) == LEGAL[state, action]
    else:
        with pytest.raises(Refused) as refused:
            listed.next_state(action, view, form(action))
        assert refused.value.code == "not_in_this_state"


def test_it_takes_two_to_strike_it_off() -> None:
    assert refusal("strike_off", at(S.VERIFICATION, actors={"verify": frozenset({ME})})) == "one_person"
    lent = at(S.VERIFICATION, behalf_of=COLLEAGUE)
    assert refusal("strike_off", lent) == "one_person"
    assert refusal("strike_off", at(S.VERIFICATION, steps=DONE)) == "not_verified"


def test_what_was_done_anew_is_verified_anew() -> None:
    again = {**VERIFIED, "ask_strike_off": Step(THIRD, "2016-03-01T09:00:00+08:00", {})}
    assert refusal("strike_off", at(S.VERIFICATION, steps=again)) == "not_verified"


@pytest.mark.parametrize("step", ["sign_for", "sign_for.handler", "note_progress", "ask_strike_off"])
def test_nobody_who_ever_handled_it_verifies_it(step: str) -> None:
    assert refusal("strike_off", at(S.VERIFICATION, actors={step: frozenset({ME, 99})})) == "verifier_rectified"
    lent = at(S.VERIFICATION, actors={step: frozenset({COLLEAGUE})}, behalf_of=COLLEAGUE)
    assert refusal("strike_off", lent) == "verifier_rectified"


def test_the_clock_verifies_nothing() -> None:
    assert refusal("strike_off", at(S.VERIFICATION, actor=None)) == "verifier_rectified"


def test_a_rung_orders_it_from_the_unit_that_is_late() -> None:
    rung = Rung(7, "信访〔2016〕1号", "标题", 3, "办理期限", date(2016, 3, 31))
    assert SUPERVISED_HANDLING.opening.on_rung is not None
    order = SUPERVISED_HANDLING.opening.form(**SUPERVISED_HANDLING.opening.on_rung(rung))
    assert (order.source, order.handler_unit, order.subject) == ("overdue", 3, 7)
    assert "信访〔2016〕1号" in order.summary
    assert "2016-03-31" in order.demand
