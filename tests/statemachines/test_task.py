"""Tasks: their own opening, and the fixed days of the 通城 plan (their steps are tested with 督办)."""

from datetime import date

import pytest

from statemachines.kit.obligations import Occasion
from statemachines.task import TASK
from tests.support.situations import policy


def test_a_task_of_a_period_says_what_is_asked_and_until_when() -> None:
    occasion = Occasion("summary", "工作总结", "2016", date(2016, 1, 1), date(2016, 12, 31), date(2016, 10, 15), 4)
    assert TASK.opening.on_period is not None
    opened = TASK.opening.form(**TASK.opening.on_period(occasion))
    assert (opened.handler_unit, opened.due_on, opened.kind) == (4, date(2016, 10, 15), "regular")
    assert "2016-10-15" in opened.demand


@pytest.mark.parametrize(("name", "due"), [("plan", ("02-26",)), ("summary", ("10-15",))])
def test_the_fixed_days_do_not_shift(name: str, due: tuple[str, ...]) -> None:
    ruled = policy("task")
    assert ruled.obligations[name].due == due
    assert ruled.clocks["handling"].roll == "none"
    assert ruled.clocks["handling"].budget == "given"
