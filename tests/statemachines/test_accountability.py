"""Every state × every action of accountability, its guards, and the trigger sets of the counties."""

from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from statemachines.accountability import ACCOUNTABILITY, Decision, Defence, State
from statemachines.kit.candidates import Fact, Proposal
from statemachines.kit.forms import Form
from statemachines.kit.panels import Seat, SeatState, Tally, Vote
from statemachines.kit.procedure import Refused
from statemachines.kit.situation import Situation, Step
from tests.support.situations import COLLEAGUE, FOURTH, ME, THIRD, away, policy, situation

S = State
INQUIRIES = ["set_team", "note_progress", "ask_extension", "grant_extension", "refuse_extension", "suspend", "resume"]
BACK = {S.APPROVAL: S.CANDIDATE, S.DEFENCE: S.INQUIRY, S.DELIBERATION: S.DEFENCE}
PATH = (S.CANDIDATE, S.APPROVAL, S.INQUIRY, S.DEFENCE, S.DELIBERATION, S.EXECUTION, S.APPEAL_WINDOW, S.APPEAL)
OPEN = list(PATH)

LEGAL: dict[tuple[State, str], State] = {
    (S.CANDIDATE, "propose_inquiry"): S.APPROVAL,
    **{(s, "name_subject"): s for s in (S.CANDIDATE, S.APPROVAL)},
    (S.APPROVAL, "dismiss"): S.DISMISSED,
    (S.APPROVAL, "approve_inquiry"): S.INQUIRY,
    **{(S.INQUIRY, name): S.INQUIRY for name in INQUIRIES},
    (S.INQUIRY, "find"): S.DEFENCE,
    (S.DEFENCE, "hear_defence"): S.DEFENCE,
    (S.DEFENCE, "submit"): S.DELIBERATION,
    (S.DELIBERATION, "state_position"): S.DELIBERATION,
    **{(S.DELIBERATION, n): S.DELIBERATION for n in ("add_member", "remove_member", "mark_absent", "mark_present")},
    (S.DELIBERATION, "decide"): S.EXECUTION,
    **{(s, "serve_notice"): s for s in (S.EXECUTION, S.APPEAL_WINDOW)},
    (S.EXECUTION, "execute"): S.APPEAL_WINDOW,
    **{(s, "transfer_crime"): s for s in (S.INQUIRY, S.DEFENCE, S.DELIBERATION, S.EXECUTION)},
    (S.APPEAL_WINDOW, "appeal"): S.APPEAL,
    (S.APPEAL, "decide_appeal"): S.CLOSED,
    (S.APPEAL_WINDOW, "close"): S.CLOSED,
    **{(state, "send_back"): target for state, target in BACK.items()},
    **{(s, "recuse"): s for s in OPEN},
    (S.CANDIDATE, "withdraw"): S.CANDIDATE,
    **{(after, "withdraw"): before for before, after in pairwise(PATH)},
}  # fmt: skip
USUAL: dict[str, dict[str, Any]] = {
    "name_subject": {"subject_name": "某书记", "subject_post": "党委书记", "tenure": "2013-01至今"},
    "dismiss": {"ground": "exonerated", "reason": "改革试验中的失误"},
    "approve_inquiry": {}, "submit": {}, "close": {}, "grant_extension": {},
    "set_team": {"members": [11, 12], "plan": "查阅台账"},
    "note_progress": {"content": "已谈话"},
    "find": {"facts": "失察", "responsibility": "primary", "degree": "main_leadership", "advice": "免职"},
    "hear_defence": {"heard_on": "2016-02-29", "statement": "已多次部署", "adopted": "部分采纳", "record": [5]},
    "state_position": {"position": "agree"},
    "add_member": {"person": 9, "reason": "增补"}, "remove_member": {"person": 2, "reason": "调离"},
    "mark_absent": {"person": 2, "reason": "出差"}, "mark_present": {"person": 2, "reason": "返回"},
    "decide": {
        "decided_on": "2016-03-01", "accountable": True,
        "measures": [{"kind": "removed_from_office", "reason": "失职"}],
        "document_no": "清纪〔2016〕1号", "opinion": "予以免职",
    },
    "serve_notice": {"served_on": "2016-03-01", "done": "已送达"},
    "execute": {"served_on": "2016-03-01", "done": "已免职"},
    "transfer_crime": {"organ": "县检察院", "transferred_on": "2016-03-01", "approved_by": 9, "facts": "涉嫌受贿"},
    "appeal": {"asked_on": "2016-03-01", "grounds": "不服"},
    "decide_appeal": {"result": "upheld", "members": [21, 22], "reason": "事实清楚"},
    "ask_extension": {"amount": 1, "unit": "month", "reason": "量大"},
    "recuse": {"person": 9, "reason": "亲属"},
}  # fmt: skip


def board(*positions: str, members: int = 3) -> dict[str, Tally]:
    states = [SeatState.ANSWERED if n < len(positions) else SeatState.WAITING for n in range(members)]
    seats = tuple(Seat(n, "", state) for n, state in enumerate(states))
    votes = tuple(Vote("", {"position": position}, n) for n, position in enumerate(positions))
    return {"deliberation": Tally(policy("accountability").panels["deliberation"], seats, votes)}


HEARD = Step(COLLEAGUE, "2016-02-29T10:00:00+08:00", {"heard_on": "2016-02-29"})
FOUND = Step(COLLEAGUE, "2016-02-20T10:00:00+08:00", {})
STEPS = {
    "open": Step(COLLEAGUE, "2016-01-04T10:00:00+08:00", {"subject": 77}), "propose_inquiry": FOUND,
    "set_team": FOUND, "find": FOUND, "hear_defence": HEARD,
}  # fmt: skip


def at(state: State, **more: Any) -> Situation:
    path = PATH[: PATH.index(state)] if state in PATH else PATH
    given: dict[str, Any] = {"steps": STEPS, "panels": board("agree", "agree", "disagree"), "pending": frozenset()}
    return situation("accountability", state, path=path, **{**given, **more})


def form(action: str, **changed: Any) -> Form:
    return ACCOUNTABILITY.actions[action].form(**{**USUAL.get(action, {"reason": "因故"}), **changed})


def refusal(action: str, view: Situation, **changed: Any) -> str:
    with pytest.raises(Refused) as refused:
        ACCOUNTABILITY.next_state(action, view, form(action, **changed))
    return refused.value.code


@pytest.mark.parametrize(("state", "action"), [(s, a) for s in S for a in ACCOUNTABILITY.actions])
def test_moves_exactly_as_the_table_says(state: State, action: str) -> None:
    clock = {"resume": "suspended"}.get(action, "running")
    asked = frozenset({"inquiry"}) if action in ("grant_extension", "refuse_extension") else frozenset()
    waiting = board("agree") if action in ("remove_member", "mark_absent") else board("agree", "agree", "disagree")
    view = at(state, clocks={"inquiry": clock}, pending=asked, panels=waiting)
    view = away(view, "deliberation", 2) if action == "mark_present" else view
    if (state, action) in LEGAL:
        assert ACCOUNTABILITY.next_state(action, view, form(action)) == LEGAL[state, action]
    else:
        assert refusal(action, view) == "not_in_this_state"


class TestProtection:
    def test_who_proposes_the_inquiry_neither_approves_nor_dismisses(self) -> None:
        for action in ("approve_inquiry", "dismiss"):
            assert refusal(action, at(S.APPROVAL, actors={"propose_inquiry": frozenset({ME})})) == "same_person"

    def test_no_inquiry_against_nobody(self) -> None:
        unknown = {**STEPS, "open": Step(COLLEAGUE, "2016-01-04T10:00:00+08:00", {"subject": None})}
        assert refusal("approve_inquiry", at(S.APPROVAL, steps=unknown)) == "subject_unknown"
        named = {**unknown, "name_subject": Step(COLLEAGUE, "2016-01-05T10:00:00+08:00", {"subject_name": "某人"})}
        assert ACCOUNTABILITY.next_state("approve_inquiry", at(S.APPROVAL, steps=named), form("approve_inquiry"))

    def test_nothing_is_found_by_one_alone(self) -> None:
        assert refusal("find", at(S.INQUIRY, steps={"open": STEPS["open"]})) == "no_team"
        assert refusal("set_team", at(S.INQUIRY), members=[11, 11]) == "team_too_small"

    @pytest.mark.parametrize("action", ["submit", "decide"])
    def test_no_decision_without_the_defence(self, action: str) -> None:
        state = S.DEFENCE if action == "submit" else S.DELIBERATION
        unheard = {name: step for name, step in STEPS.items() if name != "hear_defence"}
        assert refusal(action, at(state, steps=unheard)) == "defence_not_heard"

    def test_what_was_found_anew_is_put_to_the_subject_anew(self) -> None:
        again = {**STEPS, "find": Step(COLLEAGUE, "2016-03-01T09:00:00+08:00", {})}
        assert refusal("submit", at(S.DEFENCE, steps=again)) == "defence_not_heard"

    def test_the_defence_is_words_or_an_express_refusal(self) -> None:
        for declined, said in ((True, "有话"), (False, "")):
            with pytest.raises(ValidationError, match="record what was said"):
                Defence(heard_on=date(2016, 2, 29), declined=declined, statement=said, adopted="无", record=(5,))

    def test_a_decision_is_not_dated_before_the_defence(self) -> None:
        assert refusal("decide", at(S.DELIBERATION), decided_on="2016-02-28") == "decided_before_defence"

    @pytest.mark.parametrize(
        ("positions", "members", "code"),
        [
            (("agree",), 3, "panel_incomplete"),
            (("agree", "disagree", "disagree"), 3, "no_majority"),
            (("agree", "agree", "disagree", "disagree"), 4, "no_majority"),
            (("agree", "agree"), 3, None),
        ],
    )
    def test_it_is_decided_together(self, positions: tuple[str, ...], members: int, code: str | None) -> None:
        view = at(S.DELIBERATION, panels=board(*positions, members=members))
        if code:
            assert refusal("decide", view) == code
        else:
            assert ACCOUNTABILITY.next_state("decide", view, form("decide")) == S.EXECUTION

    def test_nobody_held_to_account_needs_no_majority_for_it(self) -> None:
        view = at(S.DELIBERATION, panels=board("disagree", "disagree", "agree"))
        nobody = form("decide", accountable=False, measures=[])
        assert ACCOUNTABILITY.next_state("decide", view, nobody) == S.DISMISSED

    def test_measures_belong_to_a_decision_that_holds_to_account(self) -> None:
        for accountable, measures in ((True, []), (False, USUAL["decide"]["measures"])):
            with pytest.raises(ValidationError, match="measures belong"):
                Decision(**{**USUAL["decide"], "accountable": accountable, "measures": measures})

    @pytest.mark.parametrize("step", ["approve_inquiry", "find", "set_team.members"])
    def test_nobody_who_took_part_reviews_the_appeal(self, step: str) -> None:
        assert refusal("decide_appeal", at(S.APPEAL, actors={step: frozenset({21})})) == "reviewer_took_part"
        assert refusal("decide_appeal", at(S.APPEAL, actors={step: frozenset({ME})})) == "reviewer_took_part"

    def test_nor_does_anybody_who_decided(self) -> None:
        assert refusal("decide_appeal", at(S.APPEAL, actors={"state_position": frozenset({22})})) == "reviewer_decided"
        assert refusal("decide_appeal", at(S.APPEAL, actors={"decide": frozenset({ME})})) == "reviewer_decided"

    def test_the_clock_decides_nothing(self) -> None:
        for state, action in ((S.APPROVAL, "approve_inquiry"), (S.APPROVAL, "dismiss"), (S.APPEAL, "decide_appeal")):
            assert refusal(action, at(state, actor=None)) in ("same_person", "reviewer_took_part")
        roles = policy("accountability").roles
        assert [action for action, who in roles.items() if "system" in who] == ["close"]


class TestTriggers:
    @pytest.mark.parametrize(
        ("pack", "expected"),
        [
            ("cangxi", {"primary": 6, "supervisory": 4, "dual_duty": 4}),
            ("jilin", {"primary": 3}),
            ("tongcheng", {}),
        ],
    )
    def test_each_county_has_its_own(self, pack: str, expected: dict[str, int]) -> None:
        ruled = policy("accountability", pack)
        counted: dict[str, int] = {}
        for rule in ruled.candidates.values():
            counted[rule.tags["responsibility"]] = counted.get(rule.tags["responsibility"], 0) + 1
            assert rule.tags["trigger"] in ruled.codes("triggers")
        assert counted == expected

    def test_two_members_removed_within_the_heads_tenure(self) -> None:
        rule = policy("accountability", "cangxi").candidates["members_removed"]
        assert (rule.count, rule.within, rule.where["put_to_decision.sanction"]) == (
            2,
            "tenure",
            ("removal", "probation", "expulsion"),
        )

    def test_a_proposal_becomes_a_candidate_that_says_why(self) -> None:
        rule = policy("accountability", "cangxi").candidates["members_removed"]
        facts = tuple(
            Fact(n, f"立案〔2016〕{n}号", "case", "decide", 4, date(2016, n, 1), {"sanction": "removal"})
            for n in (1, 2)
        )
        assert ACCOUNTABILITY.opening.on_candidate is not None
        answers = ACCOUNTABILITY.opening.on_candidate(Proposal("members_removed", rule, 4, THIRD, facts))
        opened = ACCOUNTABILITY.opening.form(**answers)
        assert (opened.subject, opened.subject_unit, opened.grounds) == (THIRD, 4, (1, 2))
        assert (opened.responsibility, opened.trigger) == ("primary", "members_removed")
        assert "立案〔2016〕1号、立案〔2016〕2号" in opened.facts
        assert FOURTH not in (opened.subject, *opened.grounds)
