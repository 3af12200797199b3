"""Guards of teams: how many, who stays apart from whom, here and in another matter."""

from types import SimpleNamespace
from typing import Any

import pytest

from statemachines.kit.procedure import Guard, Refused
from statemachines.kit.situation import Other
from statemachines.kit.teams import apart_from, linked_done, team_of, who_did, who_touched
from tests.support.situations import COLLEAGUE, FOURTH, ME, THIRD, other, situation

AWAY = {"code": "not_apart", "en": "keep apart", "zh": "不得参与"}


def refuses(guard: Guard, s: Any, **answers: Any) -> bool:
    try:
        guard.check(s, SimpleNamespace(**answers))  # type: ignore[arg-type]
    except Refused:
        return True
    return False


@pytest.mark.parametrize(("members", "refused"), [((), True), ((1,), True), ((1, 1), True), ((1, 2), False)])
def test_a_team_counts_people_not_entries(members: tuple[int, ...], refused: bool) -> None:
    assert refuses(team_of(2, "members", zh="两人以上"), situation("petition", "handling"), members=members) is refused


@pytest.mark.parametrize(
    ("acting", "named", "refused"),
    [
        ({"actor": ME}, [THIRD], False),
        ({"actor": ME}, [COLLEAGUE], True),
        ({"actor": COLLEAGUE}, [], True),
        ({"actor": ME, "behalf_of": COLLEAGUE}, [], True),
        ({"actor": None}, [], True),
    ],
)
def test_apart_means_whoever_acts_and_whoever_is_named(acting: dict[str, Any], named: list[int], refused: bool) -> None:
    s = situation("petition", "handling", {"propose": {}}, **acting)
    assert refuses(apart_from(who_did("propose"), "team", **AWAY), s, team=named) is refused


def test_a_single_person_or_none_in_the_field() -> None:
    s = situation("petition", "handling", {"propose": {}})
    guard = apart_from(who_did("propose"), "leader", **AWAY)
    assert [refuses(guard, s, leader=who) for who in (None, THIRD, COLLEAGUE)] == [False, False, True]


def test_everyone_who_touched_the_other_matter() -> None:
    touched = other(7, situation("petition", "handling").today, "propose", complete__team=frozenset({THIRD, FOURTH}))
    s = situation("petition", "handling", {"open": {"case": 7}}, others={7: touched})
    guard = apart_from(who_touched("open.case"), "team", **AWAY)
    assert [refuses(guard, s, team=[who]) for who in (ME, THIRD, FOURTH)] == [False, True, True]
    assert not refuses(guard, situation("petition", "handling"), team=[THIRD], case=None)


def test_linked_matters_are_there_and_closed() -> None:
    def hanging(*closed: bool) -> Any:
        day = situation("petition", "handling").today
        others = tuple(Other(n, "case_review", "x", shut, day, {}) for n, shut in enumerate(closed))
        return situation("petition", "handling", linked={"county_review": others} if closed else {})

    guard = linked_done("county_review", zh="县审未完成")
    assert [refuses(guard, hanging(*c)) for c in ((), (True,), (True, False), (True, True))] == [
        True,
        False,
        True,
        False,
    ]
    assert refuses(linked_done("county_review", zh="六项未完成", at_least=3), hanging(True, True))
