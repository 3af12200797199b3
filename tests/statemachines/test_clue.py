"""Every state × every action of the clue, and every guard holding and refusing, without a database."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from config.packs import available, load_pack
from statemachines import clue as c
from statemachines.clue import CLUE, State
from statemachines.kit.forms import Form
from statemachines.kit.panels import Seat, SeatState, Tally, Vote
from statemachines.kit.policy import Policy
from statemachines.kit.procedure import Kind, Refused
from statemachines.kit.situation import Situation, Step
from tests.support.situations import COLLEAGUE, FOURTH, ME, NOW, THIRD, away, policy, situation

S = State
TODAY = date(2016, 3, 1)
NOTES = ["note_progress", "acknowledge_county", "note_suppression", "recuse"]
REPORTED = [s for s in S if s not in (S.REGISTERED, S.CLOSED)]
CHECKING = ["set_team", "write_report", "sign", "add_member", "remove_member", "mark_absent", "mark_present",
            "ask_other_handling", "approve_other_handling", "ask_extension", "grant_extension", "refuse_extension",
            "suspend", "resume"]  # fmt: skip

MOVES: dict[tuple[State, str], set[State]] = {
    (S.REGISTERED, "report"): {S.MEETING},
    (S.MEETING, "record_meeting"): {S.PROPOSAL},
    (S.PROPOSAL, "propose"): {S.APPROVAL},
    (S.APPROVAL, "approve"): {S.VERIFICATION, S.INQUIRY, S.FILING, S.HELD, S.CLOSING},
    (S.INQUIRY, "record_reply"): {S.PROPOSAL},
    (S.VERIFICATION, "submit_report"): {S.CONCLUSION},
    (S.CONCLUSION, "conclude"): {S.FILING, S.HELD, S.CLOSING},
    (S.FILING, "propose_filing"): {S.CONSENT},
    (S.CONSENT, "file_case"): {S.CLOSING},
    (S.HELD, "take_up"): {S.PROPOSAL},
    (S.HELD, "close_held"): {S.CLOSING},
    (S.CLOSING, "archive"): {S.CLOSED},
}
START = (S.REGISTERED, S.MEETING, S.PROPOSAL, S.APPROVAL)
PATHS: dict[State, tuple[State, ...]] = {
    S.REGISTERED: (S.REGISTERED, S.MEETING),
    S.MEETING: START[:1],
    S.PROPOSAL: START[:2],
    S.APPROVAL: START[:3],
    S.INQUIRY: START,
    S.VERIFICATION: START,
    S.HELD: START,
    S.CONCLUSION: (*START, S.VERIFICATION),
    S.FILING: (*START, S.VERIFICATION, S.CONCLUSION),
    S.CONSENT: (*START, S.VERIFICATION, S.CONCLUSION, S.FILING),
    S.CLOSING: START,
}
RETURNS = [S.PROPOSAL, S.APPROVAL, S.INQUIRY, S.VERIFICATION, S.CONCLUSION, S.FILING, S.CONSENT]
LEGAL: dict[tuple[State, str], set[State]] = {
    **MOVES,
    **{(s, n): {s} for s in S if s is not S.CLOSED for n in NOTES},
    **{(s, n): {s} for s in REPORTED for n in ("acknowledge_committee", "report_upward_only")},
    **{(S.VERIFICATION, n): {S.VERIFICATION} for n in CHECKING},
    **{(s, "refuse_other_handling"): {s} for s in S if s is not S.CLOSED},
    (S.CONSENT, "consent_filing"): {S.CONSENT},
    **{(s, "send_back"): {PATHS[s][-1]} for s in RETURNS},
    **{(s, "withdraw"): {path[-1]} for s, path in PATHS.items()},
}


def tally(panel: str, *votes: Vote, waiting: tuple[int, ...] = ()) -> Tally:
    seats = [Seat(v.person or 0, "", SeatState.ANSWERED) for v in votes] + [Seat(p) for p in waiting]
    return Tally(policy("clue").panels[panel], tuple(seats), votes)


def signed(*people: int) -> Tally:
    return tally("team", *(Vote("", {}, p) for p in people))


def consent(agree: bool) -> Tally:
    return tally("filing", Vote("", {"agree": agree}, FOURTH))


def at(
    state: State, *, disposition: str = "preliminary_verification", opened: dict[str, Any] | None = None, **more: Any
) -> Situation:
    """A clue in a state, with what is usually on record."""
    answers = {
        "open": {"subject_unit": 9, "concerns_committee_head": False, **(opened or {})},
        "propose": {"disposition": disposition},
        "set_team": {"members": [THIRD, FOURTH]},
        "write_report": {"advice": "case_filing"},
        "ask_other_handling": {"way": "cross", "other_unit": 3},
    }
    usual: dict[str, Any] = {
        "panels": {"team": signed(THIRD, FOURTH), "filing": consent(True)},
        "unit_kind": "township",
    }
    return situation("clue", state, answers, path=more.pop("path", PATHS.get(state, ())), **{**usual, **more})


def form(action: str, **answers: Any) -> Form:
    usual: dict[str, dict[str, Any]] = {
        "report": {"reported_on": TODAY, "summary": "报告"},
        "record_meeting": {"held_on": TODAY, "grade": "general", "requirement": "一个月内提出意见"},
        "propose": {"disposition": "closed", "opinion": "拟了结"},
        "record_reply": {"mode": "letter", "replied_on": TODAY, "content": "无"},
        "set_team": {"members": (THIRD, FOURTH)},
        "note_progress": {"content": "已走访"},
        "write_report": {"facts": "查清", "evidence": "账册", "advice": "case_filing"},
        "ask_other_handling": {"way": "cross", "other_unit": 3, "reason": "避免干扰"},
        "ask_extension": {"amount": 1, "reason": "账目多"},
        "conclude": {"result": "case_filing", "opinion": "同意"},
        "propose_filing": {"subject_name": "某人", "nature": "integrity", "grounds": "事实清楚"},
        "consent_filing": {"agree": True, "opinion": "同意"},
        "file_case": {"filed_on": TODAY},
        "note_suppression": {"unit": 3, "kind": "suppressed", "facts": "举报后半年未报告"},
        "archive": {"result": "已立案", "archive_no": "1", "retention": "years_30"},
        **{n: {"person": THIRD, "reason": "因故"} for n in (
            "add_member", "remove_member", "mark_absent", "mark_present", "recuse")},
        **{n: {"reason": "因故"} for n in (
            "send_back", "take_up", "close_held", "report_upward_only", "refuse_other_handling", "refuse_extension",
            "suspend", "resume", "withdraw")},
    }  # fmt: skip
    return CLUE.actions[action].form(**{**usual.get(action, {}), **answers})


def refusal(action: str, view: Situation, answers: Form | None = None) -> str:
    with pytest.raises(Refused) as refused:
        CLUE.next_state(action, view, answers or form(action))
    assert refused.value.en and refused.value.zh
    return refused.value.code


def where_guards_hold(state: State, action: str) -> Situation:
    view = at(state)
    match action:
        case "grant_extension" | "refuse_extension":
            return replace(view, pending=frozenset({"verification"}))
        case "suspend" | "resume":
            return replace(view, clocks={"verification": "running" if action == "suspend" else "suspended"})
        case "approve_other_handling" | "refuse_other_handling":
            return replace(view, duties=frozenset({"handling_decision"}))
        case "acknowledge_committee":
            return replace(view, duties=frozenset({"committee_report"}))
        case "write_report":
            return replace(view, panels={"team": signed(ME, THIRD)})
        case "add_member":
            return replace(view, panels={"team": signed(FOURTH)})
        case "mark_present":
            return away(view, "team", THIRD)
        case "remove_member" | "mark_absent":
            return replace(view, panels={"team": tally("team", waiting=(THIRD,))})
    return view


@pytest.mark.parametrize(("state", "action"), [(s, a) for s in S for a in CLUE.actions])
def test_moves_exactly_as_the_table_says(state: State, action: str) -> None:
    view = where_guards_hold(state, action)
    if (state, action) in LEGAL:
        assert CLUE.next_state(action, view, form(action)) in LEGAL[state, action]
    else:
        assert refusal(action, view) == "not_in_this_state"


def test_the_table_knows_every_action_and_every_way_out() -> None:
    assert {action for _, action in LEGAL} == CLUE.actions.keys()
    declared = {
        (source, name): set(action.targets())
        for name, action in CLUE.actions.items()
        for source in action.sources
        if action.kind is Kind.FORWARD
    }
    assert declared == MOVES


@pytest.mark.parametrize(
    ("disposition", "target"),
    [("case_filing", S.FILING), ("preliminary_verification", S.VERIFICATION), ("letter_inquiry", S.INQUIRY),
     ("held_pending", S.HELD), ("closed", S.CLOSING)],
)  # fmt: skip
def test_approval_leads_where_the_disposition_says(disposition: str, target: State) -> None:
    assert CLUE.next_state("approve", at(S.APPROVAL, disposition=disposition), form("approve")) == target


@pytest.mark.parametrize("pack", available())
@pytest.mark.parametrize(("received", "classes"), [(date(2016, 12, 31), 5), (date(2017, 1, 1), 4)])
def test_five_classes_until_2016_and_four_since(pack: str, received: date, classes: int) -> None:
    listed = Policy.model_validate(load_pack(pack).at("clue", received)[0].doc).codes("dispositions")
    assert len(listed) == classes
    assert ("case_filing" in listed) == (classes == 5)


@pytest.mark.parametrize("pack", available())
@pytest.mark.parametrize("on", [date(2016, 3, 1), date(2026, 1, 1)])
def test_a_clue_knows_every_field_a_petition_can_hand_on(pack: str, on: date) -> None:
    """Whatever is accepted lies wholly within its scope; a field the clue did not know would refuse the approval."""
    petition, clue = (Policy.model_validate(load_pack(pack).at(key, on)[0].doc) for key in ("petition", "clue"))
    beyond = petition.codes("out_of_scope").keys()
    assert petition.codes("problem_fields").keys() - beyond <= clue.codes("problem_fields").keys()


@pytest.mark.parametrize(
    ("result", "target"),
    [("case_filing", S.FILING), ("held_pending", S.HELD), ("closed", S.CLOSING), ("reminder_talk", S.CLOSING),
     ("transferred", S.CLOSING)],
)  # fmt: skip
def test_the_conclusion_leads_where_it_says(result: str, target: State) -> None:
    assert CLUE.next_state("conclude", at(S.CONCLUSION), form("conclude", result=result)) == target


class TestWhoKnowsOfIt:
    def test_the_committee_is_no_viewer_by_any_role(self) -> None:
        for pack in available():
            viewers = Policy.model_validate(load_pack(pack).at("clue", TODAY)[0].doc).viewers
            assert not viewers & {"township_committee", "party_committee", "unit_head"}

    @pytest.mark.parametrize("kind", ["township", "grassroots", "department", "county"])
    @pytest.mark.parametrize("said", ["open", "report", None])
    def test_what_concerns_the_head_is_reported_upward_only(self, kind: str, said: str | None) -> None:
        view = at(S.REGISTERED, unit_kind=kind, opened={"concerns_committee_head": said == "open"})
        step = Step(ME, NOW.isoformat(), {"concerns_committee_head": said == "report"})
        view = replace(view, steps={**view.steps, "report": step})
        effects = [e for e in CLUE.actions["report"].effects if e.when is None or e.when(view, form("report"))]
        names = sorted(type(e).__name__ for e in effects)
        if said:
            assert names == ["MoveUp"]
        else:
            assert names == ([] if kind == "county" else ["Convene", "Owe"])

    def test_only_what_was_reported_is_acknowledged(self) -> None:
        assert refusal("acknowledge_committee", at(S.MEETING)) == "not_reported"

    def test_a_superior_is_named(self) -> None:
        about = {"received_on": TODAY, "problem_fields": ("subsidies",), "content": "反映"}
        with pytest.raises(ValidationError, match="handed it down"):
            c.Registration(source="superior", **about)
        assert c.Registration(source="superior", superior="市纪委", **about)


class TestWhoMay:
    def test_the_proposer_does_not_approve(self) -> None:
        assert refusal("approve", at(S.APPROVAL, actors={"propose": frozenset({ME, COLLEAGUE})})) == "same_person"
        lent = at(S.APPROVAL, actors={"propose": frozenset({COLLEAGUE})}, behalf_of=COLLEAGUE)
        assert refusal("approve", lent) == "same_person"

    @pytest.mark.parametrize("step", ["set_team.members", "add_member.person", "submit_report"])
    def test_whoever_verified_does_not_decide_on_it(self, step: str) -> None:
        assert refusal("conclude", at(S.CONCLUSION, actors={step: frozenset({ME})})) == "verifier_decides"

    def test_whoever_proposes_the_case_does_not_file_it(self) -> None:
        assert refusal("file_case", at(S.CONSENT, actors={"propose_filing": frozenset({ME})})) == "same_person"

    @pytest.mark.parametrize("action", ["approve", "conclude", "file_case", "approve_other_handling"])
    def test_the_clock_decides_nothing(self, action: str) -> None:
        state = {"approve": S.APPROVAL, "conclude": S.CONCLUSION, "file_case": S.CONSENT}.get(action, S.VERIFICATION)
        view = at(state, actor=None, duties=frozenset({"handling_decision"}))
        assert refusal(action, view) in ("same_person", "verifier_decides")

    def test_the_subjects_unit_does_not_handle_it(self) -> None:
        assert refusal("propose", at(S.PROPOSAL), form("propose", handler_unit=9)) == "unit_of_the_subject"
        assert CLUE.next_state("propose", at(S.PROPOSAL), form("propose", handler_unit=3)) == S.APPROVAL


class TestTeam:
    @pytest.mark.parametrize("members", [(), (THIRD,), (THIRD, THIRD)])
    def test_one_person_is_no_team(self, members: tuple[int, ...]) -> None:
        assert refusal("set_team", at(S.VERIFICATION), form("set_team", members=members)) == "team_of_two"

    def test_only_the_team_writes_its_report(self) -> None:
        assert refusal("write_report", at(S.VERIFICATION)) == "not_of_the_team"
        assert refusal("write_report", at(S.VERIFICATION, panels={})) == "not_of_the_team"

    def test_there_is_nothing_to_sign_before_the_report(self) -> None:
        view = at(S.VERIFICATION)
        without = replace(view, steps={n: s for n, s in view.steps.items() if n != "write_report"})
        assert refusal("sign", without) == "no_report_yet"

    def test_a_new_team_signs_its_own_report(self) -> None:
        view = at(S.VERIFICATION)
        seated = Step(COLLEAGUE, (NOW + timedelta(hours=1)).isoformat(), {"members": [THIRD, FOURTH]})
        assert refusal("sign", replace(view, steps={**view.steps, "set_team": seated})) == "no_report_yet"

    @pytest.mark.parametrize("panel", [None, signed(THIRD), tally("team", Vote("", {}, THIRD), waiting=(FOURTH,))])
    def test_everybody_of_at_least_two_has_signed(self, panel: Tally | None) -> None:
        view = at(S.VERIFICATION, panels={"team": panel} if panel else {})
        assert refusal("submit_report", view) == "panel_incomplete"

    def test_nothing_is_submitted_while_other_hands_are_asked_for(self) -> None:
        assert refusal("submit_report", at(S.VERIFICATION, duties=frozenset({"handling_decision"}))) == (
            "handling_undecided"
        )


class TestOtherHandling:
    ASKED = frozenset({"handling_decision"})

    def test_one_request_at_a_time(self) -> None:
        assert refusal("ask_other_handling", at(S.VERIFICATION, duties=self.ASKED)) == "handling_undecided"

    @pytest.mark.parametrize("action", ["approve_other_handling", "refuse_other_handling"])
    def test_only_a_request_is_decided_and_by_another(self, action: str) -> None:
        assert refusal(action, at(S.VERIFICATION)) == "nothing_asked"
        own = at(S.VERIFICATION, duties=self.ASKED, actors={"ask_other_handling": frozenset({ME})})
        assert refusal(action, own) == "same_person"

    @pytest.mark.parametrize("way", ["joint", "cross"])
    def test_the_subjects_unit_takes_no_part(self, way: str) -> None:
        answers = form("ask_other_handling", way=way, other_unit=9)
        assert refusal("ask_other_handling", at(S.VERIFICATION), answers) == "unit_of_the_subject"

    @pytest.mark.parametrize(("way", "unit"), [("joint", None), ("cross", None), ("escalated", 3)])
    def test_a_unit_is_named_for_joint_and_cross_handling_only(self, way: str, unit: int | None) -> None:
        with pytest.raises(ValidationError, match="name the other unit"):
            form("ask_other_handling", way=way, other_unit=unit)


class TestFiling:
    def test_the_committee_has_answered(self) -> None:
        view = at(S.CONSENT, panels={"filing": tally("filing", waiting=(FOURTH,))})
        assert refusal("file_case", view) == "panel_incomplete"

    def test_and_agreed(self) -> None:
        assert refusal("file_case", at(S.CONSENT, panels={"filing": consent(False)})) == "not_consented"

    def test_the_case_gets_what_is_known(self) -> None:
        known = {"subject": 77, "subject_post": "村支书", "subject_unit": 9}
        view = at(S.CONSENT, opened=known, matter_id=5)
        asked = {"subject_name": "某人", "subject": None, "subject_post": "", "nature": "masses"}
        view = replace(view, steps={**view.steps, "propose_filing": Step(THIRD, NOW.isoformat(), asked)})
        (opens,) = (e for e in CLUE.actions["file_case"].effects if type(e).__name__ == "Open")
        assert getattr(opens, "answers")(view, form("file_case")) == [{  # noqa: B009
            "clue": 5, "subject_name": "某人", "subject": 77, "subject_post": "村支书", "subject_is_member_of_unit": 9,
            "nature": "masses", "filed_on": "2016-03-01", "important": False,
        }]  # fmt: skip


def test_nothing_of_the_complainant_has_a_place_in_a_clue() -> None:
    assert not {"complainant", "name", "phone", "id_number"} & c.Registration.model_fields.keys()


def test_times_of_steps_are_compared_as_instants() -> None:
    """The same instant in another zone's words is no later one."""
    view = at(S.VERIFICATION)
    same = datetime(2016, 3, 1, 1, 59, tzinfo=UTC).isoformat()
    view = replace(view, steps={**view.steps, "set_team": Step(COLLEAGUE, same, {"members": [THIRD, FOURTH]})})
    assert CLUE.next_state("sign", view, form("sign")) == S.VERIFICATION
