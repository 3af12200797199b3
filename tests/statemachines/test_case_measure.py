"""Every state × every action of one of the six measures, and who may waive it."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from statemachines.case_measure import CASE_MEASURE, TITLES, State
from statemachines.kit.forms import Form
from statemachines.kit.procedure import Refused
from statemachines.kit.situation import Other, Situation
from tests.support.situations import COLLEAGUE, ME, policy, situation

S = State
DAY = date(2016, 3, 1)
STAYS = ["note_progress", "ask_waiver", "ask_extension", "grant_extension", "refuse_extension", "recuse"]
LEGAL = {"finish": S.DONE, "waive": S.WAIVED, "withdraw": S.OPEN, **dict.fromkeys(STAYS, S.OPEN)}


def at(state: State, **more: Any) -> Situation:
    opened = {"open": {"case": 7, "kind": "talk"}}
    return situation("case_measure", state, opened, path=(S.OPEN,) if state == S.OPEN else (), **more)


def form(action: str, **answers: Any) -> Form:
    usual: dict[str, dict[str, Any]] = {
        "note_progress": {"content": "已拟稿"},
        "finish": {"done_on": DAY, "content": "已印发", "evidence": (1,)},
        "ask_extension": {"amount": 1, "reason": "待会议"},
        "grant_extension": {},
        "recuse": {"person": 5, "reason": "亲属"},
    }
    return CASE_MEASURE.actions[action].form(**{**usual.get(action, {"reason": "因故"}), **answers})


def refusal(action: str, view: Situation) -> str:
    with pytest.raises(Refused) as refused:
        CASE_MEASURE.next_state(action, view, form(action))
    return refused.value.code


@pytest.mark.parametrize(("state", "action"), [(s, a) for s in S for a in CASE_MEASURE.actions])
def test_moves_exactly_as_the_table_says(state: State, action: str) -> None:
    asked = frozenset({"carrying_out"}) if action in ("grant_extension", "refuse_extension") else frozenset()
    view = at(state, pending=asked)
    if state == S.OPEN:
        assert CASE_MEASURE.next_state(action, view, form(action)) == LEGAL[action]
    else:
        assert refusal(action, view) == "not_in_this_state"


@pytest.mark.parametrize("did", ["open", "note_progress", "ask_waiver"])
def test_whoever_carries_it_out_does_not_waive_it(did: str) -> None:
    assert refusal("waive", at(S.OPEN, actors={did: frozenset({ME})})) == "same_person"
    lent = at(S.OPEN, actors={did: frozenset({ME})}, actor=COLLEAGUE, behalf_of=ME)
    assert refusal("waive", lent) == "same_person"
    assert refusal("waive", at(S.OPEN, actor=None)) == "same_person"


def test_it_is_finished_with_evidence_and_waived_with_a_reason() -> None:
    for action, wrong in (("finish", {"evidence": ()}), ("waive", {"reason": ""})):
        with pytest.raises(ValidationError):
            form(action, **wrong)


def test_every_kind_has_a_name_and_a_period() -> None:
    for pack in ("national", "guangxi"):
        rules = policy("case_measure", pack, date(2020, 3, 2))
        assert rules.codes("case_measures") == TITLES
        assert all(rules.clocks["carrying_out"].budget_for(kind) for kind in TITLES)


def test_it_follows_from_a_case() -> None:
    (guard,) = CASE_MEASURE.opening.guards
    for procedure, fits in (("petition", False), ("case", True)):
        view = at(S.OPEN, others={7: Other(7, procedure, "x", False, DAY, {}, {})})
        assert guard.holds(view, CASE_MEASURE.opening.form(case=7, kind="talk")) is fits
