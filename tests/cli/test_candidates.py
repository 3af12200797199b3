"""`duban candidates`, over procedures made here."""

from collections.abc import Callable
from typing import Any

import pytest

from services.engine import candidates as acting
from services.runtime import runtime
from tests.engine.test_candidates import decided
from tests.support.cast import County
from tests.support.declared import declared
from tests.support.proposing import CASE, inquiry, policy, rule


@pytest.fixture
def proposing(home_county: County, monkeypatch: pytest.MonkeyPatch) -> County:
    """Cases, and the inquiry that two removals per unit propose, are declared in this process."""
    made = declared(runtime().vault, (CASE, policy()), (inquiry(), policy({"removals": rule()})))
    home_county.engine = made
    monkeypatch.setattr(acting, "engine_for", lambda _: made)
    monkeypatch.setattr("services.engine.core.engine_for", lambda _: made)
    return home_county


def test_propose_and_list(proposing: County, answer: Callable[..., Any], duban: Callable[..., Any]) -> None:
    assert answer("candidates", "list") == []
    decided(proposing)
    decided(proposing)
    assert answer("candidates", "propose")["proposed"] == 1
    assert answer("candidates", "propose")["skipped"] == 1
    (found,) = answer("candidates", "list", "--open", "--procedure", "inquiry")
    assert (found["unit_name"], found["grounds"], found["rule_title"]) == ("柳河乡", 2, "任期内两人以上受重处分")
    assert "柳河乡" in duban("candidates", "list").stdout
