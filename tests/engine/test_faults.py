"""A crash before any statement of an action, an opening or a sweep, or at its commit: nothing is left half-done."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import count
from typing import Any

import pytest
from sqlalchemy import event

from services.db.session import Database
from services.engine.sweep import sweep_all
from tests.support.cast import County
from tests.support.driver import each_statement
from tests.support.dump import dump
from tests.support.invariants import check

PREPARED: dict[str, tuple[list[str], dict[str, Any]]] = {
    "accept": ([], {}),
    "split": ([], {"problem_fields": ["subsidies", "land_requisition"]}),
    "approve": (["accept", "propose"], {}),
    "send_back": (["accept", "propose"], {}),
    "complete": (["accept", "propose", "approve"], {}),
    "ask_extension": (["accept", "propose", "approve"], {}),
    "recuse": (["accept", "propose", "approve", "ask_extension"], {}),
    "withdraw": (["accept", "propose"], {}),
    "archive": (["refuse", "hand_over"], {"problem_fields": ["taxation"]}),
}


class PowerCut(BaseException):
    """The process dies here: nothing that is made for errors may catch it."""


@contextmanager
def cut_before(database: Database, nth: int) -> Iterator[None]:
    """Die before the nth statement, counted from 1; the commit counts as the last.

    On PostgreSQL they are counted at the driver.
    """
    left = count(nth - 1, -1)

    def tick(*_: Any) -> None:
        if next(left) == 0:
            raise PowerCut

    names = ["commit"]
    watching: AbstractContextManager[None] = nullcontext()
    if database.engine.dialect.name == "postgresql":
        watching = each_statement(tick)
    else:
        names.append("before_cursor_execute")
    with watching:
        for name in names:
            event.listen(database.engine, name, tick)
        try:
            yield
        finally:
            for name in names:
                event.remove(database.engine, name, tick)


def die_everywhere(county: County, act: Callable[[], Any]) -> int:
    """Let `act` die before each of its statements in turn, then succeed; return how many there were."""
    before = dump(county.database)
    for nth in count(1):
        try:
            with cut_before(county.database, nth):
                act()
        except PowerCut:
            assert dump(county.database) == before, f"half-done after dying before statement {nth}"
        else:
            assert dump(county.database) != before
            check(county)
            return nth - 1
    raise AssertionError("unreachable")


@pytest.mark.parametrize("action", PREPARED)
def test_an_action_is_done_wholly_or_not_at_all(county: County, action: str) -> None:
    walked, answers = PREPARED[action]
    matter_id = county.walk(*walked, **answers)
    who, data = county.usual(action)
    assert die_everywhere(county, lambda: county.act(matter_id, action, who, data, request_key="k")) >= 8


def test_so_is_an_opening(county: County) -> None:
    repeated = county.open().matter_id
    about = {"reported": [{"name": "蒋某"}], "repeat_of": repeated}
    assert die_everywhere(county, lambda: county.open(**about)) >= 12


def test_so_is_a_batch_of_the_sweep(county: County) -> None:
    for _ in range(2):
        county.walk("accept", "propose", "approve")
    county.later(days=60)
    assert die_everywhere(county, lambda: sweep_all(county.database, county.engine, county.now)) >= 12
