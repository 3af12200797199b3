"""Every state × every action of a reconsideration, and its guards, without a database."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from statemachines.kit.forms import Form
from statemachines.kit.panels import Seat, SeatState, Tally, Vote
from statemachines.kit.procedure import Refused
from statemachines.kit.situation import Other, Situation, Step
from statemachines.reconsideration import RECONSIDERATION, Outcome, State
from tests.support.situations import COLLEAGUE, FOURTH, ME, NOW, THIRD, away, policy, situation

S = State
DAY = date(2016, 3, 1)
CASE, REVIEW, DELIBERATION = 7, 8, 9
UNDER_WAY = [S.TEAM, S.REVIEWING, S.CONVENING, S.DECISION]
WAY = [S.REGISTERED, *UNDER_WAY, S.NOTICE]
PATHS = {state: tuple(WAY[:place]) for place, state in enumerate(WAY)} | {S.REGISTERED: (S.REGISTERED, S.TEAM)}

LEGAL: dict[tuple[State, str], State] = {
    (S.REGISTERED, "accept"): S.TEAM,
    (S.REGISTERED, "refuse"): S.REFUSED,
    (S.TEAM, "set_team"): S.REVIEWING,
    (S.REVIEWING, "set_team"): S.REVIEWING,
    (S.REVIEWING, "note_progress"): S.REVIEWING,
    (S.REVIEWING, "report"): S.CONVENING,
    (S.CONVENING, "convene"): S.DECISION,
    **{
        (S.DECISION, n): S.DECISION
        for n in ("state_position", "add_member", "remove_member", "mark_absent", "mark_present")
    },
    (S.DECISION, "decide"): S.NOTICE,
    (S.NOTICE, "inform"): S.CLOSED,
    (S.CONVENING, "send_back"): S.REVIEWING,
    (S.DECISION, "send_back"): S.CONVENING,
    **{(s, n): s for s in UNDER_WAY for n in ("ask_extension", "grant_extension", "refuse_extension")},
    **{(s, "recuse"): s for s in WAY},
    **{(s, "withdraw"): path[-1] for s, path in PATHS.items()},
}
UPHOLD = {"result": "uphold", "sanction": None, "reason": "事实清楚"}
REVOKE = {"result": "revoke", "sanction": None, "reason": "证据不足"}


def change(sanction: str) -> dict[str, Any]:
    return {"result": "change", "sanction": sanction, "reason": "量纪偏重"}


def step(**answers: Any) -> Step:
    return Step(99, NOW.isoformat(), answers)


def case(sanction: str = "removal", **more: Any) -> Other:
    done = {"open": step(), "decide": step(sanction=sanction)}
    return Other(CASE, "case", "execution", False, DAY, more.pop("steps", done), more)


def of_the_case(number: int, procedure: str, about: int = CASE, **actors: frozenset[int]) -> Other:
    return Other(number, procedure, "closed", True, DAY, {"open": step(case=about)}, actors)


def tally(*votes: dict[str, Any], waiting: tuple[int, ...] = ()) -> Tally:
    seats = [Seat(n, "", SeatState.ANSWERED) for n in range(1, len(votes) + 1)] + [Seat(n) for n in waiting]
    cast = tuple(Vote("", given, n) for n, given in enumerate(votes, 1))
    return Tally(policy("reconsideration").panels["committee"], tuple(seats), cast)


def at(state: State, *, opened: dict[str, Any] | None = None, **more: Any) -> Situation:
    answers = {
        "open": {
            "case": CASE, "reviews": [REVIEW], "kind": "party", "asked_on": "2016-03-01",
            "decision_received_on": "2016-02-01", **(opened or {}),
        },
        "set_team": {"members": [ME, COLLEAGUE]},
    }  # fmt: skip
    others = {CASE: case(), REVIEW: of_the_case(REVIEW, "case_review")}
    usual: dict[str, Any] = {
        "others": others, "panels": {"committee": tally(UPHOLD, UPHOLD, UPHOLD)},
        "actors": {"set_team.members": frozenset({ME, COLLEAGUE})},
    }  # fmt: skip
    return situation("reconsideration", state, answers, **{"path": PATHS.get(state, ()), **usual, **more})


def form(action: str, **answers: Any) -> Form:
    usual: dict[str, dict[str, Any]] = {
        "accept": {"opinion": "符合条件"},
        "refuse": {"ground": "other_organ", "reason": "由市纪委受理", "told_on": DAY, "method": "letter"},
        "set_team": {"leader": ME, "members": (ME, COLLEAGUE)},
        "note_progress": {"content": "在查"},
        "report": {"heard_on": DAY, "heard": "认为偏重", "facts": "属实", "opinion": "维持"},
        "convene": {"held_on": DAY, "members": (THIRD, FOURTH, 5)},
        "state_position": UPHOLD,
        "add_member": {"person": 99, "reason": "增补"},
        "remove_member": {"person": FOURTH, "reason": "另有安排"},
        "mark_absent": {"person": FOURTH, "reason": "出差"},
        "mark_present": {"person": FOURTH, "reason": "提前返回"},
        "decide": {"decided_on": DAY, "reasons": "事实清楚", "document": (1,)},
        "inform": {"told_on": DAY, "method": "in_person", "unit_told": "柳河乡党委", "archive_no": "1"},
        "ask_extension": {"amount": 1, "reason": "复杂"},
        "grant_extension": {},
        "recuse": {"person": 5, "reason": "亲属"},
    }
    return RECONSIDERATION.actions[action].form(**{**usual.get(action, {"reason": "因故"}), **answers})


def refusal(action: str, view: Situation, answers: Form | None = None) -> str:
    with pytest.raises(Refused) as refused:
        RECONSIDERATION.next_state(action, view, answers or form(action))
    assert refused.value.zh
    return refused.value.code


def where_guards_hold(state: State, action: str) -> Situation:
    if action == "mark_present":
        return away(at(state), "committee", FOURTH)
    if action in ("remove_member", "mark_absent"):
        return at(state, panels={"committee": tally(UPHOLD, waiting=(FOURTH,))})
    asked = frozenset({"reconsideration"}) if action in ("grant_extension", "refuse_extension") else frozenset()
    return at(state, pending=asked)


@pytest.mark.parametrize(("state", "action"), [(s, a) for s in S for a in RECONSIDERATION.actions])
def test_moves_exactly_as_the_table_says(state: State, action: str) -> None:
    view = where_guards_hold(state, action)
    seats_somebody = action in ("convene", "add_member", "mark_present")  # the team is not among those who decide
    actor = THIRD if seats_somebody else ME
    view = replace(view, actor=actor)
    if (state, action) in LEGAL:
        assert RECONSIDERATION.next_state(action, view, form(action)) == LEGAL[state, action]
    else:
        assert refusal(action, view) == "not_in_this_state"


ACTS = [
    (S.REGISTERED, "accept"), (S.REGISTERED, "refuse"), (S.TEAM, "set_team"), (S.REVIEWING, "note_progress"),
    (S.REVIEWING, "report"), (S.CONVENING, "convene"), (S.DECISION, "add_member"), (S.DECISION, "state_position"),
    (S.DECISION, "decide"), (S.NOTICE, "inform"),
]  # fmt: skip


@pytest.mark.parametrize("where", [CASE, REVIEW])
@pytest.mark.parametrize(("state", "action"), ACTS)
def test_nobody_who_touched_the_case_or_its_review_takes_any_step(state: State, action: str, where: int) -> None:
    touched = {
        CASE: case(anything=frozenset({ME} if where == CASE else ())),
        REVIEW: of_the_case(REVIEW, "case_review", give_position=frozenset({ME} if where == REVIEW else ())),
    }
    assert refusal(action, at(state, others=touched)) == "touched_the_case"
    assert refusal(action, at(state, others=touched, actor=6, behalf_of=ME)) == "touched_the_case"


@pytest.mark.parametrize(
    ("state", "action", "given"),
    [
        (S.TEAM, "set_team", {"members": (ME, 99)}),
        (S.CONVENING, "convene", {"members": (THIRD, FOURTH, 99)}),
        (S.DECISION, "add_member", {"person": 99}),
    ],
)
def test_nor_is_given_a_part(state: State, action: str, given: dict[str, Any]) -> None:
    others = {CASE: case(), REVIEW: of_the_case(REVIEW, "case_review", issue_opinion=frozenset({99}))}
    assert refusal(action, at(state, others=others, actor=THIRD), form(action, **given)) == "touched_the_case"


def test_the_team_is_two_and_does_not_decide() -> None:
    assert refusal("set_team", at(S.TEAM), form("set_team", members=(ME, ME))) == "team_too_small"
    convened = form("convene", members=(THIRD, FOURTH, ME))
    assert refusal("convene", at(S.CONVENING, actor=THIRD), convened) == "team_decides"
    assert refusal("convene", at(S.CONVENING, actor=ME)) == "team_decides"
    sitting = at(S.DECISION, actor=THIRD, panels={"committee": tally(waiting=(THIRD, FOURTH, 5))})
    assert refusal("add_member", sitting, form("add_member", person=ME)) == "team_decides"
    for action in ("note_progress", "report"):
        assert refusal(action, at(S.REVIEWING, actor=THIRD)) == "not_in_team"
    with pytest.raises(ValidationError):
        form("set_team", leader=THIRD)


@pytest.mark.parametrize(
    ("kind", "received", "asked", "in_time"),
    [
        ("government", "2016-02-01", "2016-03-01", True),
        ("government", "2016-02-01", "2016-03-02", False),
        ("government", "2016-01-31", "2016-02-29", True),
        ("government", "2016-01-31", "2016-03-01", False),
        ("party", "2010-01-01", "2016-03-01", True),
    ],
)
def test_a_government_sanction_is_asked_about_within_a_month(
    kind: str, received: str, asked: str, in_time: bool
) -> None:
    view = at(S.REGISTERED, opened={"kind": kind, "decision_received_on": received, "asked_on": asked})
    if in_time:
        assert RECONSIDERATION.next_state("accept", view, form("accept")) == S.TEAM
    else:
        assert refusal("accept", view) == "asked_late"
        assert RECONSIDERATION.next_state("accept", view, form("accept", late_reason="末日为休息日")) == S.TEAM


@pytest.mark.parametrize(
    ("sanction", "refused"),
    [("none", False), ("warning", False), ("serious_warning", False), ("removal", True), ("expulsion", True)],
)
def test_no_sanction_is_made_heavier(sanction: str, refused: bool) -> None:
    said = form("state_position", **change(sanction))
    if refused:
        assert refusal("state_position", at(S.DECISION), said) == "made_heavier"
    else:
        assert RECONSIDERATION.next_state("state_position", at(S.DECISION), said) == S.DECISION


@pytest.mark.parametrize(
    ("votes", "result", "sanction"),
    [
        ([UPHOLD, UPHOLD, REVOKE], "uphold", "removal"),
        ([change("warning"), change("warning"), UPHOLD], "change", "warning"),
        ([REVOKE, REVOKE, UPHOLD], "revoke", "none"),
        ([change("warning"), change("none"), UPHOLD], "", None),
    ],
)
def test_the_majority_decides(votes: list[dict[str, Any]], result: str, sanction: str | None) -> None:
    view = at(S.DECISION, panels={"committee": tally(*votes)})
    derive = RECONSIDERATION.actions["decide"].derive
    assert derive
    told = derive(view, form("decide"))
    assert (told["result"], told["before"], told["sanction"], told["members"]) == (result, "removal", sanction, 3)
    assert told.keys() == Outcome.model_fields.keys()
    if not result:
        assert refusal("decide", view) == "no_majority"


def test_it_is_not_decided_before_everyone_voted() -> None:
    view = at(S.DECISION, panels={"committee": tally(UPHOLD, UPHOLD, waiting=(FOURTH,))})
    assert refusal("decide", view) == "panel_incomplete"


def ask(reviews: tuple[int, ...] = (), **given: Any) -> Form:
    return RECONSIDERATION.opening.form(
        case=CASE, reviews=reviews, asked_by="subject", grounds="量纪偏重",
        **{"kind": "party", "asked_on": DAY, "decision_received_on": DAY, **given},
    )  # fmt: skip


def objection(answers: Form, *others: Other) -> str:
    view = at(S.REGISTERED, others={o.id: o for o in others})
    for guard in RECONSIDERATION.opening.guards:
        try:
            guard.check(view, answers)
        except Refused as refused:
            return refused.code
    return ""


def test_it_is_about_a_case_decided_with_a_sanction() -> None:
    assert objection(ask(), case()) == ""
    assert objection(ask(), case("none")) == "not_decided"
    assert objection(ask(), case(steps={"open": step()})) == "not_decided"
    assert objection(ask(), replace(case(), procedure="petition")) == "not_decided"
    with pytest.raises(ValidationError):
        ask(decision_received_on=date(2016, 3, 2))


def test_every_review_the_case_went_through_is_named() -> None:
    done = {"decide": step(sanction="removal"), "receive_review": step(), "ask_deliberation": step()}
    gone_through = case(steps=done)
    review, deliberation = of_the_case(REVIEW, "case_review"), of_the_case(DELIBERATION, "deliberation")
    assert objection(ask((REVIEW, DELIBERATION)), gone_through, review, deliberation) == ""
    for named, others in (((), ()), ((REVIEW,), (review,)), ((DELIBERATION,), (deliberation,))):
        assert objection(ask(named), gone_through, *others) == "reviews_missing"
    strange = of_the_case(REVIEW, "case_review", about=1)
    assert objection(ask((REVIEW, DELIBERATION)), gone_through, strange, deliberation) == "reviews_missing"
    assert objection(ask((REVIEW,)), case(), of_the_case(REVIEW, "spot_check")) == "reviews_missing"
