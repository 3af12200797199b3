"""Every state × every action of the county's review, and its guards, without a database."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from statemachines.case_review import CASE_REVIEW, INVESTIGATING, State
from statemachines.kit.forms import Form
from statemachines.kit.panels import Panel, Seat, SeatState, Tally, Vote
from statemachines.kit.procedure import Refused
from statemachines.kit.situation import Other, Situation
from tests.support.situations import COLLEAGUE, FOURTH, ME, THIRD, away, policy, situation

S = State
DAY = date(2016, 3, 1)
CASE, ASKING, ELSEWHERE = 7, 2, 3
REVIEWED = [S.ASSIGNMENT, S.READING, S.TALK, S.CONVENING, S.DELIBERATION, S.OPINION]
OPEN = [S.FORM_CHECK, *REVIEWED, S.FEEDBACK]
WAY = [S.FORM_CHECK, *REVIEWED, S.FEEDBACK]
PATHS = {state: tuple(WAY[:place]) for place, state in enumerate(WAY)} | {S.FORM_CHECK: (S.FORM_CHECK, S.ASSIGNMENT)}
EXTENSIONS = ["ask_extension", "grant_extension", "refuse_extension"]

LEGAL: dict[tuple[State, str], State] = {
    (S.FORM_CHECK, "record_early_involvement"): S.FORM_CHECK,
    (S.FORM_CHECK, "accept"): S.ASSIGNMENT,
    (S.FORM_CHECK, "return_case"): S.RETURNED,
    (S.ASSIGNMENT, "assign_reviewers"): S.READING,
    (S.READING, "assign_reviewers"): S.READING,
    (S.READING, "record_reading"): S.READING,
    (S.READING, "finish_reading"): S.TALK,
    (S.TALK, "record_talk"): S.CONVENING,
    **{(s, "record_open_session"): s for s in (S.TALK, S.CONVENING, S.DELIBERATION)},
    (S.CONVENING, "convene"): S.DELIBERATION,
    **{
        (S.DELIBERATION, n): S.DELIBERATION
        for n in ("give_position", "add_member", "remove_member", "mark_absent", "mark_present")
    },
    (S.DELIBERATION, "conclude"): S.OPINION,
    (S.OPINION, "score_quality"): S.OPINION,
    (S.OPINION, "issue_opinion"): S.FEEDBACK,
    (S.FEEDBACK, "feed_back"): S.CLOSED,
    **{(s, "send_back"): PATHS[s][-1] for s in (S.TALK, S.CONVENING, S.DELIBERATION, S.OPINION)},
    **{(s, name): s for s in REVIEWED for name in EXTENSIONS},
    **{(s, "recuse"): s for s in OPEN},
    **{(s, "withdraw"): PATHS[s][-1] for s in OPEN},
}
POINTS = dict.fromkeys(["facts", "evidence", "character", "proportion", "procedure", "file"], 80)
TALK = {
    "talked_on": DAY, "place": "谈话室", "talkers": (ME, COLLEAGUE), "record": (1,), "signed": True,
    "defence_statement": "无异议",
}  # fmt: skip
AGREE = {"stance": "agree", "sanction": None, "reason": "适当"}


def tally(name: str, *votes: Mapping[str, Any], waiting: tuple[int, ...] = ()) -> Tally:
    """Votes of different people in the order given, and people who have not answered."""
    seats = [Seat(n, "", SeatState.ANSWERED) for n in range(1, len(votes) + 1)] + [Seat(n) for n in waiting]
    cast = [Vote("", given, n) for n, given in enumerate(votes, 1)]
    return Tally(policy("case_review").panels[name], tuple(seats), tuple(cast))


def case(**actors: frozenset[int]) -> Other:
    named = {name.replace("__", "."): ids for name, ids in actors.items()}
    return Other(CASE, "case", "review", False, DAY, {}, named)


def at(state: State, *, on: str = "tongcheng", **more: Any) -> Situation:
    answers = {
        "open": {"case": CASE, "unit": ASKING, "proposed_sanction": "warning"},
        "assign_reviewers": {"lead_reviewer": ME, "co_reviewer": COLLEAGUE},
        "record_talk": {"defence_statement": "无异议", "defence_declined": False},
        "conclude": {"outcome": "agree", "sanction": "warning"},
        "score_quality": {"total": "80.0"},
    }
    panels = {"reading": tally("reading", {}, {}), "opinion": tally("opinion", AGREE, AGREE, AGREE)}
    usual: dict[str, Any] = {"policy": policy("case_review", on), "others": {CASE: case()}, "panels": panels}
    return situation("case_review", state, answers, **{"path": PATHS.get(state, ()), **usual, **more})


def form(action: str, **answers: Any) -> Form:
    usual: dict[str, dict[str, Any]] = {
        "record_early_involvement": {"involved_on": DAY, "people": (ME,), "opinion": "补充账册"},
        "accept": {"present": tuple(policy("case_review").codes("form_checklist"))},
        "return_case": {"missing": ("key_evidence",), "reason": "缺账册"},
        "assign_reviewers": {"lead_reviewer": THIRD, "co_reviewer": FOURTH},
        "record_reading": {"notes": "摘录", "opinion": "清楚"},
        "finish_reading": {},
        "record_talk": TALK,
        "record_open_session": {
            "held_on": DAY, "place": "乡政府", "attendees": ({"kind": "party_members", "number": 20},), "content": "略",
        },
        "convene": {"held_on": DAY, "members": (THIRD,), "cross_members": ({"person": FOURTH, "unit": ELSEWHERE},)},
        "give_position": AGREE,
        "add_member": {"person": FOURTH, "reason": "增补"},
        "remove_member": {"person": FOURTH, "reason": "另有安排"},
        "mark_absent": {"person": FOURTH, "reason": "出差"},
        "mark_present": {"person": FOURTH, "reason": "提前返回"},
        "conclude": {},
        "score_quality": {**POINTS, "comment": "较好"},
        "issue_opinion": {"opinion": "同意"},
        "feed_back": {"told_on": DAY, "method": "letter", "receiver": "柳河乡纪委", "archive_no": "1"},
        "ask_extension": {"amount": 1, "reason": "复杂"},
        "grant_extension": {},
        "recuse": {"person": 5, "reason": "亲属"},
    }  # fmt: skip
    return CASE_REVIEW.actions[action].form(**{**usual.get(action, {"reason": "因故"}), **answers})


def refusal(action: str, view: Situation, answers: Form) -> str:
    with pytest.raises(Refused) as refused:
        CASE_REVIEW.next_state(action, view, answers)
    assert refused.value.en
    assert refused.value.zh
    return refused.value.code


def where_guards_hold(state: State, action: str) -> Situation:
    if action == "mark_present":
        return away(at(state), "opinion", FOURTH)
    if action in ("remove_member", "mark_absent"):
        return at(state, panels={"opinion": tally("opinion", AGREE, waiting=(FOURTH,))})
    if action in ("grant_extension", "refuse_extension"):
        return at(state, pending=frozenset({"review"}))
    return at(state)


@pytest.mark.parametrize(("state", "action"), [(s, a) for s in S for a in CASE_REVIEW.actions])
def test_moves_exactly_as_the_table_says(state: State, action: str) -> None:
    view = where_guards_hold(state, action)
    if (state, action) in LEGAL:
        assert CASE_REVIEW.next_state(action, view, form(action)) == LEGAL[state, action]
    else:
        assert refusal(action, view, form(action)) == "not_in_this_state"


REVIEWING = [
    (S.FORM_CHECK, "record_early_involvement"), (S.FORM_CHECK, "accept"), (S.FORM_CHECK, "return_case"),
    (S.ASSIGNMENT, "assign_reviewers"), (S.READING, "record_reading"), (S.READING, "finish_reading"),
    (S.TALK, "record_talk"), (S.TALK, "record_open_session"), (S.CONVENING, "convene"), (S.DELIBERATION, "add_member"),
    (S.DELIBERATION, "give_position"), (S.DELIBERATION, "conclude"), (S.OPINION, "score_quality"),
    (S.OPINION, "issue_opinion"), (S.FEEDBACK, "feed_back"),
]  # fmt: skip


@pytest.mark.parametrize("step", INVESTIGATING)
@pytest.mark.parametrize(("state", "action"), REVIEWING)
def test_nobody_who_investigated_takes_any_step(state: State, action: str, step: str) -> None:
    done = {CASE: case(**{step.replace(".", "__"): frozenset({ME})})}
    assert refusal(action, at(state, others=done), form(action)) == "investigator_reviews"
    lent = at(state, others=done, actor=COLLEAGUE, behalf_of=ME)
    assert refusal(action, lent, form(action)) == "investigator_reviews"


def test_whoever_verified_the_clue_investigated_too() -> None:
    clue = Other(9, "clue", "closed", True, DAY, {}, {"set_team.members": frozenset({ME})})
    view = at(S.FORM_CHECK, others={CASE: case(), 9: clue})
    view = replace(view, steps={**view.steps, "open": replace(view.steps["open"], answers={"case": CASE, "clue": 9})})
    assert refusal("accept", view, form("accept")) == "investigator_reviews"


@pytest.mark.parametrize(
    ("state", "action", "given"),
    [
        (S.FORM_CHECK, "record_early_involvement", {"people": (THIRD, 99)}),
        (S.ASSIGNMENT, "assign_reviewers", {"lead_reviewer": 99}),
        (S.ASSIGNMENT, "assign_reviewers", {"co_reviewer": 99}),
        (S.TALK, "record_talk", {"talkers": (ME, 99)}),
        (S.CONVENING, "convene", {"members": (99,)}),
        (S.CONVENING, "convene", {"cross_members": ({"person": 99, "unit": ELSEWHERE},)}),
        (S.DELIBERATION, "add_member", {"person": 99}),
    ],
)
def test_nobody_who_investigated_is_given_a_part(state: State, action: str, given: dict[str, Any]) -> None:
    others = {CASE: case(set_team__members=frozenset({99}))}
    assert refusal(action, at(state, others=others), form(action, **given)) == "investigator_reviews"


def test_it_is_accepted_with_every_paper_and_no_other_way() -> None:
    papers = tuple(policy("case_review").codes("form_checklist"))
    for missing in papers:
        there = tuple(p for p in papers if p != missing)
        assert refusal("accept", at(S.FORM_CHECK), form("accept", present=there)) == "papers_missing"
    with pytest.raises(ValidationError):
        form("return_case", missing=())


def test_the_two_reviewers_are_two() -> None:
    assert refusal("assign_reviewers", at(S.ASSIGNMENT), form("assign_reviewers", co_reviewer=THIRD)) == "one_reviewer"


@pytest.mark.parametrize("action", ["finish_reading", "conclude"])
def test_only_a_reviewer_of_the_case_goes_on(action: str) -> None:
    state = {"finish_reading": S.READING, "conclude": S.DELIBERATION}[action]
    assert refusal(action, at(state, actor=FOURTH), form(action)) == "not_the_reviewer"


def test_both_have_read() -> None:
    view = at(S.READING, panels={"reading": tally("reading", {}, waiting=(COLLEAGUE,))})
    assert refusal("finish_reading", view, form("finish_reading")) == "panel_incomplete"


@pytest.mark.parametrize("talkers", [(ME, ME), (THIRD, FOURTH)])
def test_two_talk_one_of_them_a_reviewer(talkers: tuple[int, int]) -> None:
    assert refusal("record_talk", at(S.TALK), form("record_talk", talkers=talkers)) == "talkers"


@pytest.mark.parametrize(
    "wrong",
    [
        {"record": ()}, {"defence_statement": ""}, {"defence_declined": True}, {"signed": False},
        {"unsigned_reason": "已签名却写了原因"}, {"talkers": (ME,)},
    ],
)  # fmt: skip
def test_the_talk_is_on_record_whole(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        form("record_talk", **wrong)
    assert form("record_talk", defence_statement="", defence_declined=True)
    assert form("record_talk", signed=False, unsigned_reason="拒绝签名")


def test_no_opinion_where_nobody_was_heard() -> None:
    view = at(S.OPINION)
    for left_out in ({}, {"defence_statement": "", "defence_declined": False}):
        steps = {**view.steps, "record_talk": replace(view.steps["record_talk"], answers=left_out)}
        assert refusal("issue_opinion", replace(view, steps=steps), form("issue_opinion")) == "not_heard"


def test_the_complainant_attends_no_open_session() -> None:
    attends = ({"kind": "party_members", "number": 3}, {"kind": "complainant", "number": 1})
    assert refusal("record_open_session", at(S.TALK), form("record_open_session", attendees=attends)) == (
        "complainant_attends"
    )


@pytest.mark.parametrize("member", [{"person": FOURTH, "unit": ASKING}, {"person": ME, "unit": ELSEWHERE}])
def test_cross_reviewers_come_from_elsewhere(member: dict[str, int]) -> None:
    assert refusal("convene", at(S.CONVENING), form("convene", cross_members=(member,))) == "same_unit"


@pytest.mark.parametrize(("pack", "refused"), [("tongcheng", True), ("national", False)])
def test_what_tongcheng_asks_for_and_the_national_rules_do_not(pack: str, refused: bool) -> None:
    view = at(S.OPINION, on=pack)
    unscored = replace(view, steps={k: v for k, v in view.steps.items() if k != "score_quality"})
    if refused:
        assert (
            refusal("convene", at(S.CONVENING, on=pack), form("convene", cross_members=())) == "cross_members_missing"
        )
        assert refusal("issue_opinion", unscored, form("issue_opinion")) == "not_scored"
    else:
        assert CASE_REVIEW.next_state("convene", at(S.CONVENING, on=pack), form("convene", cross_members=()))
        assert CASE_REVIEW.next_state("issue_opinion", unscored, form("issue_opinion"))


def modify(sanction: str) -> dict[str, Any]:
    return {"stance": "modify", "sanction": sanction, "reason": "见笔录"}


DISAGREE = {"stance": "disagree", "sanction": None, "reason": "证据不足"}


@pytest.mark.parametrize(
    ("votes", "outcome", "sanction"),
    [
        ([AGREE, AGREE, AGREE], "agree", "warning"),
        ([AGREE, AGREE, DISAGREE], "agree", "warning"),
        ([modify("none"), modify("none"), AGREE], "modify", "none"),
        ([DISAGREE, DISAGREE, AGREE], "disagree", None),
        ([AGREE, AGREE, DISAGREE, DISAGREE], None, None),
        ([modify("none"), modify("removal"), AGREE], None, None),
        ([AGREE, modify("none"), DISAGREE], None, None),
    ],
)
def test_the_opinion_is_what_the_majority_advises(votes: list[Any], outcome: str | None, sanction: str | None) -> None:
    view = at(S.DELIBERATION, panels={"opinion": tally("opinion", *votes)})
    derive = CASE_REVIEW.actions["conclude"].derive
    assert derive
    told = derive(view, form("conclude"))
    assert (told["outcome"], told["sanction"], told["members"]) == (outcome, sanction, len(votes))
    assert told["agree"] + told["modify"] + told["disagree"] == len(votes)
    if outcome is None:
        assert refusal("conclude", view, form("conclude")) == "no_majority"


@pytest.mark.parametrize("stance", ["agree", "disagree"])
def test_a_sanction_goes_with_a_change_and_only_with_one(stance: str) -> None:
    for wrong in ({"stance": stance, "sanction": "none"}, {"stance": "modify", "sanction": None}):
        with pytest.raises(ValidationError):
            form("give_position", **wrong)
    same = form("give_position", **modify("warning"))
    assert refusal("give_position", at(S.DELIBERATION), same) == "same_sanction"


@pytest.mark.parametrize(
    ("sanction", "advisory"),
    [("none", True), ("probation", True), ("expulsion", False), (None, True)],
)
def test_it_advises_within_the_townships_authority(sanction: str | None, advisory: bool) -> None:
    view = at(S.OPINION)
    concluded = replace(view.steps["conclude"], answers={"outcome": "modify", "sanction": sanction})
    derive = CASE_REVIEW.actions["issue_opinion"].derive
    assert derive
    told = derive(replace(view, steps={**view.steps, "conclude": concluded}), form("issue_opinion"))
    assert told == {"agrees": False, "sanction": sanction, "advisory": advisory}


@pytest.mark.parametrize(
    ("points", "total"),
    [({}, "80.0"), ({"facts": 85}, "81.5"), ({"file": 81}, "80.1"), ({"file": 0, "facts": 0}, "52.0")],
)
def test_the_scorecard_weighs_as_the_policy_says(points: dict[str, int], total: str) -> None:
    derive = CASE_REVIEW.actions["score_quality"].derive
    assert derive
    assert derive(at(S.OPINION), form("score_quality", **points)) == {"total": total}


def test_only_a_case_is_reviewed() -> None:
    petition = Other(CASE, "petition", "handling", False, DAY, {}, {})
    request = CASE_REVIEW.opening.form(
        case=CASE, unit=ASKING, grounds="属实", key_evidence="账册", proposed_sanction="warning"
    )
    (guard,) = CASE_REVIEW.opening.guards
    with pytest.raises(Refused, match="must be a case"):
        guard.check(at(S.FORM_CHECK, others={CASE: petition}), request)
    guard.check(at(S.FORM_CHECK), request)


def test_readings_outlast_a_return_and_votes_do_not() -> None:
    kept = {p.name: str(p.after_return) for p in CASE_REVIEW.panels.values() if isinstance(p, Panel)}
    assert kept == {"reading": "kept", "opinion": "anew"}


@pytest.mark.parametrize(
    ("state", "action"), [(S.DELIBERATION, "conclude"), (S.OPINION, "score_quality"), (S.OPINION, "issue_opinion")]
)
def test_every_derived_value_has_a_name(state: State, action: str) -> None:
    declared = CASE_REVIEW.actions[action]
    assert declared.derive and declared.derived
    assert declared.derive(at(state), form(action)).keys() == declared.derived.model_fields.keys()
