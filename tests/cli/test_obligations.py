"""`duban obligations`, over procedures none of which recurs yet but one made here."""

from collections.abc import Callable
from typing import Any

import pytest

from services.engine import obligations as acting
from services.runtime import runtime
from tests.support.cast import County
from tests.support.declared import declared
from tests.support.recurring import policy, report, rule


@pytest.fixture
def recurring(home_county: County, monkeypatch: pytest.MonkeyPatch) -> County:
    """The weekly report of every township is declared in this process."""
    home_county.engine = declared(runtime().vault, (report(), policy(obligations={"weekly": rule()})))
    monkeypatch.setattr(acting, "engine_for", lambda _: home_county.engine)
    monkeypatch.setattr("services.engine.core.engine_for", lambda _: home_county.engine)
    return home_county


def test_open_and_list(recurring: County, answer: Callable[..., Any], duban: Callable[..., Any]) -> None:
    done = answer("obligations", "open")
    assert done["opened"] + done["waived"] == 2 and done["failures"] == []
    assert answer("obligations", "open")["opened"] == 0
    found = answer("obligations", "list", "--since", "2000-01-01", "--procedure", "report")
    assert [row["unit_name"] for row in found] == ["柳河乡", "白石镇"]
    assert "柳河乡" in duban("obligations", "list", "--since", "2000-01-01").stdout


def test_an_unreadable_day_is_refused(recurring: County, refusal: Callable[..., str]) -> None:
    assert "is no date" in refusal("obligations", "list", "--since", "once")
