"""The figures of the board: within one's view, and equal to the ledger's lists behind them."""

from datetime import date, timedelta

from services.engine.queries import MatterFilters, list_matters
from services.engine.queries.board import (
    closed_between,
    ended_late,
    held_by,
    load_of_all,
    loads_of_procedures,
    loads_of_units,
    weeks_until,
    year_of,
)
from tests.support.cast import County

NOT_OURS = {"problem_fields": ["land_requisition"]}
CLOSING = ("refuse", "hand_over", "archive")


def _numbers(county: County, filters: MatterFilters, *only: object, who: str = "supervisor") -> list[str]:
    with county.database.read() as session:
        page = list_matters(session, county.engine, county.actor(who, session), county.now, filters=filters, only=only)  # type: ignore[arg-type]
    return [row.number for row in page.rows]


def test_figures_are_those_of_the_lists_behind_them(county: County) -> None:
    county.walk("accept", "propose", "approve")
    county.open()
    county.now += timedelta(days=14)  # the screening of the second ends tomorrow
    county.open()
    with county.database.read() as session:
        asked = (session, county.engine, county.actor("supervisor", session), county.now)
        load, units = load_of_all(*asked), loads_of_units(*asked)
        (procedure,) = loads_of_procedures(*asked)
    assert (load.open, load.overdue, load.soon, load.suspended) == (3, 0, 1, 0)
    assert load.open == len(_numbers(county, MatterFilters(status="open")))
    assert load.soon == len(_numbers(county, MatterFilters(light="yellow")))
    assert procedure.load == load and procedure.title == "信访举报"
    assert {unit.unit_name: unit.load.open for unit in units} == {"清河县": 2, "柳河乡": 1}
    at_county = held_by(county.units["county"])
    assert len(_numbers(county, MatterFilters(status="open"), at_county)) == 2

    county.now += timedelta(days=3)
    with county.database.read() as session:
        asked = (session, county.engine, county.actor("supervisor", session), county.now)
        (first, *_) = loads_of_units(*asked)
    assert (first.unit_name, first.load.overdue) == ("清河县", 1)
    assert len(_numbers(county, MatterFilters(status="overdue"))) == 1


def test_nobody_counts_what_he_may_not_know_of(county: County) -> None:
    county.open()
    with county.database.read() as session:
        for who in ("elsewhere", "nobody"):
            asked = (session, county.engine, county.actor(who, session), county.now)
            assert load_of_all(*asked).open == 0
            assert loads_of_units(*asked) == [] and loads_of_procedures(*asked) == []
            assert year_of(*asked).closed == 0 and year_of(*asked).rate is None
            assert sum(week.opened for week in weeks_until(*asked)) == 0


def test_weeks_begin_on_monday_in_local_time(county: County) -> None:
    county.open()  # Tuesday 2016-03-01
    county.now += timedelta(days=5, hours=15)  # Monday 01:00 in Shanghai, still Sunday in UTC
    county.open()
    with county.database.read() as session:
        weeks = weeks_until(session, county.engine, county.actor("supervisor", session), county.now, 3)
    assert [(week.monday, week.opened, week.closed) for week in weeks] == [
        (date(2016, 2, 22), 0, 0), (date(2016, 2, 29), 1, 0), (date(2016, 3, 7), 1, 0),
    ]  # fmt: skip


def test_on_time_is_what_no_clock_was_late_for(county: County) -> None:
    county.walk(*CLOSING, **NOT_OURS)
    late = county.open(**NOT_OURS).matter_id
    county.now += timedelta(days=20)  # its screening took longer than 15 days
    for step in CLOSING:
        county.act(late, step, *county.usual(step))
    county.open()
    with county.database.read() as session:
        year = year_of(session, county.engine, county.actor("supervisor", session), county.now)
    assert (year.since, year.closed, year.on_time, year.rate) == (date(2016, 1, 1), 2, 1, 0.5)
    this_year = closed_between(year.since, None)
    assert len(_numbers(county, MatterFilters(), this_year, ended_late(late=True))) == 1
    assert len(_numbers(county, MatterFilters(), this_year, ended_late(late=False))) == 1
    assert _numbers(county, MatterFilters(), closed_between(None, date(2016, 2, 29))) == []
    first_day = closed_between(date(2016, 3, 1), date(2016, 3, 1))
    assert len(_numbers(county, MatterFilters(), first_day)) == 1
