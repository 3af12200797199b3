"""When the working calendar changes, running clocks follow it: recorded, told, resumable, and late stays late."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from config.calendar import CalendarOverrides, WorkingCalendar
from services.engine import journal, recomputing
from services.engine.models import Clock, Entry, Matter, Message, WorkItem
from services.engine.sweep import sweep_all
from tests.support.cast import County

HOLIDAY = WorkingCalendar(CalendarOverrides(rest={date(2016, 4, 1): "县庆日"}))


def recompute(county: County, calendar: WorkingCalendar) -> dict[str, int]:
    return recomputing.recompute_all(county.database, replace(county.engine, calendar=calendar), county.now)


def handling(county: County, matter_id: int) -> Clock:
    with county.database.read() as session:
        return session.scalars(select(Clock).where(Clock.matter_id == matter_id, Clock.name == "handling")).one()


def test_a_new_holiday_moves_the_date_and_says_so(county: County) -> None:
    matter_id = county.walk("accept", "propose", "approve", anonymous=True, complainant=None)
    assert handling(county, matter_id).effective_due == date(2016, 4, 1)
    result = recompute(county, HOLIDAY)
    assert result["moved"] == 1
    after = handling(county, matter_id)
    assert after.effective_due == date(2016, 4, 5)  # 04-02…04 are the weekend and 清明
    with county.database.read() as session:
        entry = session.scalars(select(Entry).where(Entry.action == "recomputed")).one()
        assert entry.content["clocks"][0]["before"] == "2016-04-01"
        assert session.get_one(Matter, matter_id).due_at == after.due_at
        assert session.scalars(select(WorkItem.due_at).where(WorkItem.closed_at.is_(None))).one() == after.due_at
        assert journal.verify(session)["ok"]


def test_nothing_is_done_twice_and_an_interrupted_run_goes_on(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        county.walk("accept", "propose", "approve", anonymous=True, complainant=None)
    monkeypatch.setattr(recomputing, "BATCH", 2)
    with county.database.write() as session:  # the first batch of a run that is then cut off
        first = recomputing.recompute_batch(session, replace(county.engine, calendar=HOLIDAY), county.now)
    assert first["looked_at"] == 2
    assert recompute(county, HOLIDAY)["moved"] == 1
    assert recompute(county, HOLIDAY)["looked_at"] == 0


def test_whoever_has_it_is_told(county: County) -> None:
    matter_id = county.walk("accept", "propose", "approve", anonymous=True, complainant=None)
    with county.database.write() as session:
        item = session.scalars(select(WorkItem).where(WorkItem.closed_at.is_(None))).one()
        item.person_id = county.people["handler"]
    recompute(county, HOLIDAY)
    with county.database.read() as session:
        told = session.scalars(select(Message).where(Message.matter_id == matter_id)).one()
    assert told.person_id == county.people["handler"]
    assert "2016-04-01改为2016-04-05" in told.text


def test_late_stays_late(county: County) -> None:
    matter_id = county.walk("accept", "propose", "approve", anonymous=True, complainant=None)
    county.later(days=33)  # 2016-04-03: two days late by the calendar the matter ran under
    recompute(county, HOLIDAY)
    county.act(matter_id, "complete", *county.usual("complete")[:1], county.usual("complete")[1])
    county.act(matter_id, "pass_recheck", *county.usual("pass_recheck"))
    assert handling(county, matter_id).outcome == "late"


def test_a_suspended_clock_stays_suspended(county: County) -> None:
    matter_id = county.walk("accept", "propose", "approve", "suspend")
    recompute(county, HOLIDAY)
    clock = handling(county, matter_id)
    assert (clock.state, clock.next_rung_at, clock.calendar_version) == ("suspended", None, HOLIDAY.version)
    county.later(days=100)
    assert sweep_all(county.database, county.engine, county.now)["by_rung"].get("handling 0") is None
