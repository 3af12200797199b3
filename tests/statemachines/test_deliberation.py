"""Every state × every action of a deliberation, the order of speaking, and what each county asks for."""

from datetime import date
from typing import Any

import pytest

from statemachines.deliberation import DELIBERATION, Figures, State
from statemachines.kit.forms import Form
from statemachines.kit.panels import Seat, SeatState, Tally, Vote
from statemachines.kit.procedure import Refused
from statemachines.kit.situation import Other, Situation
from tests.support.situations import COLLEAGUE, FOURTH, ME, THIRD, away, policy, situation

S = State
DAY = date(2020, 3, 2)
OPEN = [S.PREPARATION, S.SITTING]
HEAD, CHARGE = FOURTH, COLLEAGUE
SEATED = ("add_member", "remove_member", "mark_absent", "mark_present")

LEGAL: dict[tuple[State, str], State] = {
    (S.PREPARATION, "convene"): S.SITTING,
    **{(S.SITTING, name): S.SITTING for name in ("set_order", "state_position", *SEATED)},
    (S.SITTING, "send_back"): S.PREPARATION,
    (S.SITTING, "conclude"): S.CLOSED,
    **{(s, n): s for s in OPEN for n in ("ask_extension", "grant_extension", "refuse_extension", "recuse")},
    (S.PREPARATION, "withdraw"): S.SITTING,
    (S.SITTING, "withdraw"): S.PREPARATION,
}
PATHS = {S.PREPARATION: (S.PREPARATION, S.SITTING), S.SITTING: (S.PREPARATION,)}
AGREE = {"stance": "agree", "statement": "对照查摆", "measures": "立行立改"}


def tally(answered: tuple[int, ...] = (), waiting: tuple[int, ...] = (), absent: tuple[int, ...] = (),
          stances: tuple[str, ...] = (), on: str = "guangxi") -> Tally:  # fmt: skip
    states = ((answered, SeatState.ANSWERED), (waiting, SeatState.WAITING), (absent, SeatState.ABSENT))
    seats = [Seat(p, "", state) for people, state in states for p in people]
    said = stances or ("agree",) * len(answered)
    votes = [Vote("", {"stance": stance}, person) for person, stance in zip(answered, said, strict=True)]
    return Tally(policy("deliberation", on, DAY).panels["committee"], tuple(seats), tuple(votes))


def at(state: State, seats: Tally, *, on: str = "guangxi", ordered: bool = True, **more: Any) -> Situation:
    answers: dict[str, Any] = {"open": {"case": 7}} | (
        {"set_order": {"in_charge": CHARGE, "head": HEAD}} if ordered else {}
    )
    usual: dict[str, Any] = {"policy": policy("deliberation", on, DAY), "panels": {"committee": seats}}
    return situation("deliberation", state, answers, **{"path": PATHS.get(state, ()), **usual, **more})


def form(action: str, **answers: Any) -> Form:
    usual: dict[str, dict[str, Any]] = {
        "convene": {"held_on": DAY, "place": "常委会议室", "report": "案情通报"},
        "set_order": {"in_charge": CHARGE, "head": HEAD},
        "state_position": AGREE,
        "conclude": {"resolution": "同意处理意见"},
        **{name: {"person": HEAD if name != "add_member" else 99, "reason": "因故"} for name in SEATED},
        "ask_extension": {"amount": 1, "reason": "会期未定"},
        "grant_extension": {},
        "recuse": {"person": 5, "reason": "亲属"},
    }
    return DELIBERATION.actions[action].form(**{**usual.get(action, {"reason": "因故"}), **answers})


def refusal(action: str, view: Situation, answers: Form) -> str:
    with pytest.raises(Refused) as refused:
        DELIBERATION.next_state(action, view, answers)
    assert refused.value.zh
    return refused.value.code


def where_guards_hold(state: State, action: str) -> Situation:
    if action == "conclude":
        return at(state, tally((ME, CHARGE, HEAD)))
    asked = frozenset({"deliberation"}) if action in ("grant_extension", "refuse_extension") else frozenset()
    voted = (CHARGE,) if action == "state_position" else ()
    waiting = (ME, THIRD, HEAD) if voted else (ME, CHARGE, THIRD, HEAD)
    view = at(state, tally(voted, waiting), pending=asked, ordered=action != "set_order")
    return away(view, "committee", HEAD) if action == "mark_present" else view


@pytest.mark.parametrize(("state", "action"), [(s, a) for s in S for a in DELIBERATION.actions])
def test_moves_exactly_as_the_table_says(state: State, action: str) -> None:
    view = where_guards_hold(state, action)
    if (state, action) in LEGAL:
        assert DELIBERATION.next_state(action, view, form(action)) == LEGAL[state, action]
    else:
        assert refusal(action, view, form(action)) == "not_in_this_state"


@pytest.mark.parametrize(
    ("who", "answered", "absent", "may"),
    [
        (CHARGE, (), (), True),
        (ME, (), (), False),
        (ME, (CHARGE,), (), True),
        (ME, (), (CHARGE,), True),
        (HEAD, (CHARGE,), (), False),
        (HEAD, (CHARGE, ME), (), False),
        (HEAD, (CHARGE, ME), (THIRD,), True),
        (HEAD, (CHARGE, ME, THIRD), (), True),
        (ME, (CHARGE, ME), (), True),
    ],
)
def test_the_member_in_charge_speaks_first_and_the_head_last(
    who: int, answered: tuple[int, ...], absent: tuple[int, ...], may: bool
) -> None:
    waiting = tuple(p for p in (ME, CHARGE, THIRD, HEAD) if p not in (*answered, *absent))
    view = at(S.SITTING, tally(answered, waiting, absent), actor=who)
    if may:
        assert DELIBERATION.next_state("state_position", view, form("state_position")) == S.SITTING
    else:
        assert refusal("state_position", view, form("state_position")) == "not_in_turn"


def test_nobody_speaks_before_the_order_is_set() -> None:
    view = at(S.SITTING, tally(waiting=(ME, CHARGE, HEAD)), ordered=False, actor=CHARGE)
    assert refusal("state_position", view, form("state_position")) == "not_in_turn"


@pytest.mark.parametrize(
    ("who", "given", "missing"),
    [
        (CHARGE, {"measures": ""}, True), (CHARGE, {"statement": ""}, True), (ME, {"statement": ""}, True),
        (ME, {"measures": ""}, False), (HEAD, {"measures": ""}, True),
    ],
)  # fmt: skip
def test_everyone_reflects_and_two_of_them_add_measures(who: int, given: dict[str, str], missing: bool) -> None:
    others = tuple(p for p in (CHARGE, ME, THIRD) if p != who)
    view, said = at(S.SITTING, tally(others, (who,)), actor=who), form("state_position", **given)
    if missing:
        assert refusal("state_position", view, said) == "reflection_missing"
    else:
        assert DELIBERATION.next_state("state_position", view, said) == S.SITTING


def test_the_national_rules_ask_for_a_position_and_no_more() -> None:
    view = at(S.SITTING, tally(waiting=(ME, THIRD, HEAD), on="national"), on="national", ordered=False)
    assert DELIBERATION.next_state("state_position", view, form("state_position", statement="", measures=""))


@pytest.mark.parametrize(("charge", "head"), [(ME, ME), (ME, 99), (99, HEAD)])
def test_both_are_members_and_two(charge: int, head: int) -> None:
    view = at(S.SITTING, tally(waiting=(ME, CHARGE, HEAD)), ordered=False)
    assert refusal("set_order", view, form("set_order", in_charge=charge, head=head)) == "not_members"


def test_the_order_stands_once_somebody_spoke() -> None:
    spoke = at(S.SITTING, tally((CHARGE,), (ME, HEAD)))
    assert refusal("set_order", spoke, form("set_order", in_charge=ME)) == "already_speaking"
    gone = at(S.SITTING, tally((ME,), (THIRD, HEAD), (CHARGE,)))
    assert DELIBERATION.next_state("set_order", gone, form("set_order", in_charge=THIRD)) == S.SITTING


@pytest.mark.parametrize(
    ("seats", "agreed"),
    [
        (tally((1, 2, 3), stances=("agree", "agree", "disagree")), True),
        (tally((1, 2, 3), absent=(4,), stances=("agree", "agree", "disagree")), False),
        (tally((1, 2, 3), stances=("disagree", "disagree", "agree")), False),
    ],
)
def test_the_conclusion_counts_and_is_never_typed(seats: Tally, agreed: bool) -> None:
    derive = DELIBERATION.actions["conclude"].derive
    assert derive
    told = derive(at(S.SITTING, seats), form("conclude"))
    assert told["agreed"] is agreed
    assert told.keys() == Figures.model_fields.keys()
    assert told["agree"] + told["disagree"] + told["absent"] == told["members"]


def test_it_is_not_concluded_before_everyone_spoke_or_is_noted_absent() -> None:
    assert refusal("conclude", at(S.SITTING, tally((1, 2, 3), (4,))), form("conclude")) == "panel_incomplete"
    assert refusal("conclude", at(S.SITTING, tally((1, 2), absent=(4,))), form("conclude")) == "panel_incomplete"


@pytest.mark.parametrize(("pack", "role"), [("national", "standing_committee"), ("guangxi", "party_committee")])
def test_the_county_says_which_committee_sits(pack: str, role: str) -> None:
    view = at(S.PREPARATION, tally(on=pack), on=pack)
    effects = DELIBERATION.actions["convene"].effects
    assert [e.role for e in effects if e.when and e.when(view, form("convene"))] == [role]  # type: ignore[attr-defined]


def test_only_a_case_is_deliberated_on() -> None:
    (guard,) = DELIBERATION.opening.guards
    for procedure, fits in (("petition", False), ("case", True)):
        view = at(S.PREPARATION, tally(), others={7: Other(7, procedure, "x", False, DAY, {}, {})})
        assert guard.holds(view, DELIBERATION.opening.form(case=7)) is fits
