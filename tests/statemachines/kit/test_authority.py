"""Nobody decides beyond his cap, whatever the scale; what is on no scale nobody decides."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from statemachines.kit.authority import AuthorityRule, role_reaches, within_authority
from statemachines.kit.procedure import Refused
from tests.support.situations import policy, situation

SCALE = ["none", "warning", "serious_warning", "probation", "expulsion"]
CAPS = {"discipline": "serious_warning", "committee": "probation", "county": "expulsion"}
RULE = AuthorityRule.model_validate({"title": "权限", "source": "测试", "scale": SCALE, "caps": CAPS})


@pytest.mark.parametrize("role", [*CAPS, "stranger"])
@pytest.mark.parametrize("code", [*SCALE, "banishment"])
def test_every_role_against_every_consequence(role: str, code: str) -> None:
    expected = role in CAPS and code in SCALE and SCALE.index(code) <= SCALE.index(CAPS[role])
    assert RULE.reaches(frozenset({role}), code) is expected


def test_the_higher_of_two_roles_counts() -> None:
    assert RULE.reaches(frozenset({"discipline", "county"}), "expulsion")
    assert not RULE.reaches(frozenset(), "none")


def test_a_cap_lies_on_the_scale() -> None:
    with pytest.raises(ValidationError, match="caps beyond the scale: death"):
        AuthorityRule.model_validate({"title": "t", "source": "s", "scale": ["a"], "caps": {"r": "death"}})


def test_the_guard_and_the_route_say_the_same() -> None:
    ruled = policy("petition").model_copy(update={"authority": {"sanction": RULE}})
    base = situation("petition", "registered", policy=ruled)

    def of(_: Any, answers: Any) -> str:
        return str(answers.sanction)

    guard = within_authority("sanction", of)
    for role in CAPS:
        for code in SCALE:
            answers: Any = SimpleNamespace(sanction=code)
            here = replace(base, roles=frozenset({role}))
            reaches = role_reaches("sanction", role, of)(base, answers)
            if reaches:
                guard.check(here, answers)
            else:
                with pytest.raises(Refused) as refused:
                    guard.check(here, answers)
                assert refused.value.code == "beyond_authority"
