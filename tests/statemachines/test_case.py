"""Every state × every action of the case, and every guard holding and refusing, without a database."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from config.packs import available, load_pack
from statemachines import case as k
from statemachines.case import CASE, State
from statemachines.kit.forms import Form
from statemachines.kit.panels import Seat, SeatState, Tally, Vote
from statemachines.kit.policy import Policy
from statemachines.kit.procedure import Kind, Refused
from statemachines.kit.situation import Other, Situation, Step
from tests.support.situations import COLLEAGUE, FOURTH, ME, NOW, THIRD, away, policy, situation

S = State
TODAY = date(2016, 3, 1)
OPEN = [s for s in S if s is not S.CLOSED]
DECIDING = [S.DECISION, S.COMMITTEE_DECISION, S.COUNTY_DECISION]
INVESTIGATING = ["write_report", "sign", "add_member", "remove_member", "mark_absent", "mark_present", "hear_subject",
                 "ask_other_handling", "approve_other_handling", "suspend", "resume"]  # fmt: skip
EXTENSIONS = ["ask_extension", "grant_extension", "refuse_extension"]
AFTER = ["report_decision", "announce", "execute", "record_visit", "end_visits"]
SEATS = ["decision_add_member", "decision_remove_member", "decision_mark_absent", "decision_mark_present"]

MOVES: dict[tuple[State, str], set[State]] = {
    (S.FILED, "set_team"): {S.INVESTIGATION},
    (S.INVESTIGATION, "set_team"): {S.INVESTIGATION},
    (S.INVESTIGATION, "transfer"): {S.REVIEW},
    (S.REVIEW, "receive_review"): {S.PROPOSAL, S.INVESTIGATION},
    (S.PROPOSAL, "reinvestigate"): {S.INVESTIGATION},
    (S.PROPOSAL, "put_to_decision"): set(DECIDING),
    **{(s, "decide"): {S.EXECUTION} for s in DECIDING},
    (S.EXECUTION, "close"): {S.CLOSED},
}
ASKED = (S.FILED, S.INVESTIGATION, S.REVIEW, S.PROPOSAL)
PATHS: dict[State, tuple[State, ...]] = {
    S.FILED: (S.FILED, S.INVESTIGATION), S.INVESTIGATION: ASKED[:1], S.REVIEW: ASKED[:2], S.PROPOSAL: ASKED[:3],
    **dict.fromkeys(DECIDING, ASKED), S.EXECUTION: (*ASKED, S.DECISION),
}  # fmt: skip
LEGAL: dict[tuple[State, str], set[State]] = {
    **MOVES,
    **{(s, n): {s} for s in OPEN for n in ("note_progress", "transfer_crime", "recuse", "refuse_other_handling")},
    **{(S.INVESTIGATION, n): {S.INVESTIGATION} for n in INVESTIGATING},
    **{(s, n): {s} for s in (S.INVESTIGATION, S.EXECUTION) for n in EXTENSIONS},
    (S.PROPOSAL, "ask_deliberation"): {S.PROPOSAL},
    **{(s, n): {s} for s in DECIDING for n in ("vote", *SEATS)},
    **{(s, "send_back"): {S.PROPOSAL} for s in DECIDING},
    **{(S.EXECUTION, n): {S.EXECUTION} for n in AFTER},
    **{(s, "withdraw"): {path[-1]} for s, path in PATHS.items()},
}
QUESTION = {"facts": "截留", "basis": "条例第一百一十二条"}
DEFENDED = {"defence_statement": "愿意退赔", "defence_declined": False}


def review(*, advised: str | None = "warning", closed: bool = True, talk: dict[str, Any] | None = None) -> Other:
    steps = {"record_talk": DEFENDED if talk is None else talk, "issue_opinion": {"sanction": advised}}
    on_record = {name: Step(THIRD, NOW.isoformat(), said) for name, said in steps.items()}
    return Other(40, "case_review", "closed" if closed else "feedback", closed, TODAY, on_record)


RETURNED = Other(40, "case_review", "returned", True, TODAY, {"return_case": Step(THIRD, NOW.isoformat(), {})})


def tally(name: str, *votes: Vote, waiting: int = 0) -> Tally:
    seats = [Seat(v.person or 0, "", SeatState.ANSWERED) for v in votes]
    return Tally(policy("case").panels[name], (*seats, *(Seat(900 + n) for n in range(waiting))), votes)


def ballots(agree: int, disagree: int = 0, abstain: int = 0, waiting: int = 0) -> Tally:
    said = ["agree"] * agree + ["disagree"] * disagree + ["abstain"] * abstain
    return tally("decision", *(Vote("", {"position": p}, 100 + n) for n, p in enumerate(said)), waiting=waiting)


def at(state: State, *, asked: dict[str, Any] | None = None, answers: dict[str, Any] | None = None, **more: Any) -> Any:
    """A case in a state, with what is usually on record."""
    sanction = {S.COMMITTEE_DECISION: "probation", S.COUNTY_DECISION: "expulsion"}.get(state, "warning")
    on_record = {
        "open": {"subject_is_member_of_unit": 9, "subject_name": "某人", "clue": None, "important": False},
        "set_team": {"members": [THIRD, FOURTH]}, "write_report": {}, "hear_subject": {},
        "ask_other_handling": {"way": "cross", "other_unit": 3},
        "put_to_decision": {"sanction": sanction, "probation_months": None, "asked_on": "2016-03-01",
                            **(asked or {})},
        "decide": {"sanction": sanction, "decided_on": "2016-02-20", "ends_on": "2017-02-20"}, **(answers or {}),
    }  # fmt: skip
    team = tally("team", Vote("", {}, THIRD), Vote("", {}, FOURTH))
    role = {S.COMMITTEE_DECISION: "township_committee", S.COUNTY_DECISION: "standing_committee"}.get(state)
    usual: dict[str, Any] = {
        "panels": {"team": team, "decision": ballots(3)}, "unit_kind": "township", "unit_id": 2,
        "roles": frozenset({role or "township_discipline"}), "linked": {"county_review": (review(),)}, "matter_id": 7,
        "duties": frozenset({"follow_up"}),
    }  # fmt: skip
    return situation("case", state, on_record, path=more.pop("path", PATHS.get(state, ())), **{**usual, **more})


def form(action: str, **answers: Any) -> Form:
    usual: dict[str, dict[str, Any]] = {
        "set_team": {"members": (THIRD, FOURTH)},
        "note_progress": {"content": "已调取账册"},
        "write_report": {"facts": "截留", "key_evidence": "账册", "advice": "warning"},
        "hear_subject": {"heard_on": TODAY, "listeners": (THIRD, FOURTH), "statement": "认错"},
        "ask_other_handling": {"way": "cross", "other_unit": 3, "reason": "避免干扰"},
        "ask_extension": {"amount": 1, "reason": "账目多"},
        "transfer": {"grounds": "立案依据", "key_evidence": "账册", "proposed_sanction": "warning"},
        "put_to_decision": {"sanction": "warning", **QUESTION},
        "vote": {"position": "agree"},
        "decide": {"decided_on": TODAY, "document_no": "柳纪〔2016〕1号"},
        "report_decision": {"reported_on": TODAY},
        "announce": {"announced_on": TODAY, "scope": "支部大会"},
        "execute": {"executed_on": TODAY, "content": "已执行"},
        "record_visit": {"visited_on": TODAY, "visitors": (THIRD,), "content": "表现良好"},
        "transfer_crime": {"transferred_on": TODAY, "organ": "县人民检察院", "offence": "贪污"},
        "close": {"archive_no": "1", "retention": "permanent", "pages": 120},
        **{n: {"person": THIRD, "reason": "因故"} for n in (
            *SEATS, "add_member", "remove_member", "mark_absent", "mark_present", "recuse")},
        **{n: {"reason": "因故"} for n in (
            "reinvestigate", "refuse_other_handling", "refuse_extension", "suspend", "resume", "send_back",
            "end_visits", "withdraw")},
    }  # fmt: skip
    return CASE.actions[action].form(**{**usual.get(action, {}), **answers})


def refusal(action: str, view: Situation, answers: Form | None = None) -> str:
    with pytest.raises(Refused) as refused:
        CASE.next_state(action, view, answers or form(action))
    assert refused.value.en and refused.value.zh
    return refused.value.code


def where_guards_hold(state: State, action: str) -> Situation:
    view: Situation = at(state)
    match action:
        case "grant_extension" | "refuse_extension":
            return replace(view, pending=frozenset({"investigation" if state == S.INVESTIGATION else "execution"}))
        case "suspend" | "resume":
            return replace(view, clocks={"investigation": "running" if action == "suspend" else "suspended"})
        case "approve_other_handling" | "refuse_other_handling":
            return replace(view, duties=frozenset({"handling_decision"}))
        case "write_report":
            return replace(view, panels={"team": tally("team", Vote("", {}, ME))})
        case "add_member":
            return replace(view, panels={"team": tally("team", Vote("", {}, FOURTH))})
        case "mark_present":
            return away(view, "team", THIRD)
        case "decision_mark_present":
            return away(view, "decision", THIRD)
        case "remove_member" | "mark_absent":
            return replace(view, panels={"team": replace(tally("team"), seats=(Seat(THIRD),))})
        case "decision_remove_member" | "decision_mark_absent":
            return replace(view, panels={"decision": replace(tally("decision"), seats=(Seat(THIRD),))})
    return view


@pytest.mark.parametrize(("state", "action"), [(s, a) for s in S for a in CASE.actions])
def test_moves_exactly_as_the_table_says(state: State, action: str) -> None:
    view = where_guards_hold(state, action)
    if (state, action) in LEGAL:
        assert CASE.next_state(action, view, form(action)) in LEGAL[state, action]
    else:
        assert refusal(action, view) == "not_in_this_state"


def test_the_table_knows_every_action_and_every_way_out() -> None:
    assert {action for _, action in LEGAL} == CASE.actions.keys()
    declared = {
        (source, name): set(action.targets())
        for name, action in CASE.actions.items()
        for source in action.sources
        if action.kind is Kind.FORWARD
    }
    assert declared == MOVES


@pytest.mark.parametrize("pack", available())
def test_nothing_but_receiving_the_review_is_done_by_the_clock(pack: str) -> None:
    doc = Policy.model_validate(load_pack(pack).at("case", TODAY)[0].doc)
    assert [name for name, roles in doc.roles.items() if "system" in roles] == ["receive_review"]
    assert not [deed for rule in doc.clocks.values() for rung in rule.ladder for deed in rung.do if "perform" in deed]


class TestBeforeTheReview:
    @pytest.mark.parametrize("members", [(), (THIRD,), (THIRD, THIRD)])
    def test_one_person_is_no_team(self, members: tuple[int, ...]) -> None:
        assert refusal("set_team", at(S.FILED), form("set_team", members=members)) == "team_of_two"

    def test_the_subject_is_heard_by_two(self) -> None:
        assert refusal("hear_subject", at(S.INVESTIGATION), form("hear_subject", listeners=(THIRD, THIRD))) == (
            "one_listener"
        )

    @pytest.mark.parametrize("said", [{"statement": ""}, {"declined": True}])
    def test_what_he_said_is_on_record_or_that_he_said_nothing(self, said: dict[str, Any]) -> None:
        with pytest.raises(ValidationError, match="record what was said"):
            form("hear_subject", **said)
        form("hear_subject", statement="", declined=True)

    def test_nothing_is_transferred_before_he_is_heard(self) -> None:
        view = at(S.INVESTIGATION)
        unheard = replace(view, steps={n: s for n, s in view.steps.items() if n != "hear_subject"})
        assert refusal("transfer", unheard) == "subject_not_heard"

    def test_nor_before_the_team_has_signed(self) -> None:
        half = tally("team", Vote("", {}, THIRD), waiting=1)
        assert refusal("transfer", at(S.INVESTIGATION, panels={"team": half})) == "panel_incomplete"

    def test_nor_while_other_hands_are_asked_for(self) -> None:
        view = at(S.INVESTIGATION, duties=frozenset({"handling_decision"}))
        assert refusal("transfer", view) == "handling_undecided"

    def test_the_request_names_the_unit_that_asks(self) -> None:
        (request,) = k._request(at(S.INVESTIGATION), form("transfer"))
        assert request == {
            "case": 7, "clue": None, "unit": 2, "summary": "某人案", "grounds": "立案依据", "key_evidence": "账册",
            "proposed_sanction": "warning",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("linked", "target"), [((review(),), S.PROPOSAL), ((RETURNED,), S.INVESTIGATION),
                               ((RETURNED, review()), S.PROPOSAL), ((review(), RETURNED), S.INVESTIGATION)],
    )  # fmt: skip
    def test_the_latest_review_says_where_it_goes(self, linked: tuple[Other, ...], target: State) -> None:
        view = at(S.REVIEW, linked={"county_review": linked}, actor=None)
        assert CASE.next_state("receive_review", view, form("receive_review")) == target

    @pytest.mark.parametrize("linked", [(), (review(closed=False),), (RETURNED, review(closed=False))])
    def test_nothing_is_received_while_the_county_reviews(self, linked: tuple[Other, ...]) -> None:
        assert refusal("receive_review", at(S.REVIEW, linked={"county_review": linked})) == "linked_open"


class TestTheQuestion:
    def ask(self, **answers: Any) -> Form:
        return form("put_to_decision", **answers)

    @pytest.mark.parametrize(("kind", "sanction", "body"), [
        ("township", "none", S.DECISION), ("township", "warning", S.DECISION),
        ("township", "serious_warning", S.DECISION),
        ("township", "removal", S.COMMITTEE_DECISION), ("township", "probation", S.COMMITTEE_DECISION),
        ("township", "expulsion", S.COUNTY_DECISION), ("grassroots", "warning", S.DECISION),
        ("department", "warning", S.COUNTY_DECISION), ("county", "warning", S.COUNTY_DECISION),
    ])  # fmt: skip
    def test_the_lightest_body_that_may_decides(self, kind: str, sanction: str, body: State) -> None:
        months = 12 if sanction == "probation" else None
        view = at(S.PROPOSAL, unit_kind=kind, linked={"county_review": (review(advised=sanction),)})
        assert CASE.next_state("put_to_decision", view, self.ask(sanction=sanction, probation_months=months)) == body

    @pytest.mark.parametrize("linked", [(), (RETURNED,), (review(), RETURNED), (review(closed=False),)])
    @pytest.mark.parametrize(("state", "action"), [(S.PROPOSAL, "put_to_decision"), (S.DECISION, "decide")])
    def test_there_is_none_without_the_countys_opinion(
        self, state: State, action: str, linked: tuple[Other, ...]
    ) -> None:
        assert refusal(action, at(state, linked={"county_review": linked})) == "not_reviewed"

    @pytest.mark.parametrize("talk", [{}, {"defence_statement": "", "defence_declined": False}])
    @pytest.mark.parametrize(("state", "action"), [(S.PROPOSAL, "put_to_decision"), (S.DECISION, "decide")])
    def test_nor_without_the_defence_on_record(self, state: State, action: str, talk: dict[str, Any]) -> None:
        assert refusal(action, at(state, linked={"county_review": (review(talk=talk),)})) == "not_heard"

    def test_a_defence_declined_is_on_record_too(self) -> None:
        linked = {"county_review": (review(talk={"defence_statement": "", "defence_declined": True}),)}
        assert CASE.next_state("put_to_decision", at(S.PROPOSAL, linked=linked), self.ask()) == S.DECISION

    @pytest.mark.parametrize("advised", ["serious_warning", "none", None])
    def test_who_departs_from_the_opinion_says_why(self, advised: str | None) -> None:
        view = at(S.PROPOSAL, linked={"county_review": (review(advised=advised),)})
        assert refusal("put_to_decision", view, self.ask()) == "deviation_unexplained"
        assert CASE.next_state("put_to_decision", view, self.ask(deviation_reason="情节较轻")) == S.DECISION

    @pytest.mark.parametrize(
        ("sanction", "months"), [("probation", None), ("warning", 12), ("probation", 11), ("probation", 25)]
    )
    def test_probation_lasts_one_or_two_years_and_nothing_else_is_timed(
        self, sanction: str, months: int | None
    ) -> None:
        with pytest.raises(ValidationError):
            self.ask(sanction=sanction, probation_months=months)

    @pytest.mark.parametrize(
        ("setting", "important", "needed"),
        [(0, False, False), (0, True, False), (1, False, False), (1, True, True), (2, False, True), (2, True, True)],
    )
    def test_deliberation_is_asked_for_where_the_county_says(self, setting: int, important: bool, needed: bool) -> None:
        doc = policy("case")
        figure = doc.settings["deliberation_required"].model_copy(update={"value": setting})
        asks = doc.model_copy(update={"settings": {**doc.settings, "deliberation_required": figure}})
        view = at(S.PROPOSAL, policy=asks, answers={"open": {"important": important}})
        if needed:
            assert refusal("put_to_decision", view, self.ask()) == "not_deliberated"
        else:
            assert CASE.next_state("put_to_decision", view, self.ask()) == S.DECISION
        for closed, outcome in ((False, "deliberation_open"), (True, None)):
            other = Other(50, "deliberation", "any", closed, TODAY, {})
            heard = replace(view, linked={**view.linked, "deliberation": (other,)})
            if outcome:
                assert refusal("put_to_decision", heard, self.ask()) == outcome
                assert refusal("ask_deliberation", heard) == "already_asked"
            else:
                assert CASE.next_state("put_to_decision", heard, self.ask()) == S.DECISION


class TestTheDecision:
    def test_who_disagrees_says_why(self) -> None:
        with pytest.raises(ValidationError, match="why you disagree"):
            form("vote", position="disagree")
        form("vote", position="disagree", opinion="证据不足")

    @pytest.mark.parametrize(("votes", "code"), [
        (ballots(1), "panel_incomplete"), (ballots(2, waiting=2), "panel_incomplete"),
        (ballots(2, 2), "not_agreed"), (ballots(2, 1, 1), "not_agreed"), (ballots(3, 3), "not_agreed"),
        (ballots(2, waiting=1), None), (ballots(3, 2), None), (ballots(2, 1), None),
    ])  # fmt: skip
    def test_two_thirds_vote_and_more_than_half_of_all_agree(self, votes: Tally, code: str | None) -> None:
        view = at(S.DECISION, panels={"decision": votes})
        if code:
            assert refusal("decide", view) == code
        else:
            assert CASE.next_state("decide", view, form("decide")) == S.EXECUTION

    @pytest.mark.parametrize(("role", "sanction", "may"), [
        ("township_discipline", "serious_warning", True), ("township_discipline", "removal", False),
        ("township_committee", "probation", True), ("township_committee", "expulsion", False),
        ("standing_committee", "expulsion", True), ("investigator", "warning", False), (None, "none", False),
    ])  # fmt: skip
    def test_nobody_decides_beyond_his_authority(self, role: str | None, sanction: str, may: bool) -> None:
        view = at(S.DECISION, asked={"sanction": sanction}, roles=frozenset({role} if role else ()))
        if may:
            assert CASE.next_state("decide", view, form("decide")) == S.EXECUTION
        else:
            assert refusal("decide", view) == "beyond_authority"

    def test_it_is_not_dated_before_the_question(self) -> None:
        assert refusal("decide", at(S.DECISION), form("decide", decided_on=date(2016, 2, 29))) == "before_the_vote"

    def test_it_is_what_was_put_to_the_vote(self) -> None:
        view = at(S.DECISION, asked={"responsibility_facts": "支部书记失察"}, panels={"decision": ballots(3, 1)})
        assert k._decided(view, form("decide")) == {
            "sanction": "warning", "responsibility_facts": "支部书记失察", "failings": [], "body": "decision",
            "ends_on": "2017-03-01",
            "members": 4, "agree": 3, "disagree": 1,
        }  # fmt: skip

    @pytest.mark.parametrize(("sanction", "months", "decided", "ends"), [
        ("warning", None, date(2024, 2, 29), "2025-02-28"), ("serious_warning", None, date(2016, 8, 31), "2018-02-28"),
        ("removal", None, date(2024, 2, 29), "2026-02-28"), ("probation", 12, date(2016, 3, 1), "2017-03-01"),
        ("probation", 24, date(2016, 2, 29), "2018-02-28"), ("expulsion", None, date(2016, 3, 1), "2021-03-01"),
        ("none", None, date(2016, 3, 1), None),
    ])  # fmt: skip
    def test_a_sanction_ends_on_its_day_whatever_day_that_is(
        self, sanction: str, months: int | None, decided: date, ends: str | None
    ) -> None:
        view = at(S.DECISION, asked={"sanction": sanction, "probation_months": months})
        assert k._ends_on(view, decided) == ends

    @pytest.mark.parametrize("to", [S.REVIEW, S.INVESTIGATION, S.FILED])
    def test_it_goes_back_to_the_question_and_no_further(self, to: State) -> None:
        assert refusal("send_back", at(S.DECISION), form("send_back", to=to)) == "only_to_the_proposal"


class TestAfterwards:
    @pytest.mark.parametrize(("action", "field"), [
        ("report_decision", "reported_on"), ("announce", "announced_on"), ("execute", "executed_on"),
        ("record_visit", "visited_on")])  # fmt: skip
    def test_nothing_follows_a_decision_before_it_is_made(self, action: str, field: str) -> None:
        assert refusal(action, at(S.EXECUTION), form(action, **{field: date(2016, 2, 19)})) == "before_the_decision"
        assert CASE.next_state(action, at(S.EXECUTION), form(action, **{field: date(2016, 2, 20)})) == S.EXECUTION

    @pytest.mark.parametrize(("visited", "again"), [(date(2016, 8, 20), True), (date(2016, 8, 21), False)])
    def test_he_is_visited_again_while_the_sanction_lasts(self, visited: date, again: bool) -> None:
        assert k._is_visited_again(at(S.EXECUTION), form("record_visit", visited_on=visited)) is again

    @pytest.mark.parametrize("action", ["record_visit", "end_visits"])
    def test_nobody_is_visited_to_whom_no_visit_is_owed(self, action: str) -> None:
        assert refusal(action, at(S.EXECUTION, duties=frozenset())) == "no_visit_owed"

    def test_the_six_measures_are_done_first(self) -> None:
        measure = Other(60, "case_measure", "open", False, TODAY, {})
        view = at(S.EXECUTION, linked={"six_ones": (measure,)})
        assert refusal("close", view) == "linked_open"
        done = replace(view, linked={"six_ones": (replace(measure, closed=True),)})
        assert CASE.next_state("close", done, form("close")) == S.CLOSED

    def test_whoever_asks_for_time_does_not_grant_it(self) -> None:
        for state, clock in ((S.INVESTIGATION, "investigation"), (S.EXECUTION, "execution")):
            own = at(state, pending=frozenset({clock}), actors={"ask_extension": frozenset({ME, COLLEAGUE})})
            assert refusal("grant_extension", own) == "same_person"
            other_clock = {"investigation": "execution", "execution": "investigation"}[clock]
            assert refusal("grant_extension", at(state, pending=frozenset({other_clock}))) == "no_request"
