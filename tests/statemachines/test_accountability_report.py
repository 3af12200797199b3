"""Every state × every action of an accountability report, each guard attacked, and what packs ask for."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.packs import available
from statemachines.accountability_report import ACCOUNTABILITY_REPORT, Meeting, Mode, Plan, State, score_of
from statemachines.kit.forms import Form
from statemachines.kit.obligations import Occasion
from statemachines.kit.panels import Seat, SeatState, Tally, Vote
from statemachines.kit.procedure import Guard, Refused
from statemachines.kit.situation import Other, Situation
from tests.support.situations import COLLEAGUE, ME, THIRD, away, other, policy, situation

S = State
SUBJECT = 7
OPEN = [S.PLANNED, S.QUESTIONING, S.BALLOT, S.COMMENT, S.RECTIFYING]
PATHS = {
    S.PLANNED: (S.PLANNED, S.QUESTIONING), S.QUESTIONING: (S.PLANNED,), S.BALLOT: (S.PLANNED, S.QUESTIONING),
    S.COMMENT: (S.PLANNED, S.QUESTIONING, S.BALLOT), S.RECTIFYING: (S.PLANNED, S.QUESTIONING, S.BALLOT, S.COMMENT),
}  # fmt: skip
LEGAL: dict[tuple[State, str], State] = {
    (S.PLANNED, "change_mode"): S.PLANNED,
    (S.PLANNED, "waive"): S.WAIVED,
    (S.PLANNED, "submit"): S.QUESTIONING,
    (S.QUESTIONING, "question"): S.BALLOT,
    (S.QUESTIONING, "send_back"): S.PLANNED,
    (S.BALLOT, "send_back"): S.QUESTIONING,
    (S.BALLOT, "vote"): S.BALLOT,
    (S.BALLOT, "mark_absent"): S.BALLOT,
    (S.BALLOT, "mark_present"): S.BALLOT,
    (S.BALLOT, "close_ballot"): S.COMMENT,
    (S.COMMENT, "conclude"): S.CONCLUDED,
    (S.RECTIFYING, "finish"): S.CONCLUDED,
    **{(s, "recuse"): s for s in OPEN},
    **{(s, "withdraw"): path[-1] for s, path in PATHS.items()},
}
RATERS = [Seat(n, "leaders", SeatState.ANSWERED) for n in (31, 32, 33)] + [Seat(34, "leaders")]


def ballots(*listed: tuple[str, str], group: str = "leaders") -> tuple[Vote, ...]:
    return tuple(Vote(group, {"responsibility": a, "integrity": b}) for a, b in listed)


def tally(votes: tuple[Vote, ...], seats: list[Seat] | None = None, pack: str = "national") -> Tally:
    rule = policy("accountability_report", pack).panels["raters"]
    return Tally(rule, tuple(RATERS if seats is None else seats), votes)


GOOD = ballots(("excellent", "good"), ("good", "good"), ("fair", "poor"))


def at(state: State, opened: dict[str, Any] | None = None, pack: str = "national", **more: Any) -> Situation:
    usual = {"subject": SUBJECT, "year": 2016, "unit": 3, "mode": "written", "follows": None, "report_by": "2016-12-31"}
    steps = {"open": {**usual, **(opened or {})}, "submit": {"submitted_on": "2016-03-01"}}
    done = other(9, date(2016, 1, 5), "strike_off")
    more = {
        "policy": policy("accountability_report", pack), "panels": {"raters": tally(GOOD)},
        "linked": {"rectifies": (replace(done, closed=True),)}, "actor": SUBJECT if state is S.PLANNED else ME, **more,
    }  # fmt: skip
    return situation("accountability_report", state, steps, path=PATHS.get(state, ()), **more)


def form(action: str, **answers: Any) -> Form:
    usual: dict[str, dict[str, Any]] = {
        "change_mode": {"mode": "concentrated", "report_by": date(2016, 6, 30), "reason": "重点单位"},
        "submit": {"responsibility": "履责", "integrity": "廉洁"},
        "question": {"held_on": date(2016, 3, 1), "questions": ({"question": "账目", "answer": "已公开"},),
                     "raters": ({"group": "leaders", "people": (31, 32, 33, 34)},)},
        "vote": {"responsibility": "good", "integrity": "good"},
        "mark_absent": {"person": 34, "reason": "出差"},
        "mark_present": {"person": 34, "reason": "提前返回"},
        "close_ballot": {},
        "conclude": {"comment": "总体较好"},
        "finish": {},
        "recuse": {"person": 5, "reason": "亲属"},
    }  # fmt: skip
    return ACCOUNTABILITY_REPORT.actions[action].form(**{**usual.get(action, {"reason": "因故"}), **answers})


def refusal(action: str, view: Situation, answers: Form | None = None) -> str:
    with pytest.raises(Refused) as refused:
        ACCOUNTABILITY_REPORT.next_state(action, view, answers or form(action))
    return refused.value.code


def where_it_holds(state: State, action: str) -> Situation:
    if action == "mark_present":
        return away(at(state), "raters", 34)
    return at(state, actor=ME) if action in ("change_mode", "waive") else at(state)


@pytest.mark.parametrize(("state", "action"), [(s, a) for s in S for a in ACCOUNTABILITY_REPORT.actions])
def test_moves_exactly_as_the_table_says(state: State, action: str) -> None:
    view = where_it_holds(state, action)
    if (state, action) in LEGAL:
        assert ACCOUNTABILITY_REPORT.next_state(action, view, form(action)) == LEGAL[state, action]
    else:
        assert refusal(action, view) == "not_in_this_state"


def test_the_four_steps_come_in_their_order() -> None:
    order = [("submit", S.PLANNED, S.QUESTIONING), ("question", S.QUESTIONING, S.BALLOT),
             ("close_ballot", S.BALLOT, S.COMMENT), ("conclude", S.COMMENT, S.CONCLUDED)]  # fmt: skip
    for action, source, target in order:
        assert [str(s) for s in ACCOUNTABILITY_REPORT.actions[action].sources] == [source]
        assert LEGAL[source, action] == target


def test_findings_are_followed_until_done() -> None:
    found = form("conclude", comment="有不足", findings=({"problem": "账目", "level": "minor"},))
    assert ACCOUNTABILITY_REPORT.next_state("conclude", at(S.COMMENT), found) == S.RECTIFYING
    still_open = {"rectifies": (other(9, date(2016, 1, 5)),)}
    assert refusal("finish", at(S.RECTIFYING, linked=still_open)) == "linked_open"
    assert refusal("finish", at(S.RECTIFYING, linked={})) == "linked_open"


def test_the_subject_reports_in_person() -> None:
    assert refusal("submit", at(S.PLANNED, actor=ME)) == "not_personally"
    assert refusal("submit", at(S.PLANNED, behalf_of=COLLEAGUE)) == "not_personally"


@pytest.mark.parametrize(
    ("state", "action"),
    [(S.PLANNED, "change_mode"), (S.PLANNED, "waive"), (S.QUESTIONING, "question"), (S.BALLOT, "mark_absent"),
     (S.BALLOT, "mark_present"), (S.BALLOT, "close_ballot"), (S.COMMENT, "conclude")],
)  # fmt: skip
def test_the_subject_decides_nothing_about_himself(state: State, action: str) -> None:
    assert refusal(action, at(state, actor=SUBJECT)) == "own_report"
    assert refusal(action, at(state, actor=ME, behalf_of=SUBJECT)) == "own_report"


def meeting(*groups: tuple[str, tuple[int, ...]], held_on: date = date(2016, 3, 1)) -> Form:
    return form("question", held_on=held_on, raters=tuple({"group": g, "people": people} for g, people in groups))


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        (meeting(("leaders", (31, 32, SUBJECT))), "rates_himself"),
        (meeting(("leaders", (31, 32, 33)), ("staff", (33, 35, 36))), "rates_twice"),
        (meeting(("leaders", (31, 32, 33)), ("staff", (35, 36))), "group_too_small"),
        (meeting(("leaders", (31, 31, 31))), "rates_twice"),
        (meeting(("leaders", (31, 32, 33)), held_on=date(2016, 2, 29)), "held_before_report"),
    ],
)
def test_raters_are_others_once_each_and_many_enough_to_stay_unknown(answers: Meeting, code: str) -> None:
    assert refusal("question", at(S.QUESTIONING), answers) == code


def test_a_ballot_needs_its_quorum() -> None:
    two_of_four = [replace(s, state=SeatState.ANSWERED if s.person < 33 else SeatState.WAITING) for s in RATERS]
    assert refusal("close_ballot", at(S.BALLOT, panels={"raters": tally(GOOD[:2], two_of_four)})) == "panel_incomplete"


def judged(guards: tuple[Guard, ...], view: Situation, answers: Any) -> str | None:
    try:
        for guard in guards:
            guard.check(view, answers)
    except Refused as refused:
        return refused.code
    return None


def plan(**answers: Any) -> Plan:
    usual = {"year": 2016, "unit": 3, "subject": SUBJECT, "mode": "written", "duty": "primary",
             "planned_on": "2016-03-01", "report_by": "2016-12-31"}  # fmt: skip
    return Plan.model_validate({**usual, **answers})


def finding(procedure: str = "rectification", closed: bool = True, result: str | None = None) -> Other:
    made = other(9, date(2016, 1, 5), "complete")
    step = replace(made.steps["complete"], answers={"result": result})
    return replace(made, procedure=procedure, closed=closed, steps={"complete": step})


def opened(answers: Mode, *others: Other) -> str | None:
    return judged(ACCOUNTABILITY_REPORT.opening.guards, at(S.PLANNED, others={o.id: o for o in others}), answers)


def test_dynamic_reports_rest_on_what_was_verified() -> None:
    dynamic = {"mode": "dynamic", "finding": 9, "grounds": "账目问题已查实"}
    assert opened(plan(**dynamic), finding()) is None
    assert opened(plan(**dynamic), finding("petition", result="substantiated")) is None
    refused = [
        opened(plan(mode="dynamic"), finding()),
        opened(plan(**{**dynamic, "grounds": ""}), finding()),
        opened(plan(**dynamic), finding(closed=False)),
        opened(plan(**dynamic), finding("petition", result="unfounded")),
        opened(plan(**dynamic), finding("supervised_handling")),
        opened(plan(finding=9), finding()),
    ]
    assert refused == ["dynamic_ungrounded"] * 6
    change = form("change_mode", mode="dynamic")
    assert refusal("change_mode", at(S.PLANNED, actor=ME), change) == "dynamic_ungrounded"


def first_half(mode: str = "concentrated", **answers: Any) -> Other:
    made = other(8, date(2016, 1, 5), "open")
    usual = {"subject": SUBJECT, "year": 2016, "mode": mode, "follows": None, **answers}
    return replace(made, procedure="accountability_report", steps={"open": replace(made.steps["open"], answers=usual)})


def test_the_second_half_follows_the_same_person_s_first() -> None:
    second = plan(mode="concentrated", follows=8)
    assert opened(second, first_half()) is None
    assert opened(plan(mode="written", follows=8), first_half()) == "no_first_half"
    strangers = [first_half("written"), first_half(subject=THIRD), first_half(year=2015), first_half(follows=3)]
    assert [opened(second, first) for first in strangers] == ["no_first_half"] * 4


def test_a_report_is_not_due_before_it_is_planned() -> None:
    assert opened(plan(report_by="2016-02-29")) == "due_before_planned"


def test_everybody_has_one_key_a_year_and_one_more_for_the_second_half() -> None:
    once = ACCOUNTABILITY_REPORT.opening.once
    assert once is not None
    keys = [
        once(plan()),
        once(plan(mode="concentrated")),
        once(plan(mode="concentrated", follows=8)),
        once(plan(year=2017)),
    ]
    assert keys == ["7/2016", "7/2016", "7/2016/2", "7/2017"]


def test_whoever_is_not_covered_reports_in_writing() -> None:
    make = ACCOUNTABILITY_REPORT.opening.on_period
    assert make is not None
    occasion = Occasion(
        "written", "书面述", "2016", date(2016, 1, 1), date(2016, 12, 31), date(2016, 12, 31), 3, SUBJECT
    )
    written = Plan.model_validate(make(occasion))
    assert (written.mode, written.subject, written.report_by) == ("written", SUBJECT, date(2016, 12, 31))
    assert opened(written) is None
    assert [str(policy("accountability_report", p).obligations["written"].opens) for p in available()] == [
        "('12-01',)"
    ] * len(available())


@pytest.mark.parametrize(
    ("entry", "period"),
    [({}, "2016"), ({"mode": "concentrated"}, "2016-H1"), ({"mode": "concentrated", "follows": 8}, "2016-H2")],
)
def test_the_score_falls_into_its_period(entry: dict[str, Any], period: str) -> None:
    effect = ACCOUNTABILITY_REPORT.actions["conclude"].effects[-1]
    view = at(S.COMMENT, entry)
    step = replace(view.steps["submit"], answers={"score": "85.00", "grade": "good"})
    view = replace(view, matter_id=5, steps={**view.steps, "close_ballot": step})
    (score,) = effect.answers(view, form("conclude"))  # type: ignore[attr-defined]
    assert (score["period"], score["person"], score["origin"], score.get("points")) == (period, SUBJECT, 5, None)


def test_the_score_worked_by_hand() -> None:
    # responsibility (100 + 85 + 70) / 3 = 85, integrity (85 + 85 + 50) / 3 = 73 1/3
    view = at(S.BALLOT)
    assert score_of(view) == (Fraction(85) + Fraction(220, 3)) / 2
    derive = ACCOUNTABILITY_REPORT.actions["close_ballot"].derive
    assert derive is not None
    assert derive(view, form("close_ballot")) == {"score": "79.17", "grade": "fair"}
    edge = at(S.BALLOT, panels={"raters": tally(ballots(("good", "good"), ("excellent", "fair"), ("good", "fair")))})
    assert derive(edge, form("close_ballot")) == {"score": "82.50", "grade": "good"}


levels = st.sampled_from(["excellent", "good", "fair", "poor"])
cast = st.lists(
    st.tuples(st.sampled_from(["leaders", "commission", "staff"]), levels, levels), min_size=1, max_size=12
).map(lambda listed: tuple(Vote(g, {"responsibility": a, "integrity": b}) for g, a, b in listed))


@given(cast, st.randoms())
def test_the_score_does_not_depend_on_who_came_first(votes: tuple[Vote, ...], random: Any) -> None:
    shuffled = list(votes)
    random.shuffle(shuffled)
    scores = [score_of(at(S.BALLOT, panels={"raters": tally(tuple(v), [])})) for v in (votes, shuffled)]
    assert scores[0] == scores[1]
    assert scores[0] is not None
    assert 50 <= scores[0] <= 100


@given(cast)
def test_a_group_that_did_not_come_changes_nothing(votes: tuple[Vote, ...]) -> None:
    seats = [Seat(99, "service_users", SeatState.ABSENT)]
    assert score_of(at(S.BALLOT, panels={"raters": tally(votes, seats)})) == score_of(
        at(S.BALLOT, panels={"raters": tally(votes, [])})
    )


SECTIONS = {
    "national": ["responsibility", "integrity"],
    "tongcheng": ["responsibility", "integrity"],
    "cangxi": ["responsibility", "integrity"],
    "zhenping": ["responsibility", "integrity", "effect"],
    "guangxi": ["responsibility", "integrity", "virtue"],
}


@pytest.mark.parametrize("pack", available())
def test_packs_differ_in_what_is_reported_and_agree_with_themselves(pack: str) -> None:
    rules = policy("accountability_report", pack)
    if pack in SECTIONS:
        assert list(rules.codes("report_sections")) == SECTIONS[pack]
    assert rules.codes("rater_groups").keys() <= rules.panels["raters"].groups.keys()
    assert rules.codes("ballot_levels").keys() == rules.codes("ballot_points").keys()
    assert rules.codes("grades").keys() == rules.codes("grade_thresholds").keys()
    assert min(Fraction(least) for least in rules.codes("grade_thresholds").values()) == 0
