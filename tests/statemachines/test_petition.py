"""Every state × every action of the petition, and every guard holding and refusing, without a database."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from statemachines import petition as p
from statemachines.kit.forms import Form, GoBack, Note, Reason
from statemachines.kit.idioms import ExtensionRequest
from statemachines.kit.procedure import Kind, Refused
from statemachines.kit.situation import Situation, Step
from statemachines.petition import PETITION, State
from tests.support.situations import COLLEAGUE, FOURTH, ME, THIRD, other, situation

S = State
ACCEPTED = [S.TRIAGE, S.APPROVAL, S.INQUIRY, S.HANDLING, S.HELD, S.RECHECK, S.FEEDBACK, S.FILING]
UNDER_WAY = [S.INQUIRY, S.HANDLING]
OPEN = [s for s in S if s is not S.ARCHIVED]
NOTES = ["record_meeting_report", "note_progress", "take_charge", "give_acceptance_notice", "waive_acceptance_notice"]
CLOCK_NOTES = ["reclassify", "reassign", "ask_extension", "grant_extension", "refuse_extension", "suspend", "resume"]

MOVES: dict[tuple[State, str], set[State]] = {
    (S.REGISTERED, "accept"): {S.TRIAGE},
    (S.REGISTERED, "refuse"): {S.REFUSED},
    (S.REGISTERED, "split"): {S.FILING},
    (S.REFUSED, "hand_over"): {S.FILING},
    (S.TRIAGE, "propose"): {S.APPROVAL},
    (S.APPROVAL, "approve"): {S.HANDLING, S.INQUIRY, S.HELD, S.FEEDBACK, S.FILING},
    (S.APPROVAL, "send_back"): {S.TRIAGE},
    (S.INQUIRY, "send_back"): {S.APPROVAL},
    (S.HANDLING, "send_back"): {S.APPROVAL},
    (S.INQUIRY, "record_reply"): {S.HANDLING},
    (S.HANDLING, "complete"): {S.RECHECK, S.FEEDBACK, S.FILING},
    (S.RECHECK, "pass_recheck"): {S.FEEDBACK, S.FILING},
    (S.RECHECK, "fail_recheck"): {S.HANDLING},
    (S.HELD, "take_up"): {S.TRIAGE},
    (S.HELD, "close_held"): {S.FEEDBACK, S.FILING},
    (S.FEEDBACK, "feed_back"): {S.FILING},
    (S.FEEDBACK, "waive_feedback"): {S.FILING},
    (S.FILING, "archive"): {S.ARCHIVED},
}
APPROVED = (S.REGISTERED, S.TRIAGE, S.APPROVAL)
PATHS: dict[State, tuple[State, ...]] = {
    S.REGISTERED: (S.REGISTERED, S.TRIAGE),
    S.REFUSED: (S.REGISTERED,),
    S.TRIAGE: (S.REGISTERED,),
    S.APPROVAL: (S.REGISTERED, S.TRIAGE),
    S.INQUIRY: APPROVED,
    S.HANDLING: APPROVED,
    S.HELD: APPROVED,
    S.RECHECK: (*APPROVED, S.HANDLING),
    S.FEEDBACK: (*APPROVED, S.HANDLING),
    S.FILING: (*APPROVED, S.HANDLING),
}
LEGAL: dict[tuple[State, str], set[State]] = {
    **MOVES,
    **{(s, n): {s} for s in ACCEPTED for n in NOTES},
    **{(s, n): {s} for s in UNDER_WAY for n in CLOCK_NOTES},
    **{(s, "recuse"): {s} for s in OPEN},
    **{(s, "withdraw"): {path[-1]} for s, path in PATHS.items()},
}
PART = {"summary": "甲", "content": "甲", "problem_fields": ("subsidies",)}
TEAM = {"members": (THIRD, FOURTH), "opinion": "同意"}
DONE = {"result": "unfounded", "finished_on": date(2016, 3, 1), "summary": "查清"}
TOLD = {"method": "phone", "told_on": date(2016, 3, 1)}


def at(
    state: State,
    *,
    disposition: str = "preliminary_verification",
    anonymous: bool = False,
    fields: tuple[str, ...] = ("subsidies",),
    opened: dict[str, Any] | None = None,
    **more: Any,
) -> Situation:
    """A petition in a state, with what is usually on record."""
    answers = {
        "open": {"anonymous": anonymous, "problem_fields": list(fields), "received_on": "2016-03-01", **(opened or {})},
        "propose": {"disposition": disposition},
    }
    return situation("petition", state, answers, path=more.pop("path", PATHS.get(state, ())), **more)


def form(action: str, **answers: Any) -> Form:
    """A valid form of an action; `answers` replace the usual ones."""
    usual: dict[str, dict[str, Any]] = {
        "refuse": {"ground": "other_level", "reason": "属市级管辖", "receiving_organ": "市信访局"},
        "hand_over": {"handed_on": date(2016, 3, 1), **TOLD},
        "split": {"reason": "混合", "parts": (PART, PART)},
        "propose": {
            "disposition": "letter_inquiry", "petition_class": "general", "class_reason": "清楚", "handler_unit": 2,
            "opinion": "拟办",
        },
        "record_reply": {"mode": "letter", "replied_on": date(2016, 3, 1), "no_problem": True, "content": "无"},
        "note_progress": {"content": "已走访"},
        "take_charge": {"leader": 5, "basis": "major", "plan": "化解"},
        "reclassify": {"petition_class": "complex", "reason": "复杂"},
        "reassign": {"handler_unit": 3, "reason": "改派"},
        "ask_extension": {"amount": 1, "reason": "账目多"},
        "complete": {**DONE, "team": (THIRD, FOURTH)},
        "pass_recheck": TEAM,
        "fail_recheck": TEAM,
        "give_acceptance_notice": TOLD,
        "feed_back": TOLD,
        "recuse": {"person": THIRD, "reason": "亲属"},
        "archive": {"archive_no": "1", "retention": "years_10", "pages": 3},
        **{n: {"reason": "因故"} for n in (
            "send_back", "take_up", "close_held", "waive_acceptance_notice", "waive_feedback", "refuse_extension",
            "suspend", "resume", "withdraw")},
    }  # fmt: skip
    return PETITION.actions[action].form(**{**usual.get(action, {}), **answers})


def refusal(action: str, view: Situation, answers: Form) -> str:
    with pytest.raises(Refused) as refused:
        PETITION.next_state(action, view, answers)
    assert refused.value.en
    assert refused.value.zh
    return refused.value.code


def where_guards_hold(state: State, action: str) -> Situation:
    view = at(state, fields=("subsidies", "taxation") if action == "split" else ("subsidies",))
    match action:
        case "grant_extension" | "refuse_extension":
            return replace(view, pending=frozenset({"handling"}))
        case "suspend":
            return replace(view, clocks={"handling": "running"})
        case "resume":
            return replace(view, clocks={"handling": "suspended"})
    return view


def valid_form(action: str) -> Form:
    if action == "split":
        one, other_one = ({"summary": f, "content": f, "problem_fields": (f,)} for f in ("subsidies", "taxation"))
        return form("split", parts=(one, other_one))
    return form(action)


@pytest.mark.parametrize(("state", "action"), [(s, a) for s in S for a in PETITION.actions])
def test_moves_exactly_as_the_table_says(state: State, action: str) -> None:
    view, answers = where_guards_hold(state, action), valid_form(action)
    if (state, action) in LEGAL:
        assert PETITION.next_state(action, view, answers) in LEGAL[state, action]
    else:
        assert refusal(action, view, answers) == "not_in_this_state"


def test_the_table_knows_every_action_and_every_way_out() -> None:
    assert {action for _, action in LEGAL} == PETITION.actions.keys()
    declared = {
        (source, name): set(action.targets())
        for name, action in PETITION.actions.items()
        for source in action.sources
        if action.kind is Kind.FORWARD
    }
    assert declared == {key: targets for key, targets in MOVES.items() if key[1] != "send_back"}


def test_an_unknown_action_is_named_as_such() -> None:
    assert refusal("burn", at(S.TRIAGE), Note()) == "unknown_action"


@pytest.mark.parametrize("anonymous", [True, False])
@pytest.mark.parametrize(
    ("disposition", "named", "nameless"),
    [
        ("case_filing", S.HANDLING, S.HANDLING),
        ("preliminary_verification", S.HANDLING, S.HANDLING),
        ("letter_inquiry", S.INQUIRY, S.INQUIRY),
        ("held_pending", S.HELD, S.HELD),
        ("closed", S.FEEDBACK, S.FILING),
    ],
)
def test_approval_leads_where_the_disposition_says(
    disposition: str, named: State, nameless: State, anonymous: bool
) -> None:
    view = at(S.APPROVAL, disposition=disposition, anonymous=anonymous)
    assert PETITION.next_state("approve", view, form("approve")) == (nameless if anonymous else named)


@pytest.mark.parametrize("anonymous", [True, False])
@pytest.mark.parametrize("unit_kind", ["county", "township", "department", "grassroots"])
@pytest.mark.parametrize("disposition", ["preliminary_verification", "letter_inquiry", "case_filing"])
def test_completion_is_rechecked_by_the_county_where_a_lower_unit_verified(
    disposition: str, unit_kind: str, anonymous: bool
) -> None:
    view = at(S.HANDLING, disposition=disposition, anonymous=anonymous, unit_kind=unit_kind)
    rechecked = disposition == "preliminary_verification" and unit_kind != "county"
    told = S.FILING if anonymous else S.FEEDBACK
    assert PETITION.next_state("complete", view, form("complete")) == (S.RECHECK if rechecked else told)


@pytest.mark.parametrize(("anonymous", "target"), [(True, S.FILING), (False, S.FEEDBACK)])
@pytest.mark.parametrize(("state", "action"), [(S.RECHECK, "pass_recheck"), (S.HELD, "close_held")])
def test_only_a_complainant_with_a_name_is_fed_back(state: State, action: str, anonymous: bool, target: State) -> None:
    assert PETITION.next_state(action, at(state, anonymous=anonymous), form(action)) == target


class TestReturns:
    """Back to the step before, or to one passed on the way here; never forwards."""

    LOOP = (S.REGISTERED, S.TRIAGE, S.APPROVAL, S.INQUIRY)

    @pytest.mark.parametrize("to", LOOP)
    def test_any_step_passed_before_can_be_chosen(self, to: State) -> None:
        view = at(S.HANDLING, path=self.LOOP)
        assert PETITION.next_state("send_back", view, GoBack(reason="补", to=to)) == to

    def test_without_a_choice_it_is_the_step_before(self) -> None:
        assert PETITION.next_state("send_back", at(S.HANDLING, path=self.LOOP), GoBack(reason="补")) == S.INQUIRY

    @pytest.mark.parametrize("to", ["feedback", "handling", "nowhere"])
    def test_no_other_step_is(self, to: str) -> None:
        assert refusal("send_back", at(S.HANDLING, path=self.LOOP), GoBack(reason="补", to=to)) == "not_passed_before"

    def test_after_a_return_nobody_is_sent_back_forwards(self) -> None:
        came_back = at(S.APPROVAL, path=(*self.LOOP[:3], S.HANDLING, S.TRIAGE))
        assert refusal("send_back", came_back, GoBack(reason="补", to="handling")) == "not_passed_before"
        assert PETITION.next_state("send_back", came_back, GoBack(reason="补")) == S.TRIAGE

    def test_where_nothing_lies_behind_there_is_nowhere_to_return(self) -> None:
        assert refusal("send_back", at(S.APPROVAL, path=()), GoBack(reason="补")) == "nowhere_to_return"


class TestScreening:
    def test_what_lies_wholly_outside_is_not_accepted(self) -> None:
        assert refusal("accept", at(S.REGISTERED, fields=("taxation",)), form("accept")) == "out_of_scope"

    @pytest.mark.parametrize("action", ["accept", "refuse"])
    def test_a_mixed_letter_is_split_first(self, action: str) -> None:
        assert refusal(action, at(S.REGISTERED, fields=("subsidies", "taxation")), form(action)) == "mixed_letter"

    def test_the_parts_together_are_the_whole(self) -> None:
        assert refusal("split", at(S.REGISTERED, fields=("subsidies", "taxation")), form("split")) == "nothing_to_split"

    def test_out_of_scope_is_no_ground_where_a_field_is_ours(self) -> None:
        assert refusal("refuse", at(S.REGISTERED), form("refuse", ground="out_of_scope")) == "ground_does_not_fit"
        outside = at(S.REGISTERED, fields=("taxation",))
        assert PETITION.next_state("refuse", outside, form("refuse", ground="out_of_scope")) == S.REFUSED

    @pytest.mark.parametrize("ground", ["repeated", "concluded"])
    def test_a_repeat_names_the_petition_it_repeats(self, ground: str) -> None:
        assert refusal("refuse", at(S.REGISTERED), form("refuse", ground=ground)) == "earlier_missing"
        assert PETITION.next_state("refuse", at(S.REGISTERED), form("refuse", ground=ground, earlier=7)) == S.REFUSED
        known = at(S.REGISTERED, opened={"repeat_of": 7})
        assert PETITION.next_state("refuse", known, form("refuse", ground=ground)) == S.REFUSED

    @pytest.mark.parametrize(
        ("received", "new_evidence", "accepted"),
        [
            ("2016-02-29", False, False),
            ("2016-03-01", False, True),
            ("2016-01-10", True, True),
            ("2016-01-10", False, False),
        ],
    )
    @pytest.mark.parametrize("said_at", ["opening", "acceptance"])
    def test_a_repeat_within_three_months_needs_new_evidence(
        self, received: str, new_evidence: bool, accepted: bool, said_at: str
    ) -> None:
        told = {"repeat_of": 7, "new_evidence": new_evidence}
        opened, answers = (told, {}) if said_at == "opening" else ({}, told)
        view = at(
            S.REGISTERED, opened={"received_on": received, **opened}, others={7: other(7, date(2015, 11, 30), "accept")}
        )
        if accepted:
            assert PETITION.next_state("accept", view, form("accept", **answers)) == S.TRIAGE
        else:
            assert refusal("accept", view, form("accept", **answers)) == "repeated"

    @pytest.mark.parametrize("ended_by", ["complete", "close_held"])
    def test_what_was_concluded_comes_back_with_new_evidence_only(self, ended_by: str) -> None:
        concluded = {7: other(7, date(2014, 1, 1), ended_by)}
        view = at(S.REGISTERED, opened={"repeat_of": 7}, others=concluded)
        assert refusal("accept", view, form("accept")) == "concluded"
        assert PETITION.next_state("accept", view, form("accept", new_evidence=True)) == S.TRIAGE

    def test_the_window_runs_from_the_first_of_a_chain(self) -> None:
        second = replace(other(8, date(2016, 1, 1)), steps={"open": Step(THIRD, "", {"repeat_of": 7})})
        view = at(S.REGISTERED, others={8: second, 7: other(7, date(2015, 11, 30), "open")})
        assert refusal("accept", view, form("accept", repeat_of=8)) == "not_the_first"
        assert PETITION.next_state("accept", view, form("accept", repeat_of=7)) == S.TRIAGE

    def test_it_is_not_finished_before_it_was_received(self) -> None:
        view = at(S.HANDLING, opened={"received_on": "2016-03-01"})
        assert refusal("complete", view, form("complete", finished_on="2016-02-29")) == "finished_before_received"

    def test_only_a_petition_from_a_ledger_may_lack_a_result(self) -> None:
        view, answers = at(S.HANDLING), form("complete", result="not_recorded")
        assert refusal("complete", view, answers) == "result_not_recorded"
        assert PETITION.next_state("complete", replace(view, from_elsewhere=True), answers) in set(S)

    def test_at_most_five_speak_for_a_group(self) -> None:
        guard, view = p.REPRESENTATIVES, at(S.REGISTERED)
        five, six = (p.Registration.model_construct(representatives=n) for n in (5, 6))
        guard.check(view, five)
        with pytest.raises(Refused, match="at most five"):
            guard.check(view, six)


class TestWhoMay:
    def test_the_proposer_does_not_approve(self) -> None:
        assert refusal("approve", at(S.APPROVAL, actors={"propose": frozenset({ME})}), Note()) == "same_person"

    def test_nor_does_anybody_who_ever_proposed(self) -> None:
        both = at(S.APPROVAL, actors={"propose": frozenset({ME, COLLEAGUE})})
        assert refusal("approve", both, Note()) == "same_person"

    def test_nor_does_anybody_for_the_proposer(self) -> None:
        lent = at(S.APPROVAL, actors={"propose": frozenset({COLLEAGUE})}, behalf_of=COLLEAGUE)
        assert refusal("approve", lent, Note()) == "same_person"

    @pytest.mark.parametrize("action", ["approve", "grant_extension", "reclassify"])
    def test_the_clock_is_nobody_and_passes_none_of_these(self, action: str) -> None:
        state = S.APPROVAL if action == "approve" else S.HANDLING
        code = {"reclassify": "handler_reclassifies"}.get(action, "same_person")
        view = at(state, actor=None, pending=frozenset({"handling"}))
        assert refusal(action, view, form(action)) == code

    @pytest.mark.parametrize("step", ["note_progress", "complete", "complete.team", "record_reply", "propose"])
    def test_whoever_handled_or_proposed_it_does_not_reclassify(self, step: str) -> None:
        assert refusal("reclassify", at(S.HANDLING, actors={step: frozenset({ME})}), form("reclassify")) == (
            "handler_reclassifies"
        )

    @pytest.mark.parametrize("action", ["pass_recheck", "fail_recheck"])
    @pytest.mark.parametrize("step", ["note_progress", "complete", "complete.team", "record_reply"])
    @pytest.mark.parametrize("who", [ME, THIRD])
    def test_whoever_handled_it_does_not_recheck(self, action: str, step: str, who: int) -> None:
        view = at(S.RECHECK, actors={step: frozenset({who, 99})})
        assert refusal(action, view, form(action)) == "rechecker_handled_it"

    def test_two_people_recheck(self) -> None:
        alone = form("pass_recheck", members=(THIRD, THIRD))
        assert refusal("pass_recheck", at(S.RECHECK), alone) == "rechecker_handled_it"

    @pytest.mark.parametrize("team", [(), (THIRD,), (THIRD, THIRD)])
    def test_two_people_verify(self, team: tuple[int, ...]) -> None:
        assert refusal("complete", at(S.HANDLING), form("complete", team=team)) == "team_of_two"
        inquiry = at(S.HANDLING, disposition="letter_inquiry")
        assert PETITION.next_state("complete", inquiry, form("complete", team=team)) == S.FEEDBACK


class TestClocksAndDuties:
    def test_one_request_for_more_time_waits_at_once(self) -> None:
        waiting = at(S.HANDLING, pending=frozenset({"handling"}))
        assert refusal("ask_extension", waiting, form("ask_extension")) == "already_requested"

    @pytest.mark.parametrize("action", ["grant_extension", "refuse_extension"])
    def test_somebody_else_decides_on_a_request_that_waits(self, action: str) -> None:
        assert refusal(action, at(S.HANDLING), form(action)) == "no_request"
        asked = {"ask_extension": frozenset({ME})}
        waiting = at(S.HANDLING, pending=frozenset({"handling"}), actors=asked)
        assert refusal(action, waiting, form(action)) == "same_person"
        lent = replace(waiting, actor=FOURTH, behalf_of=ME)
        assert refusal(action, lent, form(action)) == "same_person"
        assert PETITION.next_state(action, replace(waiting, actor=FOURTH), form(action)) == S.HANDLING

    @pytest.mark.parametrize("clock", ["suspended", None])
    def test_only_a_running_clock_is_suspended(self, clock: str | None) -> None:
        view = at(S.HANDLING, clocks={"handling": clock} if clock else {})
        assert refusal("suspend", view, Reason(reason="鉴定")) == "not_running"

    @pytest.mark.parametrize("clock", ["running", None])
    def test_only_a_suspended_clock_is_resumed(self, clock: str | None) -> None:
        view = at(S.HANDLING, clocks={"handling": clock} if clock else {})
        assert refusal("resume", view, Reason(reason="鉴定")) == "not_suspended"

    def test_a_complainant_with_a_name_is_told_of_the_refusal(self) -> None:
        untold = form("hand_over", told_on=None, method=None)
        assert refusal("hand_over", at(S.REFUSED), untold) == "not_told"
        assert refusal("hand_over", at(S.REFUSED), form("hand_over", method=None)) == "not_told"
        assert PETITION.next_state("hand_over", at(S.REFUSED, anonymous=True), untold) == S.FILING


REGISTRATION: dict[str, Any] = {
    "channel": "letter", "received_on": date(2016, 3, 1), "summary": "标题", "content": "内容",
    "problem_fields": ("subsidies",), "anonymous": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"anonymous": True, "complainant": {"name": "林"}}, "anonymous_with_name"),
        ({"anonymous": False}, "complainant_missing"),
        ({"channel": "handed_down"}, "superior_missing"),
        ({"problem_fields": ()}, "too_short"),
        ({"content": " "}, "string_too_short"),
        ({"content": "甲\x00乙"}, "control_character"),
        ({"colour": "red"}, "extra_forbidden"),
    ],
)
def test_a_registration_that_does_not_fit_is_refused(changed: dict[str, Any], code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        p.Registration(**{**REGISTRATION, **changed})
    assert [e["type"] for e in refused.value.errors()] == [code]


@pytest.mark.parametrize("action", ["propose", "reclassify"])
@pytest.mark.parametrize(
    ("petition_class", "given"),
    [("date_given", None), ("general", "2016-04-01"), ("date_given", "2016-04-01T10:00:00")],
)
def test_a_date_is_given_for_its_class_alone_and_names_an_instant(
    action: str, petition_class: str, given: str | None
) -> None:
    with pytest.raises(ValidationError):
        form(action, petition_class=petition_class, given_due=given)


@pytest.mark.parametrize("given", ["2016-04-01", "2016-04-01T10:00:00+08:00"])
def test_a_given_date_may_be_a_day_or_an_instant(given: str) -> None:
    assert form("propose", petition_class="date_given", given_due=given)


def test_an_extension_asks_for_something() -> None:
    with pytest.raises(ValidationError):
        ExtensionRequest(reason="账目多", amount=0)
