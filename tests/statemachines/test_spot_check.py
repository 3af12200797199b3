"""Every state × every action of the spot check, and its guards, without a database."""

from datetime import date

import pytest

from statemachines.kit.forms import Form
from statemachines.kit.procedure import Refused
from statemachines.kit.situation import Situation
from statemachines.spot_check import SPOT_CHECK, State
from tests.support.situations import COLLEAGUE, FOURTH, ME, THIRD, other, situation

S = State
OPEN = [S.DRAWN, S.CHECKING, S.REVIEW]
EXTENSIONS = ["ask_extension", "grant_extension", "refuse_extension"]

LEGAL: dict[tuple[State, str], State] = {
    (S.DRAWN, "set_team"): S.CHECKING,
    (S.CHECKING, "set_team"): S.CHECKING,
    (S.CHECKING, "note_progress"): S.CHECKING,
    (S.CHECKING, "report"): S.REVIEW,
    (S.REVIEW, "send_back"): S.CHECKING,
    (S.REVIEW, "confirm"): S.CLOSED,
    **{(s, "recuse"): s for s in OPEN},
    **{(s, name): s for s in (S.DRAWN, S.CHECKING) for name in EXTENSIONS},
    (S.DRAWN, "withdraw"): S.CHECKING,
    (S.CHECKING, "withdraw"): S.DRAWN,
    (S.REVIEW, "withdraw"): S.CHECKING,
}
PATHS = {S.DRAWN: (S.DRAWN, S.CHECKING), S.CHECKING: (S.DRAWN,), S.REVIEW: (S.DRAWN, S.CHECKING)}


def at(state: State, members: tuple[int, ...] = (ME, THIRD), **more: object) -> Situation:
    answers = {"open": {"subject": 7}, "set_team": {"members": list(members)}}
    return situation("spot_check", state, answers, path=PATHS.get(state, ()), **more)


def form(action: str, **answers: object) -> Form:
    usual: dict[str, dict[str, object]] = {
        "set_team": {"members": (ME, THIRD), "plan": "实地核实"},
        "note_progress": {"content": "在查"},
        "report": {"result": "confirmed", "quality": 90, "summary": "一致"},
        "confirm": {"opinion": "同意"},
        "ask_extension": {"amount": 5, "unit": "workday", "reason": "量大"},
        "grant_extension": {},
        "recuse": {"person": 5, "reason": "亲属"},
    }
    return SPOT_CHECK.actions[action].form(**{**usual.get(action, {"reason": "因故"}), **answers})


def refusal(action: str, view: Situation, answers: Form) -> str:
    with pytest.raises(Refused) as refused:
        SPOT_CHECK.next_state(action, view, answers)
    return refused.value.code


@pytest.mark.parametrize(("state", "action"), [(s, a) for s in S for a in SPOT_CHECK.actions])
def test_moves_exactly_as_the_table_says(state: State, action: str) -> None:
    asked = frozenset({"checking"}) if action in ("grant_extension", "refuse_extension") else frozenset()
    view = at(state, actor=FOURTH if action == "confirm" else ME, pending=asked)
    if (state, action) in LEGAL:
        assert SPOT_CHECK.next_state(action, view, form(action)) == LEGAL[state, action]
    else:
        assert refusal(action, view, form(action)) == "not_in_this_state"


@pytest.mark.parametrize("step", ["note_progress", "complete", "complete.team", "record_reply", "propose", "approve"])
def test_nobody_who_ever_handled_the_item_checks_it(step: str) -> None:
    subject = other(7, date(2016, 1, 1), **{step.replace(".", "__"): frozenset({THIRD, 99})})
    assert refusal("set_team", at(S.DRAWN, others={7: subject}), form("set_team")) == "checker_handled_it"


@pytest.mark.parametrize("members", [(ME, ME), (THIRD, THIRD)])
def test_two_people_check(members: tuple[int, int]) -> None:
    assert refusal("set_team", at(S.DRAWN), form("set_team", members=members)) == "checker_handled_it"


def test_only_a_member_reports() -> None:
    assert refusal("report", at(S.CHECKING, actor=FOURTH), form("report")) == "not_in_team"
    assert SPOT_CHECK.next_state("report", at(S.CHECKING, actor=FOURTH, behalf_of=ME), form("report")) == S.REVIEW


@pytest.mark.parametrize("step", ["set_team.members", "note_progress", "report"])
def test_nobody_who_ever_checked_it_confirms_it(step: str) -> None:
    view = at(S.REVIEW, members=(THIRD, FOURTH), actors={step: frozenset({ME})})
    assert refusal("confirm", view, form("confirm")) == "reviewer_checked_it"
    lent = at(S.REVIEW, actor=FOURTH, actors={step: frozenset({COLLEAGUE})}, behalf_of=COLLEAGUE)
    assert refusal("confirm", lent, form("confirm")) == "reviewer_checked_it"


def test_whoever_named_the_team_may_confirm() -> None:
    view = at(S.REVIEW, members=(THIRD, FOURTH), actors={"set_team": frozenset({ME})})
    assert SPOT_CHECK.next_state("confirm", view, form("confirm")) == S.CLOSED


def test_the_clock_confirms_nothing() -> None:
    assert refusal("confirm", at(S.REVIEW, actor=None), form("confirm")) == "reviewer_checked_it"
