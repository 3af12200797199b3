"""Periods and occasions: stable keys, days that do not shift, whoever stands on the day of opening."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.calendar import WorkingCalendar
from statemachines.kit.obligations import (
    Every,
    ObligationRule,
    Period,
    obligation_problems,
    occasions,
    period_named,
    periods,
    why_waived,
)
from statemachines.kit.policy import Policy
from statemachines.kit.posts import Tenure, UnitLife
from tests.support.recurring import policy, report, rule

CALENDAR = WorkingCalendar()
TOWNSHIP = UnitLife(1, "township")


def made(**changes: Any) -> ObligationRule:
    return ObligationRule.model_validate(rule(**changes))


def named(key: str, **changes: Any) -> Period:
    found = period_named(made(**changes), key, CALENDAR)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("every", "key", "first", "last"),
    [
        ("week", "2016-W06", date(2016, 2, 8), date(2016, 2, 14)),
        ("week", "2020-W53", date(2020, 12, 28), date(2021, 1, 3)),
        ("month", "2016-02", date(2016, 2, 1), date(2016, 2, 29)),
        ("quarter", "2016-Q4", date(2016, 10, 1), date(2016, 12, 31)),
        ("half_year", "2016-H1", date(2016, 1, 1), date(2016, 6, 30)),
        ("year", "2016", date(2016, 1, 1), date(2016, 12, 31)),
    ],
)
def test_periods_have_stable_keys(every: str, key: str, first: date, last: date) -> None:
    period = named(key, every=every)
    assert (period.key, period.first, period.last, period.opens, period.due) == (key, first, last, first, last)


@pytest.mark.parametrize("key", ["", "2016", "2016-W54", "2016-13", "9999-W01", "week"])
def test_there_is_no_other_key(key: str) -> None:
    assert period_named(made(), key, CALENDAR) is None


def test_a_week_with_one_working_sunday_is_due_and_one_without_any_working_day_is_waived() -> None:
    assert why_waived(named("2016-W06"), TOWNSHIP, date(2016, 2, 8), CALENDAR) is None
    why = why_waived(named("2026-W08"), TOWNSHIP, date(2026, 2, 16), CALENDAR)
    assert why == "2026-02-16至2026-02-22没有工作日"


def test_fixed_days_do_not_shift() -> None:
    plan = named("2016", every="year", opens="02-01", due="02-26")
    summary = named("2016", every="year", opens="10-01", due="10-15")
    assert (plan.opens, plan.due) == (date(2016, 2, 1), date(2016, 2, 26))
    assert summary.due == date(2016, 10, 15)  # a Saturday


@pytest.mark.parametrize(
    ("every", "opens", "due", "key", "expected"),
    [
        ("month", "end -10 workday", "end", "2016-02", (date(2016, 2, 15), date(2016, 2, 29))),
        ("month", "end +1 day", "end +5 workday", "2016-01", (date(2016, 2, 1), date(2016, 2, 5))),
        ("month", "start +4 day", "start +4 day", "2016-02", (date(2016, 2, 5), date(2016, 2, 5))),
        ("week", "end -10 workday", "end", "2016-W06", (date(2016, 2, 8), date(2016, 2, 14))),
        ("half_year", ["06-01", "12-01"], ["06-30", "12-31"], "2016-H2", (date(2016, 12, 1), date(2016, 12, 31))),
        ("year", "12-01", "01-10", "2016", (date(2016, 12, 1), date(2017, 1, 10))),
        ("year", "02-29", "03-31", "2015", (date(2015, 2, 28), date(2015, 3, 31))),
    ],
)
def test_places_in_a_period(every: str, opens: Any, due: Any, key: str, expected: tuple[date, date]) -> None:
    period = named(key, every=every, opens=opens, due=due)
    assert (period.opens, period.due) == expected


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"opens": "soon"}, "cannot read 'soon'"),
        ({"every": "year", "opens": "02-30"}, "cannot read '02-30'"),
        ({"every": "year", "opens": "13-01"}, "cannot read '13-01'"),
        ({"every": "half_year", "opens": ["02-26"]}, "has none or several"),
        ({"every": "year", "opens": ["02-26", "03-26"]}, "has none or several"),
        ({"every": "month", "opens": "end", "due": "start"}, "due before it is opened"),
        ({"each": {}}, "say { county = true }"),
        ({"each": {"county": True, "unit_kind": ["township"]}}, "say { county = true }"),
        ({"each": {"post": "head"}}, "say { county = true }"),
        ({"each": {"unit_kind": ["castle"]}}, "township"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        made(**changes)


def test_a_rule_is_in_force_from_to_by_the_day_of_opening() -> None:
    ruled = made(**{"from": date(2016, 2, 8), "to": date(2016, 2, 21)})
    assert [p.key for p in periods(ruled, date(2016, 1, 1), date(2016, 12, 31), CALENDAR)] == ["2016-W06", "2016-W07"]
    assert period_named(ruled, "2016-W05", CALENDAR) is None


@given(
    every=st.sampled_from(list(Every)),
    opens=st.sampled_from(["start", "end", "end -10 workday", "start +3 day", "end +1 day", "end +20 workday"]),
    start=st.dates(date(2012, 1, 1), date(2025, 1, 1)),
    cut=st.integers(0, 900),
    length=st.integers(0, 900),
)
def test_looking_in_two_steps_finds_the_same_periods(
    every: Every, opens: str, start: date, cut: int, length: int
) -> None:
    ruled = made(every=every, opens=opens, due="end +60 day")
    middle, end = start + timedelta(min(cut, length)), start + timedelta(length)
    whole = list(periods(ruled, start, end, CALENDAR))
    parts = [*periods(ruled, start, middle, CALENDAR), *periods(ruled, middle + timedelta(1), end, CALENDAR)]
    assert parts == whole
    assert [p.first for p in whole] == sorted({p.first for p in whole})
    assert all(p.first <= p.opens <= p.due for p in whole)
    assert [period_named(ruled, p.key, CALENDAR) for p in whole] == whole


class TestForWhom:
    period = named("2016-W06")

    def units_of(self, *units: UnitLife) -> list[int]:
        return [one.unit_id for one in occasions("weekly", made(), self.period, units, [])]

    def test_units_of_the_kind_that_stand_on_the_day_of_opening(self) -> None:
        assert self.units_of(
            UnitLife(1, "township"),
            UnitLife(2, "county"),
            UnitLife(3, "township", founded_on=date(2016, 2, 8)),
            UnitLife(4, "township", founded_on=date(2016, 2, 9)),
            UnitLife(5, "township", abolished_on=date(2016, 2, 8)),
            UnitLife(6, "township", abolished_on=date(2016, 2, 9)),
        ) == [1, 3, 6]

    def test_one_that_has_been_abolished_since_is_waived(self) -> None:
        gone = UnitLife(6, "township", abolished_on=date(2016, 2, 9))
        assert why_waived(self.period, gone, date(2016, 2, 8), CALENDAR) is None
        assert why_waived(self.period, gone, date(2016, 2, 9), CALENDAR) == "单位已于2016-02-09撤销"

    def test_the_county_alone(self) -> None:
        units = [TOWNSHIP, UnitLife(2, "county")]
        assert [o.unit_id for o in occasions("x", made(each={"county": True}), self.period, units, [])] == [2]

    def test_the_head_on_the_day_of_opening(self) -> None:
        heads = [
            Tenure(10, 1, date(2010, 1, 1), date(2016, 2, 7)),
            Tenure(11, 1, date(2016, 2, 8)),
            Tenure(12, 2, date(2010, 1, 1)),
        ]
        each = {"post": "head", "unit_kind": ["township"]}
        found = occasions("x", made(each=each), self.period, [TOWNSHIP, UnitLife(2, "county")], heads)
        assert [(o.unit_id, o.person_id) for o in found] == [(1, 11)]


def test_a_procedure_that_no_period_can_open_is_named() -> None:
    rules = {"weekly": rule(answers={"kind": "x", "colour": "red"})}
    clocks = {"handing_in": {"title": "期限", "source": "测试", "budget": "given"}}
    made_from = Policy.model_validate(policy(obligations=rules, clocks=clocks))
    assert list(obligation_problems(made_from, report(on_period=None))) == [
        "clock handing_in: opened late, it would end before it began; anchor it in a date",
        "obligation weekly: no period can open report",
        "obligation weekly: the opening has no field colour",
    ]
