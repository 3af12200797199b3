"""What must hold of every period, whatever its figures."""

from datetime import date, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from config.calendar import WorkingCalendar
from statemachines.kit.periods import (
    Budget,
    Due,
    Extension,
    Roll,
    RungOffset,
    Suspension,
    Unit,
    compute_due,
    rung_date,
)

CALENDAR = WorkingCalendar()
DAY = timedelta(days=1)


def on(text: str) -> date:
    return date.fromisoformat(text)


ANCHORS = st.dates(on("2015-06-01"), on("2027-06-01"))
BUDGETS = st.builds(Budget, st.integers(1, 70), st.sampled_from([Unit.DAY, Unit.WORKDAY])) | st.builds(
    Budget, st.integers(1, 24), st.just(Unit.MONTH)
)
ROLLS = st.sampled_from(Roll)
LENGTHS = st.integers(0, 40)


@st.composite
def stops_near(draw: st.DrawFn, anchor: date, still_open: bool = True) -> list[Suspension]:
    starts = draw(st.lists(st.integers(-30, 150), max_size=4))
    ends = LENGTHS | st.none() if still_open else LENGTHS
    lengths = [draw(ends) for _ in starts]
    return [
        Suspension(first := anchor + DAY * n, None if length is None else first + DAY * length, f"听证{n}")
        for n, length in zip(starts, lengths, strict=True)
    ]


@st.composite
def extensions_near(draw: st.DrawFn, anchor: date) -> list[Extension]:
    asked = draw(st.lists(st.integers(1, 60), unique=True, max_size=2))
    return [Extension(draw(BUDGETS), "案情复杂", "县纪委", anchor + DAY * n) for n in asked]


def not_after(earlier: Due, later: Due) -> bool:
    """Whether one is due no later than the other; one that stands still is due last of all."""
    return all(
        second is None or (first is not None and first <= second)
        for first, second in [(earlier.nominal, later.nominal), (earlier.effective, later.effective)]
    )


@given(ANCHORS, st.integers(1, 40), BUDGETS, ROLLS, st.data())
def test_a_later_anchor_is_never_due_earlier(
    anchor: date, days: int, budget: Budget, roll: Roll, data: st.DataObject
) -> None:
    extensions = data.draw(extensions_near(anchor))
    first, second = (
        compute_due(day, budget, CALENDAR, roll=roll, extensions=extensions) for day in (anchor, anchor + DAY * days)
    )
    assert not_after(first, second)


@given(ANCHORS, st.integers(1, 40), BUDGETS, ROLLS, st.data())
def test_suspensions_keep_that_order_for_days_and_working_days(
    anchor: date, days: int, budget: Budget, roll: Roll, data: st.DataObject
) -> None:
    """Not for months, which differ in length: suspended 2016-01-18 to 01-30, one month from 01-17 lasts
    31 + 13 days (to 03-01), while one month from 01-30 lasts 30 and stood still on none (to 02-29).
    """
    assume(budget.unit is not Unit.MONTH)
    stops = data.draw(stops_near(anchor))
    first, second = (
        compute_due(day, budget, CALENDAR, roll=roll, suspensions=stops) for day in (anchor, anchor + DAY * days)
    )
    assert not_after(first, second)


@given(ANCHORS, BUDGETS, st.integers(1, 12), ROLLS, st.data())
def test_a_longer_budget_is_never_due_earlier(
    anchor: date, budget: Budget, more: int, roll: Roll, data: st.DataObject
) -> None:
    stops = data.draw(stops_near(anchor))
    longer = Budget(budget.amount + more, budget.unit)
    first, second = (compute_due(anchor, each, CALENDAR, roll=roll, suspensions=stops) for each in (budget, longer))
    assert not_after(first, second)


@given(ANCHORS, BUDGETS, ROLLS, st.data())
def test_it_never_ends_before_its_nominal_date_nor_while_it_stands_still(
    anchor: date, budget: Budget, roll: Roll, data: st.DataObject
) -> None:
    stops = data.draw(stops_near(anchor))
    extensions = data.draw(extensions_near(anchor))
    answer = compute_due(anchor, budget, CALENDAR, roll=roll, extensions=extensions, suspensions=stops)
    assert (answer.nominal is None) == (answer.effective is None)
    if answer.nominal is None or answer.effective is None:
        assert any(stop.end is None for stop in stops)
        return
    assert answer.effective >= answer.nominal
    for stop in stops:
        assert not stop.start <= answer.effective < (stop.end or date.max)
    if roll is Roll.NEXT_WORKDAY:
        assert CALENDAR.is_working(answer.effective)


@given(ANCHORS, BUDGETS, ROLLS, st.data())
def test_the_order_of_the_records_does_not_matter(
    anchor: date, budget: Budget, roll: Roll, data: st.DataObject
) -> None:
    stops = data.draw(stops_near(anchor))
    extensions = data.draw(extensions_near(anchor))
    answers = {
        (answer.nominal, answer.effective, answer.provisional)
        for answer in (
            compute_due(anchor, budget, CALENDAR, roll=roll, extensions=granted, suspensions=stood)
            for granted in (extensions, data.draw(st.permutations(extensions)))
            for stood in (stops, data.draw(st.permutations(stops)))
        )
    }
    assert len(answers) == 1


@given(ANCHORS, st.sampled_from([Unit.DAY, Unit.WORKDAY]), st.integers(1, 50), st.integers(0, 50), st.data())
def test_extension_and_suspension_commute(
    anchor: date, unit: Unit, amount: int, more: int, data: st.DataObject
) -> None:
    """Whichever came first, it ends when budget and extension are used up by days that did run."""
    stops = data.draw(stops_near(anchor, still_open=False))
    granted = [Extension(Budget(more, unit), "案情复杂", "县纪委", anchor)] if more else []
    answer = compute_due(anchor, Budget(amount, unit), CALENDAR, roll=Roll.NONE, extensions=granted, suspensions=stops)
    left, day = amount + more, anchor
    while left:
        day += DAY
        stands = any(stop.start <= day < stop.end for stop in stops if stop.end)
        left -= not stands and (unit is Unit.DAY or CALENDAR.is_working(day))
    assert answer.nominal == day


@given(ANCHORS, BUDGETS, st.integers(0, 200), st.integers(0, 90), ROLLS)
def test_a_suspension_of_k_days_moves_the_nominal_date_by_k(
    anchor: date, budget: Budget, after: int, k: int, roll: Roll
) -> None:
    plain = compute_due(anchor, budget, CALENDAR, roll=roll)
    start = anchor + DAY * (1 + after)
    assume(plain.nominal is not None and plain.effective is not None and start <= plain.effective)
    assert plain.nominal is not None
    stop = Suspension(start, start + DAY * k, "听证")
    moved = compute_due(anchor, budget, CALENDAR, roll=roll, suspensions=[stop]).nominal
    assert moved is not None
    if budget.unit is Unit.WORKDAY:
        stood = CALENDAR.count_workdays(start, start + DAY * (k - 1))
        assert CALENDAR.count_workdays(plain.nominal + DAY, moved) == stood
    else:
        assert moved == plain.nominal + DAY * k


@given(ANCHORS, st.integers(-20, 20))
def test_rungs_fire_on_working_days_and_reminders_not_after_the_due_date(due_on: date, n: int) -> None:
    fires = rung_date(RungOffset(n, Unit.WORKDAY), due_on, CALENDAR)
    assert CALENDAR.is_working(fires)
    if n < 0:
        assert fires < due_on
        assert CALENDAR.count_workdays(fires, due_on - DAY) == -n
    elif n > 0:
        assert CALENDAR.count_workdays(due_on + DAY, fires) == n
