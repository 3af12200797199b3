"""Candidate rules: what counts, how many, within which span, under which head; more facts never take one away."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from statemachines.kit.candidates import CandidateRule, Fact, Proposal, candidate_problems, matches, propose
from statemachines.kit.posts import Tenure
from tests.support import proposing
from tests.support.proposing import CASE, inquiry

HEAD, NEWCOMER, UNIT = 7, 8, 1
START = date(2015, 1, 1)


def made(**changes: Any) -> CandidateRule:
    return CandidateRule.model_validate(proposing.rule(**changes))


def fact(matter_id: int, on: date = START, kind: str = "removal", unit: int = UNIT, **answers: Any) -> Fact:
    given_answers = {"sanction": {"kind": kind, "months": 24}, "grounds": ["甲", "乙"], **answers}
    return Fact(matter_id, str(matter_id), "case", "decide", unit, on, given_answers, {"open": {"channel": "letter"}})


def found(changes: dict[str, Any], *facts: Fact, heads: tuple[Tenure, ...] = ()) -> list[tuple[int | None, list[int]]]:
    proposals = propose("rule", made(**changes), facts, heads)
    return [(p.head_person_id, [f.matter_id for f in p.facts]) for p in proposals]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, True),
        ({"sanction.kind": ["removal", "expulsion"]}, True),
        ({"sanction.kind": ["warning"]}, False),
        ({"sanction.months": [24]}, True),
        ({"sanction.kind": ["removal"], "sanction.months": [6]}, False),
        ({"grounds": ["乙"]}, True),
        ({"grounds": ["丙"]}, False),
        ({"open.channel": ["letter", "visit"]}, True),
        ({"open.channel": ["visit"]}, False),
    ],
)
def test_every_path_has_one_of_its_values(where: dict[str, Any], expected: bool) -> None:
    assert matches(made(where=where), fact(1)) is expected


def test_the_action_and_the_procedure_have_to_be_those() -> None:
    assert not matches(made(), replace(fact(1), action="close"))
    assert not matches(made(), replace(fact(1), procedure="petition"))


class TestHowMany:
    def test_different_matters(self) -> None:
        assert found({}, fact(1), fact(1)) == []
        assert found({}, fact(1), fact(2)) == [(None, [1, 2])]

    def test_of_one_unit(self) -> None:
        assert found({}, fact(1), fact(2, unit=2)) == []

    def test_one_is_enough_where_none_is_said(self) -> None:
        assert found({"count": 1}, fact(1)) == [(None, [1])]


class TestWithin:
    @pytest.mark.parametrize(
        ("second", "enough"), [(date(2015, 12, 31), True), (date(2016, 1, 1), False), (date(2017, 1, 1), False)]
    )
    def test_a_sliding_year_ends_before_the_corresponding_day(self, second: date, enough: bool) -> None:
        assert bool(found({"within": "12 month"}, fact(1), fact(2, second))) is enough

    def test_the_latest_full_span_counts(self) -> None:
        facts = [fact(n, START + timedelta(days)) for n, days in enumerate((0, 10, 400, 410, 900), 1)]
        assert found({"within": "12 month"}, *facts) == [(None, [3, 4])]

    def test_a_calendar_year(self) -> None:
        december, january = fact(1, date(2015, 12, 31)), fact(2, date(2016, 1, 1))
        assert found({"within": "year"}, december, january) == []
        assert found({"within": "year"}, december, january, fact(3, date(2016, 12, 31))) == [(None, [2, 3])]


class TestTenure:
    old = Tenure(HEAD, UNIT, date(2014, 1, 1))
    heads = (old, Tenure(NEWCOMER, UNIT, date(2015, 6, 1)))

    def test_only_a_head_who_held_the_post_then_is_proposed(self) -> None:
        assert found({"within": "tenure"}, fact(1), fact(2), heads=self.heads) == [(HEAD, [1, 2])]

    def test_facts_before_he_came_do_not_count(self) -> None:
        late = fact(3, date(2015, 6, 1))
        assert found({"within": "tenure"}, fact(1), late, heads=self.heads[1:]) == []
        assert found({"within": "tenure"}, fact(1), late, fact(4, date(2015, 7, 1)), heads=self.heads[1:]) == [
            (NEWCOMER, [3, 4])
        ]

    def test_without_a_head_nobody_is_proposed(self) -> None:
        assert found({"within": "tenure"}, fact(1), fact(2)) == []

    def test_the_head_of_another_unit_neither(self) -> None:
        assert found({"within": "tenure"}, fact(1), fact(2), heads=(Tenure(HEAD, 2, START),)) == []

    def test_both_days_of_the_post_count(self) -> None:
        held = (Tenure(HEAD, UNIT, START, START + timedelta(9)),)
        inside = [fact(1), fact(2, START + timedelta(9))]
        assert found({"within": "tenure"}, *inside, heads=held) == [(HEAD, [1, 2])]
        outside = [fact(1, START - timedelta(1)), fact(2, START + timedelta(10))]
        assert found({"within": "tenure"}, *outside, heads=held) == []


DAYS = st.dates(date(2014, 1, 1), date(2017, 12, 31))
FACTS = st.lists(
    st.builds(fact, st.integers(1, 6), DAYS, st.sampled_from(["removal", "warning"]), st.integers(1, 2)), max_size=12
)
HEADS = st.lists(st.builds(Tenure, st.integers(7, 8), st.integers(1, 2), DAYS, st.none() | DAYS), max_size=4)
RULES = st.builds(
    lambda count, within: made(count=count, within=within),
    st.integers(1, 3),
    st.sampled_from([None, "tenure", "year", "12 month", "40 day"]),
)


@given(rule=RULES, facts=FACTS, heads=HEADS)
def test_a_proposal_holds_what_its_rule_says(rule: CandidateRule, facts: list[Fact], heads: list[Tenure]) -> None:
    for proposal in propose("rule", rule, facts, heads):
        assert len({f.matter_id for f in proposal.facts}) >= rule.count
        assert all(matches(rule, f) and f.unit_id == proposal.unit_id for f in proposal.facts)
        assert proposal.newest.on == max(f.on for f in proposal.facts)
        if rule.within == "tenure":
            mine = [t for t in heads if (t.unit_id, t.person_id) == (proposal.unit_id, proposal.head_person_id)]
            assert all(any(t.holds(f.on) for t in mine) for f in proposal.facts)
        if rule.within == "40 day":
            assert all(proposal.newest.on - f.on < timedelta(40) for f in proposal.facts)


def summary(proposals: list[Proposal]) -> list[Any]:
    return [(p.unit_id, p.head_person_id, p.facts) for p in proposals]


@given(rule=RULES, facts=FACTS, heads=HEADS, unrelated=FACTS)
def test_unrelated_facts_change_nothing(
    rule: CandidateRule, facts: list[Fact], heads: list[Tenure], unrelated: list[Fact]
) -> None:
    strange = [replace(f, unit_id=99) for f in unrelated] + [replace(f, action="close") for f in unrelated]
    strange += [fact(f.matter_id, f.on, "warning", f.unit_id) for f in unrelated]
    before = summary(propose("rule", rule, facts, heads))
    after = [p for p in summary(propose("rule", rule, [*strange, *facts], heads)) if p[0] != 99]
    assert after == before


@given(rule=RULES, facts=FACTS, heads=HEADS, more=FACTS)
def test_more_facts_take_no_proposal_away(
    rule: CandidateRule, facts: list[Fact], heads: list[Tenure], more: list[Fact]
) -> None:
    def for_whom(given_facts: list[Fact]) -> set[tuple[int, int | None]]:
        return {(p.unit_id, p.head_person_id) for p in propose("rule", rule, given_facts, heads)}

    assert for_whom(facts) <= for_whom([*facts, *more])


@pytest.mark.parametrize(
    "changes", [{"fact": "decide"}, {"within": "soon"}, {"within": "5 workday"}, {"per": "county"}, {"count": 0}]
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        made(**changes)


def test_whatever_does_not_exist_is_named() -> None:
    rules = {
        "a": made(fact="hunt.decide"), "b": made(fact="case.hunt"),
        "c": made(where={"sanction.colour": ["red"], "verdict": ["x"], "open.channel": ["letter"]}, per="open.village"),
    }  # fmt: skip
    silent = inquiry(on_candidate=None)
    assert list(candidate_problems(rules, silent, {"case": CASE, "inquiry": silent})) == [
        "candidate a: no rule can propose inquiry",
        "candidate a: there is no procedure hunt",
        "candidate b: no rule can propose inquiry",
        "candidate b: case has no action hunt",
        "candidate c: no rule can propose inquiry",
        "candidate c: case.decide has no answer sanction.colour, nor its matter",
        "candidate c: case.decide has no answer verdict, nor its matter",
        "candidate c: case.decide has no answer open.village, nor its matter",
    ]
    assert list(candidate_problems({"d": made()}, inquiry(), {"case": CASE})) == []
