"""Obligations: what falls due by rule, once per unit (or head of a unit) and period."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Self

from dateutil.relativedelta import relativedelta
from pydantic import ConfigDict, Field, field_validator, model_validator

from statemachines.kit.period_terms import Calendar
from statemachines.kit.periods import has_working_day
from statemachines.kit.places import WEEKDAYS, Place, Workdays, days_of, placed, reach, read_place
from statemachines.kit.posts import Tenure, UnitLife
from statemachines.kit.strict import Strict

if TYPE_CHECKING:
    from statemachines.kit.policy import Policy
    from statemachines.kit.procedure import Procedure

_DAY = timedelta(days=1)
UnitKinds = tuple[Literal["county", "township", "department", "grassroots"], ...]


class Every(StrEnum):
    """How often: weeks run from Monday to Sunday and are numbered as in ISO 8601."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"


_MONTHS = {Every.MONTH: 1, Every.QUARTER: 3, Every.HALF_YEAR: 6, Every.YEAR: 12}


class Each(Strict):
    """For whom: every unit of these kinds, the head of every such unit, or the county as a whole."""

    unit_kind: UnitKinds = ()
    post: Literal["head"] | None = None
    county: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.county == bool(self.unit_kind) or (self.county and self.post):
            raise ValueError('say { county = true }, { unit_kind = […] } or { post = "head", unit_kind = […] }')
        return self

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset({"county"} if self.county else self.unit_kind)


class ObligationRule(Strict):
    """Opens a matter per period and unit: on the day at `opens`, owed by the end of the day at `due` (see `places`).

    Neither day is moved when it falls on a rest day; a period without any working day is waived. `due` given as days
    of the year is the first of them from the opening on. It is owed by whoever stands on the day of opening; the rule
    is in force where that day lies from `from` to `to`. The matter lies `at` the unit, or at the county.
    `answers` are laid over those that the procedure makes of the occasion. A clock given the due date starts from a
    day on record (`anchor = "open.first"`): after an outage the due date may lie before the day it is opened.
    """

    model_config = ConfigDict(populate_by_name=True)

    title: str
    source: str
    verified: bool = True
    every: Every
    opens: Place = "start"
    due: Place = "end"
    each: Each
    at: Literal["unit", "county"] = "unit"
    begins: date | None = Field(None, alias="from")
    ends: date | None = Field(None, alias="to")
    answers: dict[str, Any] = Field(default_factory=dict)

    @field_validator("opens", "due")
    @classmethod
    def _readable(cls, place: Place) -> Place:
        return read_place(place)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for first, last, key in _spans(self.every, date(2015, 1, 5), date(2016, 12, 31)):
            opens = placed(self.opens, first, last, first, WEEKDAYS)
            if (
                not isinstance(self.opens, str)
                and sum(first <= d <= last for d in days_of(self.opens, first.year)) != 1
            ):
                raise ValueError(f"opens: each {self.every} needs one of these days, {key} has none or several")
            if placed(self.due, first, last, opens, WEEKDAYS) < opens:
                raise ValueError(f"it would be due before it is opened, as in {key}")
        return self

    def in_force(self, on: date) -> bool:
        return (self.begins is None or self.begins <= on) and (self.ends is None or on <= self.ends)


@dataclass(frozen=True, slots=True)
class Period:
    """One turn of a rule. `key` is stable: "2016-W06", "2016-02", "2016-Q1", "2016-H1" or "2016"."""

    key: str
    first: date
    last: date
    opens: date
    due: date


@dataclass(frozen=True, slots=True)
class Occasion:
    """An obligation of one unit, or one head of a unit, in one period. `title` is the rule's, `due` the last day."""

    name: str
    title: str
    period: str
    first: date
    last: date
    due: date
    unit_id: int
    person_id: int | None = None


def periods(rule: ObligationRule, start: date, end: date, calendar: Workdays) -> Iterator[Period]:
    """Yield every period of the rule that is opened from `start` to `end`, both included, in order."""
    for first, last, key in _spans(rule.every, start - reach(rule.opens), end):
        made = _period(rule, first, last, key, calendar)
        if start <= made.opens <= end and rule.in_force(made.opens):
            yield made


def period_named(rule: ObligationRule, key: str, calendar: Workdays) -> Period | None:
    """Return the period with this key; None where the rule has none."""
    if not key[:4].isdigit() or not 1950 < int(key[:4]) < 2099:
        return None
    year = int(key[:4])
    for first, last, found in _spans(rule.every, date(year - 1, 12, 20), date(year + 1, 1, 10)):
        if found == key:
            made = _period(rule, first, last, key, calendar)
            return made if rule.in_force(made.opens) else None
    return None


def occasions(
    name: str, rule: ObligationRule, period: Period, units: Iterable[UnitLife], heads: Iterable[Tenure]
) -> list[Occasion]:
    """Return for whom the rule counts in this period: the units and heads that stand on the day of opening."""
    standing = [u.unit_id for u in units if u.kind in rule.each.kinds and u.stands(period.opens)]
    owing: list[tuple[int, int | None]] = [(unit, None) for unit in sorted(standing)]
    if rule.each.post:
        owing = sorted({(h.unit_id, h.person_id) for h in heads if h.unit_id in standing and h.holds(period.opens)})
    return [
        Occasion(name, rule.title, period.key, period.first, period.last, period.due, unit, person)
        for unit, person in owing
    ]


def why_waived(period: Period, unit: UnitLife, today: date, calendar: Calendar) -> str | None:
    """Say why nothing is opened: no working day in the period, or a unit that is no more. Else None."""
    if not has_working_day(period.first, period.last, calendar):
        return f"{period.first.isoformat()}至{period.last.isoformat()}没有工作日"
    if unit.abolished_on is not None and unit.abolished_on <= today:
        return f"单位已于{unit.abolished_on.isoformat()}撤销"
    return None


def obligation_problems(policy: "Policy", procedure: "Procedure") -> Iterator[str]:
    """Say in what the obligations of a policy and the procedure's opening disagree."""
    for effect in procedure.opening.effects if policy.obligations else ():
        clock = policy.clocks.get(getattr(effect, "clock", ""))
        if clock and clock.anchor == "today" and getattr(effect, "given", None):
            yield f"clock {getattr(effect, 'clock', '')}: opened late, it would end before it began; anchor it in a date"
    for name, rule in policy.obligations.items():
        if procedure.opening.on_period is None:
            yield f"obligation {name}: no period can open {procedure.key}"
        fields = procedure.opening.form.model_fields
        yield from (f"obligation {name}: the opening has no field {key}" for key in rule.answers if key not in fields)


def _period(rule: ObligationRule, first: date, last: date, key: str, calendar: Workdays) -> Period:
    opens = placed(rule.opens, first, last, first, calendar)
    return Period(key, first, last, opens, max(opens, placed(rule.due, first, last, opens, calendar)))


def _spans(every: Every, start: date, end: date) -> Iterator[tuple[date, date, str]]:
    """Yield (first, last, key) of the periods from the one that holds `start` to the one that holds `end`."""
    day = start
    while day <= end:
        first, last, key = _span(every, day)
        if first > end:
            return
        yield first, last, key
        day = last + _DAY


def _span(every: Every, day: date) -> tuple[date, date, str]:
    if every is Every.WEEK:
        first, iso = day - _DAY * day.weekday(), day.isocalendar()
        return first, first + _DAY * 6, f"{iso.year}-W{iso.week:02}"
    months = _MONTHS[every]
    nth = (day.month - 1) // months + 1
    first = date(day.year, (nth - 1) * months + 1, 1)
    mark = {Every.MONTH: f"-{nth:02}", Every.QUARTER: f"-Q{nth}", Every.HALF_YEAR: f"-H{nth}", Every.YEAR: ""}
    return first, first + relativedelta(months=months) - _DAY, f"{day.year}{mark[every]}"
