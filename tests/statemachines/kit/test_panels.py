"""Tallies are exact whatever the order; a panel convened again keeps or forgets as it is told."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from statemachines.kit.panels import PanelRule, Seat, SeatState, Tally, Vote, convened_again, seats_of

PEOPLE = st.lists(st.integers(1, 9), unique=True, max_size=9)
POINTS = st.integers(0, 100)


def rule(**more: Any) -> PanelRule:
    return PanelRule.model_validate({"title": "测评", "source": "测试", "rule": "all", **more})


def tally(states: list[SeatState], **more: Any) -> Tally:
    seats = tuple(Seat(n, "", state) for n, state in enumerate(states, 1))
    votes = tuple(Vote("", {"answer": "agree"}, s.person) for s in seats if s.state is SeatState.ANSWERED)
    return Tally(rule(**more), seats, votes)


W, A, X, R = SeatState.WAITING, SeatState.ANSWERED, SeatState.ABSENT, SeatState.REMOVED


@pytest.mark.parametrize(
    ("states", "how", "enough"),
    [
        ([], {}, False),
        ([X, X], {}, False),
        ([A, W], {}, False),
        ([A, X, R], {}, True),
        ([A, X], {"at_least": 2}, False),
        ([W, A], {"rule": "any"}, True),
        ([A, A, W], {"rule": "quorum", "quorum": "2/3"}, True),
        ([A, A, X, X], {"rule": "quorum", "quorum": "2/3"}, False),
        ([A, A, R, R], {"rule": "quorum", "quorum": "2/3"}, True),
        ([A, A, W], {"rule": "quorum", "quorum": "1"}, False),
    ],
)
def test_when_it_is_enough(states: list[SeatState], how: dict[str, Any], enough: bool) -> None:
    assert tally(states, **how).enough is enough


@pytest.mark.parametrize("quorum", ["0", "4/3", "-1/2", "many"])
def test_a_quorum_is_a_share(quorum: str) -> None:
    with pytest.raises(ValidationError):
        rule(rule="quorum", quorum=quorum)


def test_groups_weigh_and_an_empty_one_falls_out() -> None:
    groups = {"leaders": {"title": "领导", "weight": "0.4"}, "users": {"title": "服务对象", "weight": "0.6"}}
    votes = (Vote("leaders", {"points": 90}), Vote("leaders", {"points": 70}), Vote("users", {"points": 50}))
    weighed = Tally(rule(groups=groups), (), votes)
    assert weighed.mean(lambda a: a["points"]) == Fraction(80) * Fraction("0.4") + Fraction(50) * Fraction("0.6")
    assert Tally(rule(groups=groups), (), votes[:2]).mean(lambda a: a["points"]) == 80
    assert Tally(rule(groups=groups)).mean(lambda a: a["points"]) is None


@given(st.lists(st.tuples(st.sampled_from("abc"), POINTS), min_size=1), st.randoms())
def test_the_order_of_answers_changes_nothing(given_votes: list[tuple[str, int]], random: Any) -> None:
    groups = {name: {"title": name, "weight": weight} for name, weight in (("a", "1"), ("b", "2.5"), ("c", "0.1"))}
    votes = [Vote(group, {"points": points}) for group, points in given_votes]
    first = Tally(rule(groups=groups), (), tuple(votes)).mean(lambda a: a["points"])
    random.shuffle(votes)
    again = Tally(rule(groups=groups), (), tuple(votes)).mean(lambda a: Decimal(a["points"]))
    assert first == again
    assert first is not None and min(p for _, p in given_votes) <= first <= max(p for _, p in given_votes)


@given(PEOPLE, PEOPLE, st.data())
def test_convened_again(before: list[int], wanted: list[int], data: Any) -> None:
    seats = [Seat(p, "", data.draw(st.sampled_from(SeatState))) for p in before]
    old = {s.person: s.state for s in seats}
    anew = convened_again(seats, seats_of(wanted), keep=False)
    assert [(s.person, s.state) for s in anew] == [(p, W) for p in wanted]
    kept = {s.person: s.state for s in convened_again(seats, seats_of(wanted), keep=True)}
    assert kept.keys() == {*before, *wanted}
    for person, state in kept.items():
        if person not in wanted:
            assert state is R
        elif old.get(person) in (A, X):
            assert state is old[person]
        else:
            assert state is W
