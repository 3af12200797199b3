"""Rungs are acknowledged by name, once, by somebody they addressed."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select

from services.engine import journal
from services.engine.acknowledging import AlreadyAcknowledged, acknowledge, waiting_for
from services.engine.errors import MatterNotFound, NotPermitted
from services.engine.models import Entry, FiredRung
from services.engine.queries import unacknowledged_rungs
from services.engine.sweep import sweep_all
from services.identity.people import delegate
from tests.support.cast import County

LATE = "2016-01-04"
"""Screening over since 2016-01-19: -3 reminds the clerks, 0 tells their leader as well, +1 raises to the office."""


def escalated(county: County, **answers: object) -> dict[str, int]:
    """Return the fired rungs of one late petition, by their place on the ladder."""
    matter = county.walk(received_on=LATE, **answers)
    sweep_all(county.database, county.engine, county.now)
    with county.database.read() as session:
        return dict(
            session.execute(select(FiredRung.rung, FiredRung.id).where(FiredRung.matter_id == matter)).tuples().all()
        )


def acknowledge_as(county: County, who: str, rung: int, note: str = "") -> None:
    with county.database.write() as session:
        acknowledge(session, county.engine, rung, county.actor(who, session), county.now, note)


def waiting(county: County, who: str, limit: int = 50) -> list[str]:
    with county.database.read() as session:
        actor = county.actor(who, session)
        return [r.rung for r in waiting_for(session, county.engine, actor, county.now, limit)]


def test_it_is_recorded_by_name_and_journalled(county: County) -> None:
    rungs = escalated(county)
    acknowledge_as(county, "office", rungs["+1 workday"], "已督促")
    with county.database.read() as session:
        rung = session.get_one(FiredRung, rungs["+1 workday"])
        entry = session.scalars(select(Entry).where(Entry.action == "acknowledge")).one()
        assert (rung.acknowledged_by, rung.acknowledged_at) == (county.people["office"], county.now)
        assert (entry.actor_name, entry.content["rung"], entry.content["note"]) == ("李主任", "+1 workday", "已督促")
        assert journal.verify(session)["ok"]
        still = unacknowledged_rungs(session, county.engine, county.actor("office", session)).rows
    assert [r.rung for r in still] == ["-3 workday", "0"]


def test_only_once(county: County) -> None:
    rungs = escalated(county)
    acknowledge_as(county, "clerk", rungs["0"])
    with pytest.raises(AlreadyAcknowledged, match="赵信访") as refusal:
        acknowledge_as(county, "leader", rungs["0"])
    assert refusal.value.extra["by"] == "赵信访"


def test_of_two_at_once_one_is_recorded(county: County) -> None:
    rungs, barrier = escalated(county), Barrier(2)

    def attempt(who: str) -> bool:
        barrier.wait()
        try:
            acknowledge_as(county, who, rungs["-3 workday"])
        except AlreadyAcknowledged:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, ["clerk", "clerk2"])) == [False, True]


@pytest.mark.parametrize(
    ("who", "rung", "may"),
    [
        ("clerk", "-3 workday", True), ("clerk2", "-3 workday", True), ("leader", "-3 workday", False),
        ("leader", "0", True), ("office", "0", False),
        ("office", "+1 workday", True), ("clerk", "+1 workday", False), ("supervisor", "+1 workday", False),
    ],
)  # fmt: skip
def test_only_those_it_addressed(sqlite_county: County, who: str, rung: str, may: bool) -> None:
    rungs = escalated(sqlite_county)
    assert (rung in waiting(sqlite_county, who)) is may
    if may:
        acknowledge_as(sqlite_county, who, rungs[rung])
    else:
        with pytest.raises(NotPermitted):
            acknowledge_as(sqlite_county, who, rungs[rung])


def test_nobody_out_of_sight_and_nobody_excluded(sqlite_county: County) -> None:
    named = [{"name": "钱信访", "person": sqlite_county.people["clerk2"]}]
    rungs = escalated(sqlite_county, reported=named)
    for who in ("clerk2", "elsewhere", "nobody"):
        with pytest.raises(MatterNotFound):
            acknowledge_as(sqlite_county, who, rungs["-3 workday"])
        assert waiting(sqlite_county, who) == []
    with pytest.raises(MatterNotFound):
        acknowledge_as(sqlite_county, "clerk", 10_000)


def test_a_delegate_does_it_on_behalf(sqlite_county: County) -> None:
    county, rungs = sqlite_county, escalated(sqlite_county)
    with county.database.write() as session:
        days = county.today, county.today
        delegate(session, county.people["office"], county.people["supervisor"], *days, "出差", None)
    acknowledge_as(county, "supervisor", rungs["+1 workday"])
    with county.database.read() as session:
        entry = session.scalars(select(Entry).where(Entry.action == "acknowledge")).one()
    assert (entry.actor_id, entry.behalf_of) == (county.people["supervisor"], county.people["office"])


def test_a_reminder_is_still_answered_for_after_the_matter_moved_on(sqlite_county: County) -> None:
    rungs = escalated(sqlite_county, anonymous=True, complainant=None)
    with sqlite_county.database.read() as session:
        matter = session.get_one(FiredRung, rungs["0"]).matter_id
    for step in ("accept", "propose"):
        sqlite_county.act(matter, step, *sqlite_county.usual(step))
    sqlite_county.act(matter, "approve", "leader", {"note": "同意"})
    acknowledge_as(sqlite_county, "handler", rungs["-3 workday"])  # whoever has it now answers for it


def test_what_a_rung_opened_is_the_offices_to_acknowledge(sqlite_county: County) -> None:
    county = sqlite_county
    matter = county.walk("accept", "propose", "approve", anonymous=True, complainant=None)
    county.later(days=45)
    sweep_all(county.database, county.engine, county.now)
    with county.database.read() as session:
        rung = session.scalar(select(FiredRung.id).where(FiredRung.matter_id == matter, FiredRung.rung == "+3 workday"))
    assert rung is not None and "+3 workday" in waiting(county, "office")
    with pytest.raises(NotPermitted):
        acknowledge_as(county, "handler", rung)
    acknowledge_as(county, "office", rung)


def test_the_list_stops_at_its_limit(sqlite_county: County) -> None:
    escalated(sqlite_county), escalated(sqlite_county)
    assert len(waiting(sqlite_county, "clerk")) == 4 and len(waiting(sqlite_county, "clerk", limit=3)) == 3
