"""The figures of the board: within one's view, and equal to the ledger's lists behind them."""

from datetime import date, timedelta

from services.engine.queries import MatterFilters, list_matters, unacknowledged_rungs
from services.engine.queries.attribution import Window
from services.engine.queries.board import (
    closed_between,
    count_unacknowledged,
    ended_late,
    held_by,
    load_of_all,
    loads_of_procedures,
    loads_of_states,
    loads_of_units,
    opened_between,
    turnover,
    weeks_until,
)
from services.engine.queries.heat import due_in, heat_of_units, spans_around
from services.engine.queries.responsibility import handled_by, late_lines, late_through, shares
from services.engine.sweep import sweep_all
from services.engine.visibility import in_subtree
from tests.support.cast import County

NOT_OURS = {"problem_fields": ["land_requisition"]}
CLOSING = ("refuse", "hand_over", "archive")
ALL_YEAR = Window(date(2016, 1, 1), date(2016, 12, 31))


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
            found = turnover(*asked[:3], date(2016, 1, 1), date(2016, 12, 31))
            assert (found.opened, found.closed, found.rate) == (0, 0, None)
            assert sum(week.opened for week in weeks_until(*asked)) == 0
            assert loads_of_states(*asked) == [] and heat_of_units(*asked, spans_around(county.now)) == []
            assert shares(*asked, ALL_YEAR) == [] and count_unacknowledged(*asked[:3]) == 0


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
        seen = session, county.engine, county.actor("supervisor", session)
        year = turnover(*seen, date(2016, 1, 1), date(2016, 12, 31))
        assert turnover(*seen, date(2016, 3, 2), date(2016, 3, 20)).opened == 0
    assert (year.opened, year.closed, year.on_time, year.rate) == (3, 2, 1, 0.5)
    this_year = closed_between(date(2016, 1, 1), None)
    assert len(_numbers(county, MatterFilters(), opened_between(date(2016, 3, 1), date(2016, 3, 1)))) == 2
    assert len(_numbers(county, MatterFilters(), this_year, ended_late(late=True))) == 1
    assert len(_numbers(county, MatterFilters(), this_year, ended_late(late=False))) == 1
    assert _numbers(county, MatterFilters(), closed_between(None, date(2016, 2, 29))) == []
    first_day = closed_between(date(2016, 3, 1), date(2016, 3, 1))
    assert len(_numbers(county, MatterFilters(), first_day)) == 1


def test_a_unit_narrows_every_figure(county: County) -> None:
    county.walk("accept", "propose", "approve")
    county.open()
    liuhe = in_subtree(county.units["liuhe"])
    with county.database.read() as session:
        asked = (session, county.engine, county.actor("supervisor", session), county.now)
        assert load_of_all(*asked, liuhe).open == 1
        assert [unit.unit_name for unit in loads_of_units(*asked, liuhe)] == ["柳河乡"]
        assert [(state.label, state.open) for state in loads_of_states(*asked, liuhe)] == [("办理中", 1)]
        assert [(state.label, state.open) for state in loads_of_states(*asked)] == [("待甄别", 1), ("办理中", 1)]
        assert sum(week.opened for week in weeks_until(*asked, only=[liuhe])) == 1


def test_the_heat_map_counts_what_the_ledger_lists(county: County) -> None:
    county.walk("accept", "propose", "approve")  # handled in Liuhe; the notice is due on 22 March
    county.open()  # screened by 16 March
    county.now += timedelta(days=17)  # Friday 18 March
    spans = spans_around(county.now, before=1, after=2)
    assert [(span.first, span.last) for span in spans] == [
        (None, date(2016, 3, 6)), (date(2016, 3, 7), date(2016, 3, 13)), (date(2016, 3, 14), date(2016, 3, 20)),
        (date(2016, 3, 21), date(2016, 3, 27)),
    ]  # fmt: skip
    with county.database.read() as session:
        asked = (session, county.engine, county.actor("supervisor", session), county.now)
        rows = heat_of_units(*asked, spans)
    assert [(row.unit_name, [(c.due, c.overdue) for c in row.cells]) for row in rows] == [
        ("清河县", [(0, 0), (0, 0), (1, 1), (0, 0)]), ("柳河乡", [(0, 0), (0, 0), (0, 0), (1, 0)]),
    ]  # fmt: skip
    for row in rows:
        for span, cell in zip(spans, row.cells, strict=True):
            days = MatterFilters(status="open", due_from=span.first, due_to=span.last)
            assert len(_numbers(county, days, held_by(row.unit_id))) == cell.due
            assert len(_numbers(county, MatterFilters(), due_in(span), held_by(row.unit_id))) == cell.due


def test_a_unit_answers_for_what_was_late_in_its_hands_alone(county: County) -> None:
    closed = county.open(**NOT_OURS).matter_id
    late = county.walk("accept", "propose", "approve")
    county.now += timedelta(days=17)  # Friday 18 March: the screening of the first was due on the 16th
    for step in CLOSING:
        county.act(closed, step, *county.usual(step))
    county.now += timedelta(days=21)  # Friday 8 April: the handling of the second was due on the 1st
    with county.database.read() as session:
        asked = (session, county.engine, county.actor("supervisor", session), county.now)
        found = {share.unit_name: share for share in shares(*asked, ALL_YEAR)}
        lines = late_lines(*asked, county.units["liuhe"], ALL_YEAR)
        at_liuhe = late_through(*asked, county.units["liuhe"], ALL_YEAR)
        of_march = shares(*asked, Window(date(2016, 3, 1), date(2016, 3, 31)))
    liuhe, office = found["柳河乡"], found["清河县"]
    assert (liuhe.late_days, liuhe.late_matters, liuhe.handled, liuhe.rate) == (4, 1, 0, None)
    assert (office.handled, office.at_fault, office.rate) == (1, 1, 0.0)
    assert office.late_days == 2 + 12  # the screening on the 17th and 18th, the notice from 23 March on
    assert office.late_matters == 2
    assert [(line.matter_id, line.clock_title, line.person_name, line.late) for line in lines] == [
        (late, "办理期限", None, 4)
    ]
    assert len(_numbers(county, MatterFilters(), at_liuhe)) == 1
    assert len(_numbers(county, MatterFilters(), handled_by(county.units["liuhe"]))) == 1
    assert {share.unit_name: share.late_days for share in of_march} == {"清河县": 2 + 7}


def test_a_township_sees_its_own_part_alone(county: County) -> None:
    county.walk("accept", "propose", "approve")
    county.open()
    county.now += timedelta(days=38)
    with county.database.read() as session:
        asked = (session, county.engine, county.actor("township_leader", session), county.now)
        assert [share.unit_name for share in shares(*asked, ALL_YEAR)] == ["柳河乡"]
        assert load_of_all(*asked).open == 1
    assert len(_numbers(county, MatterFilters(status="open"), who="township_leader")) == 1


def test_rungs_are_counted_as_they_are_listed(county: County) -> None:
    county.open()
    county.now += timedelta(days=17)
    sweep_all(county.database, county.engine, county.now)
    with county.database.read() as session:
        seen = session, county.engine, county.actor("office", session)
        assert count_unacknowledged(*seen) == len(unacknowledged_rungs(*seen).rows) > 0
