"""Every state × every action of a conduct assessment, its guards, and its figures."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachines.conduct_assessment import CONDUCT_ASSESSMENT, State, score_of
from statemachines.kit.findings import grade_of, mean_of
from statemachines.kit.forms import Form
from statemachines.kit.panels import Seat, SeatState, Tally, Vote
from statemachines.kit.procedure import Refused
from statemachines.kit.situation import Situation
from tests.support.situations import FOURTH, THIRD, away, other, policy, situation

S = State
SUBJECT = 7
RULES = policy("conduct_assessment")
DIMENSIONS = ("thought", "study", "work", "leadership", "life")
PATHS = {S.PLANNED: (S.PLANNED, S.ASSESSING), S.ASSESSING: (S.PLANNED,), S.RECTIFYING: (S.PLANNED, S.ASSESSING)}
EXTENSIONS = ("ask_extension", "grant_extension", "refuse_extension")
LEGAL: dict[tuple[State, str], State] = {
    (S.PLANNED, "set_team"): S.ASSESSING,
    (S.PLANNED, "waive"): S.WAIVED,
    (S.ASSESSING, "conclude"): S.CONCLUDED,
    (S.RECTIFYING, "finish"): S.CONCLUDED,
    **{(S.ASSESSING, n): S.ASSESSING for n in ("mark", "add_member", "remove_member", "mark_absent", "mark_present")},
    **{(s, n): s for s in (S.PLANNED, S.ASSESSING) for n in EXTENSIONS},
    **{(s, "recuse"): s for s in PATHS},
    **{(s, "withdraw"): path[-1] for s, path in PATHS.items()},
}


def marked(*marks: tuple[int, ...], waiting: tuple[int, ...] = ()) -> Tally:
    votes = tuple(Vote("", dict(zip(DIMENSIONS, m, strict=True)), 40 + n) for n, m in enumerate(marks))
    seats = [Seat(40 + n, "", SeatState.ANSWERED) for n in range(len(marks))] + [Seat(p) for p in waiting]
    return Tally(RULES.panels["assessors"], tuple(seats), votes)


def at(state: State, panel: Tally | None = None, **more: Any) -> Situation:
    opened = {"subject": SUBJECT, "unit": 3, "year": 2016}
    done = replace(other(9, date(2016, 1, 5), "strike_off"), closed=True)
    more = {
        "policy": RULES, "unit_kind": "township", "linked": {"rectifies": (done,)},
        "panels": {"assessors": panel or marked((80,) * 5, (90,) * 5)}, **more,
    }  # fmt: skip
    return situation("conduct_assessment", state, {"open": opened}, path=PATHS.get(state, ()), **more)


def form(action: str, **answers: Any) -> Form:
    usual: dict[str, dict[str, Any]] = {
        "set_team": {"members": (THIRD, FOURTH), "plan": "下周"},
        "mark": {**dict.fromkeys(DIMENSIONS, 80), "grounds": "查阅资料"},
        "conclude": {"comment": "较好"},
        "finish": {},
        "add_member": {"person": 60, "reason": "增补"},
        "remove_member": {"person": 55, "reason": "调整"},
        "mark_absent": {"person": 55, "reason": "出差"},
        "mark_present": {"person": 55, "reason": "提前返回"},
        "ask_extension": {"amount": 1, "reason": "量大"},
        "grant_extension": {},
        "recuse": {"person": 5, "reason": "亲属"},
    }
    return CONDUCT_ASSESSMENT.actions[action].form(**{**usual.get(action, {"reason": "因故"}), **answers})


def refusal(action: str, view: Situation, answers: Form | None = None) -> str:
    with pytest.raises(Refused) as refused:
        CONDUCT_ASSESSMENT.next_state(action, view, answers or form(action))
    return refused.value.code


@pytest.mark.parametrize(("state", "action"), [(s, a) for s in S for a in CONDUCT_ASSESSMENT.actions])
def test_moves_exactly_as_the_table_says(state: State, action: str) -> None:
    asked = frozenset({"assessment"}) if action in ("grant_extension", "refuse_extension") else frozenset()
    waiting = (55,) if action in ("remove_member", "mark_absent") else ()
    view = at(state, marked((80,) * 5, (90,) * 5, waiting=waiting), pending=asked)
    view = away(view, "assessors", 55) if action == "mark_present" else view
    if (state, action) in LEGAL:
        assert CONDUCT_ASSESSMENT.next_state(action, view, form(action)) == LEGAL[state, action]
    else:
        assert refusal(action, view) == "not_in_this_state"


@pytest.mark.parametrize(
    ("state", "action"), [(S.PLANNED, "set_team"), (S.PLANNED, "waive"), (S.ASSESSING, "conclude")]
)
def test_nobody_assesses_himself_or_his_own_unit(state: State, action: str) -> None:
    assert refusal(action, at(state, actor=SUBJECT)) == "own_assessment"
    assert refusal(action, at(state, behalf_of=SUBJECT)) == "own_assessment"
    assert refusal(action, at(state, at_home=True)) == "of_the_assessed_unit"


def test_the_subject_is_seated_neither_at_first_nor_later() -> None:
    assert refusal("set_team", at(S.PLANNED), form("set_team", members=(THIRD, SUBJECT))) == "own_assessment"
    added = form("add_member", person=SUBJECT)
    assert refusal("add_member", at(S.ASSESSING), added) == "own_assessment"


def test_two_assess_and_all_of_them_answer() -> None:
    assert refusal("set_team", at(S.PLANNED), form("set_team", members=(THIRD, THIRD))) == "team_too_small"
    assert refusal("conclude", at(S.ASSESSING, marked((80,) * 5, (90,) * 5, waiting=(55,)))) == "panel_incomplete"
    assert refusal("conclude", at(S.ASSESSING, marked((80,) * 5))) == "panel_incomplete"


def test_findings_open_rectifications_and_keep_it_open() -> None:
    found = form("conclude", comment="有不足", findings=({"problem": "会风", "level": "minor"},))
    assert CONDUCT_ASSESSMENT.next_state("conclude", at(S.ASSESSING), found) == S.RECTIFYING


def test_the_score_worked_by_hand() -> None:
    view = at(S.ASSESSING, marked((80, 70, 90, 60, 100), (81, 70, 90, 60, 100)))
    assert score_of(view) == Fraction("80.1")
    derive = CONDUCT_ASSESSMENT.actions["conclude"].derive
    assert derive is not None
    assert derive(view, form("conclude")) == {"score": "80.10", "grade": "good"}


names = st.sampled_from(["a", "b", "c", "d"])
figures = st.dictionaries(names, st.one_of(st.none(), st.fractions(0, 100)))
weights = st.dictionaries(names, st.decimals("0.01", 50, places=2).map(str))


@given(figures, weights)
def test_a_weighed_mean_lies_within_and_forgets_what_is_missing(given_: Any, shares: Any) -> None:
    there = [f for f in given_.values() if f is not None]
    mean = mean_of(given_, shares)
    assert mean == mean_of({n: f for n, f in given_.items() if f is not None}, shares)
    assert mean == mean_of(dict(reversed(given_.items())), shares)
    if there:
        assert mean is not None
        assert min(there) <= mean <= max(there)
    else:
        assert mean is None


@pytest.mark.parametrize(("score", "grade"), [("90", "high"), ("89.999", "middle"), ("60", "middle"), ("0", "low")])
def test_a_grade_goes_by_the_exact_score(score: str, grade: str) -> None:
    assert grade_of(Fraction(score), {"low": "0", "high": "90", "middle": "60"}) == grade


def test_the_dimensions_are_the_five_of_the_form() -> None:
    assert tuple(RULES.codes("dimension_weights")) == DIMENSIONS
    assert set(DIMENSIONS) < set(CONDUCT_ASSESSMENT.actions["mark"].form.model_fields)
