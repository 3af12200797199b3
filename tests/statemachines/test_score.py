"""Every state × every action of a score entry, and its guards, without a database."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from config.packs import available
from statemachines.kit.forms import Form
from statemachines.kit.procedure import Refused, Rung
from statemachines.kit.situation import Other, Situation
from statemachines.score import SCORE, Entry, State, points_of
from tests.support.situations import COLLEAGUE, ME, THIRD, other, policy, situation

S = State
OPEN = [S.PROPOSED, S.WINDOW, S.OBJECTED]
PATHS = {S.PROPOSED: (S.PROPOSED, S.WINDOW), S.WINDOW: (S.PROPOSED,), S.OBJECTED: (S.PROPOSED, S.WINDOW)}
LEGAL: dict[tuple[State, str], State] = {
    (S.PROPOSED, "confirm"): S.WINDOW,
    (S.PROPOSED, "reject"): S.DROPPED,
    (S.WINDOW, "object"): S.OBJECTED,
    (S.WINDOW, "count"): S.COUNTED,
    (S.OBJECTED, "uphold"): S.COUNTED,
    (S.OBJECTED, "drop"): S.DROPPED,
    **{(s, "recuse"): s for s in OPEN},
    **{(s, "withdraw"): path[-1] for s, path in PATHS.items()},
}
DECISIONS = [(S.PROPOSED, "confirm"), (S.PROPOSED, "reject"), (S.OBJECTED, "uphold"), (S.OBJECTED, "drop")]


def at(state: State, item: str = "overdue", opened: dict[str, Any] | None = None, **more: Any) -> Situation:
    answers = {
        "item": item,
        "points": None,
        "origin": None,
        "unit": 3,
        "person": None,
        "period": "2016",
        **(opened or {}),
    }
    more = {"policy": policy("score"), "unit_kind": "township", "roles": frozenset({"county_leader"}), **more}
    return situation("score", state, {"open": answers}, path=PATHS.get(state, ()), **more)


def form(action: str) -> Form:
    usual: dict[str, dict[str, Any]] = {"object": {"reason": "不属实"}, "recuse": {"person": 5, "reason": "亲属"},
                                        "count": {}, "withdraw": {"reason": "填错"}}  # fmt: skip
    return SCORE.actions[action].form(**usual.get(action, {"opinion": "同意"}))


def refusal(action: str, view: Situation) -> str:
    with pytest.raises(Refused) as refused:
        SCORE.next_state(action, view, form(action))
    return refused.value.code


@pytest.mark.parametrize(("state", "action"), [(s, a) for s in S for a in SCORE.actions])
def test_moves_exactly_as_the_table_says(state: State, action: str) -> None:
    view = at(state, overdue=frozenset({"objection"} if action == "count" else ()))
    if (state, action) in LEGAL:
        assert SCORE.next_state(action, view, form(action)) == LEGAL[state, action]
    else:
        assert refusal(action, view) == "not_in_this_state"


@pytest.mark.parametrize(("state", "action"), DECISIONS)
def test_neither_the_proposer_nor_the_clock_decides(state: State, action: str) -> None:
    own = at(state, actors={"open": frozenset({ME})})
    assert refusal(action, own) in {"same_person", "took_part"}
    lent = at(state, actors={"open": frozenset({COLLEAGUE})}, behalf_of=COLLEAGUE)
    assert refusal(action, lent) in {"same_person", "took_part"}
    assert refusal(action, at(state, actor=None)) in {"same_person", "took_part"}


@pytest.mark.parametrize(("state", "action"), DECISIONS)
def test_nobody_decides_on_his_own_unit_or_on_himself(state: State, action: str) -> None:
    assert refusal(action, at(state, at_home=True)) == "of_the_subject_unit"
    assert SCORE.next_state(action, at(state, at_home=True, unit_kind="county"), form(action))
    assert refusal(action, at(state, opened={"person": ME})) == "own_score"


@pytest.mark.parametrize("step", ["confirm", "object"])
def test_whoever_confirmed_or_objected_does_not_decide_the_objection(step: str) -> None:
    assert refusal("uphold", at(S.OBJECTED, actors={step: frozenset({ME})})) == "took_part"


def test_a_veto_is_confirmed_by_a_leader() -> None:
    office = frozenset({"conduct_office"})
    assert SCORE.next_state("confirm", at(S.PROPOSED, roles=office), form("confirm")) == S.WINDOW
    assert refusal("confirm", at(S.PROPOSED, "integrity_veto", roles=office)) == "beyond_authority"
    assert refusal("uphold", at(S.OBJECTED, "integrity_veto", roles=office)) == "beyond_authority"
    assert SCORE.next_state("confirm", at(S.PROPOSED, "integrity_veto"), form("confirm")) == S.WINDOW


def test_it_is_objected_to_within_the_window_and_counts_after_it() -> None:
    over = frozenset({"objection"})
    assert refusal("object", at(S.WINDOW, overdue=over)) == "window_closed"
    assert refusal("count", at(S.WINDOW)) == "window_open"
    assert SCORE.next_state("count", at(S.WINDOW, actor=None, overdue=over), form("count")) == S.COUNTED


def concluded(score: str | None = "86.50", unit: int = 3, subject: int | None = THIRD) -> Other:
    made = other(9, date(2016, 1, 5), "open", *(["conclude"] if score else []))
    steps = {**made.steps, "open": replace(made.steps["open"], answers={"unit": unit, "subject": subject})}
    if score:
        steps["conclude"] = replace(made.steps["conclude"], answers={"score": score})
    return replace(made, procedure="accountability_report", steps=steps)


def proposal(**answers: Any) -> Entry:
    usual = {"period": "2016", "unit": 3, "item": "other", "points": "1.5", "reason": "表彰"}
    return Entry.model_validate({**usual, **answers})


def judged(entry: Entry, origin: Other | None = None) -> str | None:
    """The code of the first guard of the opening that refuses, None where all hold."""
    view = replace(at(S.PROPOSED, opened=entry.model_dump(mode="json")), others={9: origin} if origin else {})
    try:
        for guard in SCORE.opening.guards:
            guard.check(view, entry)
    except Refused as refused:
        return refused.code
    return None


@pytest.mark.parametrize("item", ["overdue", "bulletin_praise", "integrity_veto", "accountability_report"])
def test_points_of_automatic_items_are_never_typed(item: str) -> None:
    assert judged(proposal(item=item, points="3"), concluded()) == "points_do_not_fit"


def test_typed_points_stay_within_the_limit() -> None:
    assert judged(proposal(points="-5")) is None
    assert [judged(proposal(points=p)) for p in ("5.01", "0", None)] == ["points_do_not_fit"] * 3


def test_an_outside_mark_needs_evidence() -> None:
    assert judged(proposal(item="satisfaction", points="91.2")) == "points_do_not_fit"
    assert judged(proposal(item="satisfaction", points="91.2", attachments=[1])) is None
    assert judged(proposal(item="satisfaction", points="-1", attachments=[1])) == "points_do_not_fit"


def test_a_derived_figure_is_its_origin_s_and_of_its_origin_s_subject() -> None:
    mine = proposal(item="accountability_report", points=None, origin=9, person=THIRD)
    assert judged(mine, concluded()) is None
    assert judged(mine, concluded(score=None)) == "points_do_not_fit"
    assert judged(mine, concluded(subject=COLLEAGUE)) == "another_subject"
    assert judged(mine, concluded(unit=4)) == "another_subject"
    assert judged(proposal(item="accountability_report", points=None)) == "points_do_not_fit"


@pytest.mark.parametrize(
    ("item", "opened", "worth"),
    [
        ("overdue", {}, "-0.5"),
        ("integrity_veto", {}, None),
        ("other", {"points": "1.5"}, "1.5"),
        ("accountability_report", {"origin": 9}, "86.50"),
    ],
)
def test_confirming_says_what_it_is_worth(item: str, opened: dict[str, Any], worth: str | None) -> None:
    view = replace(at(S.PROPOSED, item, opened), others={9: concluded()})
    assert points_of(view) == worth
    derive = SCORE.actions["confirm"].derive
    assert derive is not None
    assert derive(view, form("confirm")) == {"points": worth}


@pytest.mark.parametrize("text", ["2016", "2016-H2", "2016-Q4", "2016-12"])
def test_periods_are_read(text: str) -> None:
    assert proposal(period=text).period == text


@pytest.mark.parametrize("text", ["16", "2016-13", "2016-H3", "2016-Q0", "2016-1", "2016\n", "1916"])
def test_what_is_no_period_is_refused(text: str) -> None:
    if text.endswith("\n"):
        assert proposal(period=text).period == "2016"  # white space around it falls away
        return
    with pytest.raises(ValidationError, match="a period is"):
        proposal(period=text)


def test_a_rung_proposes_and_does_not_count() -> None:
    rung = Rung(7, "整改〔2016〕1号", "整改：账目", 3, "整改期限", date(2016, 3, 31))
    assert SCORE.opening.on_rung is not None
    entry = Entry.model_validate(SCORE.opening.on_rung(rung))
    assert (entry.item, entry.unit, entry.origin, entry.points, entry.period) == ("overdue", 3, 7, None, "2016")
    assert judged(entry) is None
    assert "整改〔2016〕1号" not in entry.reason


@pytest.mark.parametrize("pack", available())
def test_every_pack_weighs_known_items_in_one_way_each(pack: str) -> None:
    codes = policy("score", pack).codes
    known = set(codes("score_items"))
    kinds = [set(codes(name)) for name in ("weights", "fixed_points", "veto_items")]
    assert set().union(*kinds) <= known
    assert sum(map(len, kinds)) == len(set().union(*kinds))
    assert set(codes("derived_items")) <= set(codes("weights"))
    assert all(Decimal(weight) > 0 for weight in codes("weights").values())
    assert all(Decimal(points) != 0 for points in codes("fixed_points").values())


@pytest.mark.parametrize("pack", available())
def test_nothing_is_earned_by_few_petitions(pack: str) -> None:
    codes = policy("score", pack).codes
    earning = {item for item, points in codes("fixed_points").items() if Decimal(points) > 0}
    assert earning == {"bulletin_praise"}
    assert not [title for title in codes("score_items").values() if "信访" in title or "举报" in title]
