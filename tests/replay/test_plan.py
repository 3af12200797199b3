"""Order in time, what is defective, and the spans between the ends of working days."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.calendar import SHANGHAI, WorkingCalendar
from services.replay.log import read_log
from services.replay.plan import DAY_ENDS, Deed, Plan, Span, make_plan, spans
from services.replay.profile import load_profile

CALENDAR = WorkingCalendar()
FIRST = datetime(2016, 2, 1, 10, tzinfo=SHANGHAI)
INSTANTS = st.integers(0, 60 * 24 * 60).map(lambda minutes: FIRST + timedelta(minutes=minutes))


@pytest.fixture
def plan(log: Path) -> Plan:
    return make_plan(read_log(log, load_profile("coselog")))


def test_every_row_and_every_case_becomes_steps_in_order_of_effect(plan: Plan) -> None:
    deeds = [step.deed for step in plan.steps]

    assert {d: deeds.count(d) for d in Deed} == {Deed.START: 8, Deed.NOTE: 13, Deed.END: 6, Deed.ARCHIVE: 6}
    assert all(one.at <= other.at for one, other in pairwise(plan.steps))


def test_defects_are_told_and_take_effect_where_they_can(plan: Plan) -> None:
    told = [(d.case, d.kind, d.at.strftime("%d %H:%M"), d.taken_at.strftime("%d %H:%M")) for d in plan.defects]

    assert told == [
        ("ends-before-start", "ends_before_start", "03 11:00", "03 12:00"),
        ("ends-before-start", "event_after_end", "03 12:30", "03 12:30"),
        ("event-before-start", "event_before_start", "06 12:30", "07 12:00"),
        ("event-after-end", "event_after_end", "10 12:30", "10 12:30"),
        ("event-after-end", "event_after_end", "14 12:30", "14 12:30"),
    ]


def test_at_one_instant_a_case_starts_is_noted_ends_and_is_archived(plan: Plan) -> None:
    of_one = [step.deed for step in plan.steps if step.case.id == "ends-before-start"]
    before = [step.deed for step in plan.steps if step.case.id == "event-before-start"]

    assert of_one == [Deed.START, Deed.END, Deed.NOTE, Deed.ARCHIVE]
    assert before == [Deed.START, Deed.NOTE, Deed.NOTE, Deed.END, Deed.ARCHIVE]


def test_a_span_begins_with_the_sweep_of_the_working_day_that_ended() -> None:
    friday, monday = datetime(2016, 3, 4, 12, tzinfo=SHANGHAI), datetime(2016, 3, 7, 20, tzinfo=SHANGHAI)
    ends = [datetime(2016, 3, day, 18, tzinfo=SHANGHAI) for day in (4, 7)]

    assert list(spans(CALENDAR, friday, monday)) == [
        Span(friday, ends[0], False), Span(ends[0], ends[1], True), Span(ends[1], monday, True)
    ]  # fmt: skip
    assert list(spans(CALENDAR, monday, monday)) == []


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(INSTANTS, min_size=2, max_size=6, unique=True).map(sorted))
def test_however_it_is_cut_each_instant_is_walked_once_and_each_working_day_swept_once(cuts: list[datetime]) -> None:
    walked = [span for one, other in pairwise(cuts) for span in spans(CALENDAR, one, other)]

    assert [walked[0].start, *(span.until for span in walked)] == [*(span.start for span in walked), cuts[-1]]
    assert [span.start for span in walked if span.sweep] == list(_working_day_ends(cuts[0], cuts[-1]))


def _working_day_ends(first: datetime, until: datetime) -> list[datetime]:
    days = [date(2016, 1, 31) + timedelta(days=n) for n in range(70)]
    ends = [datetime.combine(day, DAY_ENDS, SHANGHAI) for day in days if CALENDAR.is_working(day)]
    return [end for end in ends if first <= end < until]
