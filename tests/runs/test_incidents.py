"""What goes wrong with a flow is told once, to those who supervise, until it has gone right again."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.engine.models import Message
from services.runs.health import note_plan
from services.runs.incidents import (
    Told,
    hold_flow,
    last_regular_slot,
    last_served_slot,
    note_trouble,
    open_troubles,
    tell,
)
from services.runs.models import RunState, Trouble, Via
from services.runs.overview import FLOWS
from services.runs.record import Outcome, begin_run, end_run, request_run
from tests.support.cast import County

FLOW = "escalate_overdue"
MINUTE = timedelta(minutes=1)


def ran(county: County, state: RunState, via: Via | None = Via.PREFECT, *, ended: bool = True) -> None:
    """A run that began now and ended a minute later, when it is now."""
    with county.database.write() as session:
        run = begin_run(session, FLOW, county.now, county.now, via)
    county.now += MINUTE
    if ended:
        with county.database.write() as session:
            end_run(session, run, Outcome(state, via), county.now)


def looked(county: County, late_for: datetime | None = None) -> Trouble | None:
    county.now += MINUTE
    with county.database.write() as session:
        found = note_trouble(session, FLOW, late_for, county.now)
        tell(session, [found] if found else [], county.now)
    return found.trouble if found else None


def told(county: County, who: str = "supervisor") -> list[str]:
    theirs = Message.kind == "machine", Message.person_id == county.people[who]
    with county.database.read() as session:
        return list(session.scalars(select(Message.text).where(*theirs).order_by(Message.id)))


@pytest.mark.parametrize(("state", "words"), [(RunState.FAILED, "运行失败"), (RunState.CRASHED, "运行中断")])
def test_a_failure_is_told_once_and_again_only_after_it_went_well(county: County, state: RunState, words: str) -> None:
    ran(county, state)
    assert looked(county) == state
    ran(county, state)
    assert looked(county) is None
    ran(county, RunState.COMPLETED)
    assert looked(county) is None
    ran(county, state)
    assert looked(county) == state
    assert [words in text for text in told(county)] == [True, True]
    assert told(county, "clerk") == []


def test_a_failure_that_the_next_run_mended_before_anybody_looked_is_told_all_the_same(county: County) -> None:
    ran(county, RunState.CRASHED)
    ran(county, RunState.COMPLETED)
    assert looked(county) == Trouble.CRASHED
    assert looked(county) is None and looked(county) is None
    assert len(told(county)) == 1


def test_what_failed_long_ago_is_no_news(county: County) -> None:
    ran(county, RunState.FAILED)
    county.later(hours=2)
    assert looked(county) is None


def test_lateness_is_told_once_and_lasts_until_a_worker_has_come(county: County) -> None:
    ran(county, RunState.COMPLETED)
    slot = county.now
    assert looked(county, slot) == Trouble.LATE
    ran(county, RunState.COMPLETED, Via.WATCH)
    assert looked(county, slot) is None
    with county.database.read() as session:
        assert open_troubles(session) == {FLOW: Trouble.LATE}
    (text,) = told(county)
    assert "没有按时运行：“到期提醒与逾期升级”（2016-03-01 10:01）" in text
    assert looked(county) is None
    assert looked(county, county.now) == Trouble.LATE


def test_an_outage_of_everything_is_one_message(county: County) -> None:
    late = [Told(flow, Trouble.LATE, county.now) for flow in FLOWS]
    with county.database.write() as session:
        tell(session, [*late, Told("back_up", Trouble.FAILED, county.now)], county.now)
    one, other = told(county)
    assert all(flow.title in one for flow in FLOWS.values()) and "没有按时运行" in one
    assert FLOWS["back_up"].title in other and "运行失败" in other


def test_what_counts_as_run_in_time_and_what_as_served(county: County) -> None:
    def slots() -> tuple[datetime | None, datetime | None]:
        with county.database.read() as session:
            return last_regular_slot(session, FLOW), last_served_slot(session, FLOW)

    assert slots() == (None, None)
    first = county.now
    ran(county, RunState.COMPLETED, Via.WATCH)
    assert slots() == (first, first), "installed then, it cannot have been late before"
    worker = county.now
    ran(county, RunState.COMPLETED)
    crashed = county.now
    ran(county, RunState.CRASHED)
    assert slots() == (crashed, worker), "begun in time, but its work has to be done again"
    stepped_in = county.now
    ran(county, RunState.CRASHED, Via.WATCH)
    assert slots() == (crashed, stepped_in), "what kills the watch is not tried for ever"
    by_hand = county.now
    ran(county, RunState.COMPLETED, Via.HAND)
    assert slots() == (crashed, by_hand), "the work is done, but nothing came by itself"
    with county.database.write() as session:
        asked = request_run(session, FLOW, county.now, county.people["supervisor"]).scheduled_for
    assert slots() == (crashed, asked)


def test_one_at_a_time_decides_about_a_flow(county: County) -> None:
    with county.database.write() as session:
        assert not hold_flow(session, FLOW), "it is in no plan yet"
        note_plan(session, {FLOW: None}, county.now)
    if county.database.engine.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        with county.database.write() as one:
            assert hold_flow(one, FLOW)
            with county.database.engine.connect() as connection:
                assert not hold_flow(Session(connection), FLOW)
    with county.database.write() as session:
        assert hold_flow(session, FLOW)
