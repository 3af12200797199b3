"""`duban demo load`, with a shortened tale; the whole one is told in tests/demo."""

from collections.abc import Callable
from typing import Any

import pytest

from services.demo import demo_logins
from services.demo.programme import PROGRAMME
from services.runtime import runtime
from tests.support.cast import County


def test_it_makes_the_tables_fills_them_and_tells_the_log_ins(
    duban: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.demo.loading.PROGRAMME", PROGRAMME[:2])
    shown = duban("demo", "load", "--if-empty").stdout
    assert "80 people in 23 units, 7 matters" in shown
    for login, password, _ in demo_logins(runtime()):
        assert f"{login} " in shown
        assert password in shown


def test_a_database_with_units_is_left_alone(
    home_county: County, answer: Callable[..., Any], refusal: Callable[..., str]
) -> None:
    assert answer("demo", "load", "--if-empty") == {"loaded": False}
    assert "duban: not_empty: there are units already" in refusal("demo", "load")
    assert demo_logins(runtime()) == []
