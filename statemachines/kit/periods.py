"""How a period is computed: the one arithmetic of due dates (`compute_due`) and of what hangs on them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from dateutil.relativedelta import relativedelta

from statemachines.kit import period_steps as tell
from statemachines.kit.period_terms import (
    Budget,
    Calendar,
    Due,
    Extension,
    Roll,
    RungOffset,
    Step,
    Suspension,
    Unit,
)

__all__ = [
    "Budget",
    "Calendar",
    "Due",
    "Extension",
    "Roll",
    "RungOffset",
    "Step",
    "Suspension",
    "Unit",
    "compute_due",
    "has_working_day",
    "plain_end",
    "repeat_window_end",
    "rung_date",
]

_DAY = timedelta(days=1)


def compute_due(
    anchor: date,
    budget: Budget | date,
    calendar: Calendar,
    *,
    roll: Roll = Roll.NEXT_WORKDAY,
    extensions: Iterable[Extension] = (),
    suspensions: Iterable[Suspension] = (),
    rule: str = "",
) -> Due:
    """Say when a period ends, and why. ValueError when no date can be computed.

    The anchor day is not counted. A month ends on the corresponding day, or on the month's last one.
    Extensions run from the nominal date, in the order they were asked for; then every suspension moves it
    by the time the period really stood still, in calendar days, or in working days when the budget is in
    working days; then it is rolled. So the order in which the two were granted does not matter.

    A suspension counts from the day after the anchor, and only if it begins while the period runs (rolled
    days included): late stays late. Overlapping ones count once. No period ends while it stands still.

    A `budget` that is a date is a date given by someone: extensions and suspensions move it, rest days
    never do. `rule` names the rule and its source for the explanation.
    """
    _refuse_instants(anchor, budget)
    count = _Count(calendar, Roll.NONE if isinstance(budget, date) else roll)
    if rule:
        count.steps.append(tell.rule_is(rule))
    count.steps.append(tell.anchored(anchor))
    nominal = count.spend(anchor, budget)
    for extension in sorted(extensions, key=lambda granted: granted.asked_on):
        nominal = count.extend(nominal, extension)
    unit = Unit.DAY if isinstance(budget, date) else budget.unit
    for still in _standing(anchor, suspensions):
        due = count.settle(nominal)
        if still.start > due:
            count.steps.append(tell.stopped_too_late(still, due))
        elif still.end is None:
            count.steps.append(tell.stands_still(still))
            return count.result(None, None)
        else:
            nominal = count.stand_still(nominal, still, still.end, unit)
    effective = count.settle(nominal)
    count.tell_end(nominal, effective)
    return count.result(nominal, effective)


def rung_date(offset: RungOffset, due: date, calendar: Calendar) -> date:
    """The day a rung fires: counted from the due date; on a rest day it waits for the next working day."""
    if offset.unit is Unit.DAY:
        return calendar.next_workday(due + _DAY * offset.amount)
    return calendar.next_workday(calendar.add_workdays(due, offset.amount))


def repeat_window_end(first_registered: date, months: int) -> date:
    """The last day, included and never rolled, on which the same petition counts as a repeat."""
    return first_registered + relativedelta(months=months)


def plain_end(anchor: date, budget: Budget) -> date:
    """The last day of a period that no rest day moves, such as a sanction's; a sanction counts no working days."""
    if budget.unit is Unit.WORKDAY:
        raise ValueError(f"{budget} is counted by the calendar; use compute_due")
    return _add_calendar(anchor, budget.amount, budget.unit)


def has_working_day(first: date, last: date, calendar: Calendar) -> bool:
    """Whether any day from `first` to `last`, both included, is worked."""
    return calendar.count_workdays(first, last) > 0


@dataclass(slots=True)
class _Count:
    """One computation under way: its lines so far, and whether it has met a day nobody announced."""

    calendar: Calendar
    roll: Roll
    steps: list[Step] = field(default_factory=list)
    provisional: bool = False
    resumed: date = date.min

    def spend(self, anchor: date, budget: Budget | date) -> date:
        if isinstance(budget, date):
            self.steps.append(tell.given(budget))
            return budget
        end = self._add(anchor, budget.amount, budget.unit)
        self.steps.append(tell.lasting(budget, end))
        self._name_days(anchor, end, budget.unit)
        return end

    def extend(self, nominal: date, extension: Extension) -> date:
        budget = extension.budget
        end = self._add(nominal, budget.amount, budget.unit)
        self.steps.append(tell.extended(extension, nominal, end))
        self._name_days(nominal, end, budget.unit)
        return end

    def stand_still(self, nominal: date, still: Suspension, resumed: date, unit: Unit) -> date:
        length, unit = self._length(still.start, resumed, unit)
        end = self._add(nominal, length, unit)
        self.steps.append(tell.stood_still(still, length, unit, nominal, end))
        self._name_days(nominal, end, unit)
        self.resumed = resumed
        return end

    def settle(self, nominal: date) -> date:
        earliest = max(nominal, self.resumed)
        if self.roll is Roll.NONE:
            return earliest
        effective = self.calendar.next_workday(earliest)
        self._consult(earliest, effective)
        return effective

    def tell_end(self, nominal: date, effective: date) -> None:
        if self.roll is Roll.NONE:
            self.steps.append(tell.not_rolled(effective))
        elif effective > nominal:
            self.steps += tell.passed_over(self.calendar, max(nominal, self.resumed), effective)
            self.steps.append(tell.rolled(nominal, self.resumed, effective))
        elif self.calendar.is_made_up(effective):
            made_up = tell.made_up(self.calendar, effective)
            self.steps += [made_up] if made_up not in self.steps else []

    def result(self, nominal: date | None, effective: date | None) -> Due:
        if self.provisional:
            self.steps.append(tell.uncertain(self.calendar))
        return Due(nominal, effective, self.provisional, tuple(self.steps))

    def _add(self, day: date, amount: int, unit: Unit) -> date:
        if unit is not Unit.WORKDAY:
            return _add_calendar(day, amount, unit)
        end = self.calendar.add_workdays(day, amount)
        self._consult(day + _DAY, end)
        return end

    def _length(self, start: date, resumed: date, unit: Unit) -> tuple[int, Unit]:
        if unit is not Unit.WORKDAY:
            return (resumed - start).days, Unit.DAY
        self._consult(start, resumed - _DAY)
        return self.calendar.count_workdays(start, resumed - _DAY), unit

    def _name_days(self, before: date, last: date, unit: Unit) -> None:
        if unit is Unit.WORKDAY:
            self.steps += tell.passed_over(self.calendar, before + _DAY, last)

    def _consult(self, first: date, last: date) -> None:
        if first <= last:
            self.provisional |= self.calendar.is_provisional(first) or self.calendar.is_provisional(last)


def _add_calendar(day: date, amount: int, unit: Unit) -> date:
    try:
        return day + relativedelta(months=amount) if unit is Unit.MONTH else day + _DAY * amount
    except OverflowError as error:
        raise ValueError(f"{amount} {unit} from {day} ends beyond the year 9999; use a shorter period") from error


def _standing(anchor: date, suspensions: Iterable[Suspension]) -> list[Suspension]:
    """Cut off what precedes the period, drop what is empty, join what overlaps; in order."""
    joined: list[Suspension] = []
    for still in sorted(suspensions, key=lambda still: still.start):
        start = max(still.start, anchor + _DAY)
        if still.end is not None and still.end <= start:
            continue
        if joined and (joined[-1].end is None or joined[-1].end > start):
            joined[-1] = _join(joined[-1], still)
        else:
            joined.append(replace(still, start=start))
    return joined


def _join(one: Suspension, other: Suspension) -> Suspension:
    end = None if one.end is None or other.end is None else max(one.end, other.end)
    return Suspension(one.start, end, "；".join(dict.fromkeys([one.reason, other.reason])))


def _refuse_instants(*days: object) -> None:
    for day in days:
        if isinstance(day, datetime):
            raise TypeError(f"{day.isoformat()} is an instant; give its local date")
