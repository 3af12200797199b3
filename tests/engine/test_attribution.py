"""Who held a period for how many working days: a case counted by hand, and a real petition that was sent back."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from config.calendar import SHANGHAI, WorkingCalendar
from services.engine.models import Clock, Matter, WorkItem
from services.engine.queries.attribution import Spell, Window, held, ran_in, runs, spells_of, was_late
from services.engine.work import claim, release
from tests.support.cast import County

COUNTY, LIUHE, WATER = 1, 2, 3
LEADER, HANDLER = 11, 21


def at(day: int, hour: int = 9) -> datetime:
    """A moment of March 2016 in Shanghai: the 1st is a Tuesday."""
    return datetime(2016, 3, day, hour, tzinfo=SHANGHAI)


def clock(**changed: Any) -> dict[str, Any]:
    """Ran from the 1st, due on Thursday the 10th, stood still from Friday the 4th to Monday, ended on the 17th."""
    return {
        "id": 7, "matter_id": 5, "anchor": date(2016, 3, 1), "started_at": at(1, 10), "stopped_at": at(17),
        "effective_due": date(2016, 3, 10),
        "ledger": {"suspensions": [{"start": "2016-03-04", "end": "2016-03-07"}], "late": []},
    } | changed  # fmt: skip


SPELLS = [
    Spell(LIUHE, None, "handler", at(1, 10), at(2, 14)),
    Spell(LIUHE, HANDLER, "handler", at(2, 14), at(8)),
    Spell(COUNTY, LEADER, "unit_leader", at(8), at(9, 16)),  # sent back, and passed on again the next day
    Spell(LIUHE, HANDLER, "handler", at(9, 16), at(14, 10)),
    Spell(WATER, None, "handler", at(14, 10), at(17)),
]


def _days(row: dict[str, Any], **more: Any) -> dict[tuple[int, int | None], tuple[int, int]]:
    found = held(row, SPELLS, WorkingCalendar(), date(2016, 3, 31), **more)
    assert {(one.clock_id, one.matter_id) for one in found} <= {(7, 5)}
    return {(one.unit_id, one.person_id): (one.days, one.late) for one in found}


def test_each_day_is_his_who_had_the_matter_when_it_began() -> None:
    assert _days(clock()) == {
        (LIUHE, None): (1, 0),  # the 2nd
        (LIUHE, HANDLER): (6, 2),  # the 3rd, 7th, 8th, 10th; late on the 11th and 14th; the 4th stood still
        (COUNTY, LEADER): (1, 0),  # the 9th
        (WATER, None): (3, 3),  # the 15th, 16th, 17th
    }


def test_only_days_inside_the_window_count() -> None:
    window = Window(date(2016, 3, 10), date(2016, 3, 15))
    assert _days(clock(), window=window) == {(LIUHE, HANDLER): (3, 2), (WATER, None): (1, 1)}


def test_a_clock_that_still_stands_still_charges_nobody() -> None:
    ledger = {"suspensions": [{"start": "2016-03-04", "end": None}], "late": []}
    row = clock(stopped_at=None, effective_due=None, ledger=ledger)
    assert _days(row) == {(LIUHE, None): (1, 0), (LIUHE, HANDLER): (1, 0)}


def test_what_was_late_before_more_time_was_given_stays_late() -> None:
    late = [{"due": "2016-03-07", "noted": at(9).astimezone(UTC).isoformat()}]
    row = clock(effective_due=date(2016, 3, 31), ledger={"suspensions": [], "late": late})
    assert _days(row)[LIUHE, HANDLER] == (7, 1)  # the 8th
    assert _days(row)[COUNTY, LEADER] == (1, 1)
    assert _days(row)[WATER, None] == (3, 0)


def test_a_duty_stays_with_whoever_may_settle_it() -> None:
    owed = _days(clock(), settled_by=frozenset({"unit_leader"}))
    assert owed[COUNTY, LEADER] == (7, 5)  # from the 9th on, wherever the matter went
    assert owed[LIUHE, HANDLER] == (3, 0)  # until somebody had it who may


def test_days_before_it_was_started_are_on_the_account_of_the_period_before() -> None:
    assert _days(clock(started_at=at(14))) == {(WATER, None): (3, 3)}


def test_days_before_anybody_had_it_are_nobodys() -> None:
    spells = [Spell(LIUHE, HANDLER, "handler", at(10), None)]
    found = held(clock(), spells, WorkingCalendar(), date(2016, 3, 31))
    assert [(one.days, one.late) for one in found] == [(5, 5)]


DAYS = st.integers(0, 40).map(lambda n: date(2016, 2, 25) + timedelta(days=n))
MOMENTS = st.builds(lambda day, hour: datetime.combine(day, time(hour), SHANGHAI), DAYS, st.sampled_from([0, 9, 23]))


@st.composite
def ledgers(draw: st.DrawFn) -> dict[str, Any]:
    still = [sorted(draw(st.tuples(DAYS, DAYS))) for _ in range(draw(st.integers(0, 2)))]
    late = [sorted(draw(st.tuples(DAYS, DAYS))) for _ in range(draw(st.integers(0, 2)))]
    noted = [{"due": due.isoformat(), "noted": f"{noted}T09:00:00+08:00"} for due, noted in late]
    ends = [end.isoformat() if draw(st.booleans()) else None for _, end in still]
    suspended = [{"start": begin.isoformat(), "end": end} for (begin, _), end in zip(still, ends, strict=True)]
    return {"suspensions": suspended, "late": noted}


@st.composite
def spells_in_a_row(draw: st.DrawFn) -> list[Spell]:
    """Each begins when the one before ends, or overlaps it; the last may still go on."""
    made = []
    for number in range(draw(st.integers(0, 5))):
        begins, ends = sorted(draw(st.tuples(MOMENTS, MOMENTS)))
        role = draw(st.sampled_from(["handler", "unit_leader"]))
        made.append(Spell(draw(st.integers(1, 3)), number or None, role, begins, draw(st.sampled_from([ends, None]))))
    return sorted(made, key=lambda spell: spell.begins)


def _day_by_day(
    row: dict[str, Any], spells: list[Spell], calendar: WorkingCalendar, today: date, window: Window,
    roles: frozenset[str] | None,
) -> dict[tuple[int, int | None], tuple[int, int]]:  # fmt: skip
    """What the module's docstring says, looked up anew for every single day."""
    found: dict[tuple[int, int | None], tuple[int, int]] = {}
    last = min(row["stopped_at"].date() if row["stopped_at"] else today, today, window.last or today)
    spans = [(date.fromisoformat(n["due"]), date.fromisoformat(n["noted"][:10])) for n in row["ledger"]["late"]]
    spans += [(row["effective_due"], today)] if row["effective_due"] else []
    for n in range((last - row["anchor"]).days):
        day = row["anchor"] + timedelta(days=n + 1)
        begins = datetime.combine(day, time(), SHANGHAI)
        stands = any(s["start"] <= day.isoformat() < (s["end"] or "9") for s in row["ledger"]["suspensions"])
        before = [s for s in spells if s.begins < begins]
        there = [s for s in before if s.ends is None or s.ends >= begins]
        able = [s for s in before if s.role in (roles or ())]
        holder = there[-1:] if not able else able[-1:]
        outside = day <= row["started_at"].date() or bool(window.first and day < window.first)
        if stands or outside or not holder or not calendar.is_working(day):
            continue
        alone = bool(able) or len(there) == 1
        key = holder[0].unit_id, holder[0].person_id if alone else None
        days, late = found.get(key, (0, 0))
        found[key] = days + 1, late + any(due < day <= until for due, until in spans)
    return found


@given(
    DAYS, MOMENTS, st.none() | MOMENTS, st.none() | DAYS, ledgers(), spells_in_a_row(), DAYS,
    st.builds(Window, st.none() | DAYS, st.none() | DAYS), st.sampled_from([None, frozenset({"handler"})]),
)  # fmt: skip
def test_counting_by_stretches_is_counting_day_by_day(
    anchor: date, started: datetime, stopped: datetime | None, due: date | None, ledger: dict[str, Any],
    spells: list[Spell], today: date, window: Window, roles: frozenset[str] | None,
) -> None:  # fmt: skip
    row = clock(anchor=anchor, started_at=started, stopped_at=stopped, effective_due=due, ledger=ledger)
    calendar = WorkingCalendar()
    found = held(row, spells, calendar, today, window, roles)
    assert {(one.unit_id, one.person_id): (one.days, one.late) for one in found} == _day_by_day(
        row, spells, calendar, today, window, roles
    )


def test_holders_before_the_last_are_in_the_journal() -> None:
    item = {"id": 3, "unit_id": WATER, "person_id": None, "role": "handler", "opened_at": at(1), "closed_at": None}
    entries = [
        {"at": at(1), "action": "approve", "actor_id": LEADER, "behalf_of": None, "content": {"unit_id": LIUHE}},
        {"at": at(2), "action": "claim", "actor_id": HANDLER, "behalf_of": None, "content": {"item": 3}},
        {"at": at(3), "action": "claim", "actor_id": 99, "behalf_of": None, "content": {"item": 4}},
        {"at": at(4), "action": "transfer", "actor_id": HANDLER, "behalf_of": None,
         "content": {"item": 3, "from": HANDLER, "to": 22}},
        {"at": at(7), "action": "release", "actor_id": 22, "behalf_of": None, "content": {"item": 3}},
        {"at": at(8), "action": "rerouted", "actor_id": None, "behalf_of": None, "content": {"unit_id": WATER}},
    ]  # fmt: skip
    found = [(s.unit_id, s.person_id, s.begins, s.ends) for s in spells_of([item], entries, COUNTY)]
    assert found == [
        (LIUHE, None, at(1), at(2)), (LIUHE, HANDLER, at(2), at(4)), (LIUHE, 22, at(4), at(7)),
        (LIUHE, None, at(7), at(8)), (WATER, None, at(8), None),
    ]  # fmt: skip


@pytest.fixture
def sent_back(county: County) -> int:
    """Handled in Liuhe from the 1st, sent back on the 10th, passed on again on the 14th, moved away on the 30th."""
    matter_id = county.walk("accept", "propose", "approve")
    county.now = at(2, 10)
    _claim(county, matter_id)
    county.now = at(10, 10)
    county.act(matter_id, "send_back", "handler", {"reason": "请补充材料"})
    county.now = at(14, 10)
    county.act(matter_id, "approve", "leader", {"note": "同意"})
    county.now = at(15, 10)
    _claim(county, matter_id)
    county.now = at(30, 10)
    county.act(matter_id, *("reassign", "office"), county.usual("reassign")[1])
    county.now = at(30, 10) + timedelta(days=9)  # Friday, 8 April
    return matter_id


def _item(county: County, matter_id: int) -> int:
    with county.database.read() as session:
        waiting = WorkItem.matter_id == matter_id, WorkItem.closed_at.is_(None), WorkItem.kind == "turn"
        return session.scalars(select(WorkItem.id).where(*waiting)).one()


def _claim(county: County, matter_id: int) -> None:
    item = _item(county, matter_id)
    with county.database.write() as session:
        claim(session, county.engine, item, county.actor("handler", session), county.now)


def _found(county: County, *where: Any) -> dict[tuple[str, str | None], tuple[int, int]]:
    units, people = ({i: key for key, i in ids.items()} for ids in (county.units, county.people))
    days: Counter[tuple[str, str | None]] = Counter()
    late: Counter[tuple[str, str | None]] = Counter()
    with county.database.read() as session:
        for one in (one for run in runs(session, county.engine, county.now, *where) for one in run.held()):
            key = units[one.unit_id], people[one.person_id] if one.person_id else None
            days[key] += one.days
            late[key] += one.late
    return {key: (days[key], late[key]) for key in days}


def test_a_petition_sent_back_and_moved_on(county: County, sent_back: int) -> None:
    assert _found(county, Matter.id == sent_back, Clock.name == "handling") == {
        ("liuhe", None): (2, 0),  # 2 and 15 March
        ("liuhe", "handler"): (17, 0),  # 3 to 10 and 16 to 30 March
        ("county", "leader"): (2, 0),  # 11 and 14 March: it came back to him who had passed it on
        ("county", None): (6, 4),  # nobody at the water bureau handles petitions: due 1 April, late from the 5th
    }


def test_the_notice_owed_is_the_clerks_wherever_the_petition_lies(county: County, sent_back: int) -> None:
    assert _found(county, Clock.name == "acceptance_notice", was_late(county.now)) == {("county", None): (27, 12)}
    assert _found(county, Clock.name == "screening", was_late(county.now)) == {}


def test_a_step_taken_back_leaves_no_clock(county: County) -> None:
    matter_id = county.walk("accept")
    county.act(matter_id, "withdraw", *county.usual("withdraw"))
    county.now += timedelta(days=3)
    assert _found(county, Clock.name == "disposition") == {}
    assert _found(county, Clock.name == "screening") == {("county", "clerk"): (3, 0)}


def test_a_release_gives_the_days_back_to_the_unit(county: County) -> None:
    matter_id = county.walk("accept", "propose", "approve")
    _claim(county, matter_id)
    county.now = at(4, 10)
    with county.database.write() as session:
        release(session, county.engine, _item(county, matter_id), county.actor("handler", session), county.now)
    county.now = at(8)
    assert _found(county, Clock.name == "handling") == {("liuhe", "handler"): (3, 0), ("liuhe", None): (2, 0)}


def test_a_clock_left_out_of_a_window_has_no_days_in_it(county: County, sent_back: int) -> None:
    """Asking the database for what ran in some days loses nothing of what is counted in them."""
    days = [date(2016, 2, 27) + timedelta(days=n) for n in range(0, 60, 3)]
    windows = [Window(first, last) for first in (None, *days) for last in (None, *days)]
    left_out = 0
    with county.database.read() as session:
        every = list(runs(session, county.engine, county.now))
        for window in windows:
            asked = list(runs(session, county.engine, county.now, ran_in(window)))
            assert [h for run in asked for h in run.held(window)] == [h for run in every for h in run.held(window)]
            left_out += len(every) - len(asked)
    assert left_out
