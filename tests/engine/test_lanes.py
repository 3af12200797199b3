"""Long work in several transactions at once: each piece once, one error stops all, what was done stays done."""

from dataclasses import replace
from datetime import date
from threading import Barrier

import pytest
from sqlalchemy import func, select

from config.calendar import CalendarOverrides, WorkingCalendar
from services.db.session import Database
from services.engine import journal, recomputing, sweep
from services.engine.lanes import LANES, Lane, in_lanes
from services.engine.models import Entry, FiredRung
from tests.support.cast import County
from tests.support.invariants import check

HOLIDAY = WorkingCalendar(CalendarOverrides(rest={date(2016, 4, 1): "县庆日"}))


def test_postgresql_has_several_lanes_and_sqlite_one(database: Database) -> None:
    seen: list[Lane] = []
    in_lanes(database, seen.append)
    several = LANES if database.engine.dialect.name == "postgresql" else 1
    assert sorted((lane.number, lane.of) for lane in seen) == [(n, several) for n in range(several)]


def test_an_error_in_one_stops_the_others_and_is_raised(postgres: Database) -> None:
    at_work = Barrier(LANES, timeout=60)

    def work(lane: Lane) -> None:
        at_work.wait()
        if lane.number == 0:
            raise ZeroDivisionError
        assert lane.stop.wait(60)

    with pytest.raises(ZeroDivisionError):
        in_lanes(postgres, work)


def test_a_long_sweep_fires_each_rung_once(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "BATCH", 2)
    ids = [county.walk("accept", "propose", "approve") for _ in range(7)]
    county.later(days=60)
    looked_at: list[int] = []
    told = sweep.sweep_all(county.database, county.engine, county.now, looked_at.append)
    with county.database.read() as session:
        fired = session.execute(select(FiredRung.matter_id, func.count()).group_by(FiredRung.matter_id)).tuples().all()
    assert {matter_id for matter_id, _ in fired} == set(ids)
    assert len({count for _, count in fired}) == 1
    assert (told["fired"], told["due"], told["skipped"]) == (sum(count for _, count in fired), sum(looked_at), 0)
    assert sum(told["by_rung"].values()) == told["fired"]
    check(county)


def test_a_long_recomputing_takes_each_clock_once(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recomputing, "BATCH", 2)
    for _ in range(7):
        county.walk("accept", "propose", "approve", anonymous=True, complainant=None)
    engine, looked_at = replace(county.engine, calendar=HOLIDAY), list[int]()
    told = recomputing.recompute_all(county.database, engine, county.now, looked_at.append)
    assert (told["moved"], told["looked_at"], sum(looked_at)) == (7, 7, 7)
    with county.database.read() as session:
        entries = session.scalars(select(Entry.matter_id).where(Entry.action == "recomputed")).all()
        assert journal.verify(session)["ok"]
    assert len(entries) == len(set(entries)) == 7
    assert recomputing.recompute_all(county.database, engine, county.now)["looked_at"] == 0


def test_what_lanes_did_before_one_broke_stays_done(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recomputing, "BATCH", 2)
    for _ in range(7):
        county.walk("accept", "propose", "approve", anonymous=True, complainant=None)
    engine, done = replace(county.engine, calendar=HOLIDAY), list[int]()

    def break_off(looked_at: int) -> None:
        done.append(looked_at)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recomputing.recompute_all(county.database, engine, county.now, break_off)
    assert 0 < sum(done) < 7
    assert recomputing.recompute_all(county.database, engine, county.now)["moved"] == 7 - sum(done)
