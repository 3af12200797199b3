"""Worklists, lights, ledgers and rungs."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from sqlalchemy import event, select

from services.engine import queries, work
from services.engine.models import FiredRung, WorkItem
from services.engine.queries import BadCursor, MatterFilters, Page, WorkFilters, WorkRow, worklist
from services.engine.queries.lights import light
from services.engine.sweep import sweep_all
from services.identity.people import delegate
from tests.support.cast import County

TO_HANDLING = ("accept", "propose", "approve")


def work_of(county: County, who: str, **wanted: Any) -> Page[WorkRow]:
    paging = {name: wanted.pop(name) for name in ("cursor", "limit") if name in wanted}
    with county.database.read() as session:
        actor = county.actor(who, session)
        return worklist(session, county.engine, actor, county.now, filters=WorkFilters(**wanted), **paging)


def ids(rows: Iterable[Any]) -> list[int]:
    return [row.matter_id for row in rows]


def claim(county: County, who: str, item: int) -> None:
    with county.database.write() as session:
        work.claim(session, county.engine, item, county.actor(who, session), county.now)


def look(county: County, function: Any, who: str, *more: Any, **named: Any) -> Any:
    with county.database.read() as session:
        return function(session, county.engine, county.actor(who, session), *more, **named)


# ── worklists ────────────────────────────────────────────────────────────────────────────────────────────


def test_each_sees_what_waits_for_his_role_at_its_unit(county: County) -> None:
    at_county, at_liuhe = county.walk(), county.walk(*TO_HANDLING)
    assert ids(work_of(county, "clerk").rows) == [at_county]
    assert ids(work_of(county, "handler").rows) == ids(work_of(county, "handler2").rows) == [at_liuhe]
    for who in ("elsewhere", "nobody", "leader", "township_clerk"):
        assert work_of(county, who).rows == []


def test_a_row_says_what_a_list_shows(county: County) -> None:
    matter = county.walk(*TO_HANDLING)
    (row,) = work_of(county, "handler").rows
    assert (row.procedure_title, row.state_label, row.kind, row.kind_title) == ("信访举报", "办理中", "turn", "办理中")
    assert (row.unit_name, row.role_title, row.person_name, row.urged) == ("柳河乡", "承办人", None, 0)
    assert row.matter_id == matter and row.number == "信访〔2016〕1号" and row.version == 4
    assert (row.light.colour, row.light.text) == ("green", "剩 21 天")  # the notice of acceptance, 15 working days


def test_what_one_claimed_leaves_the_others_lists(county: County) -> None:
    mine, free = county.walk(*TO_HANDLING), county.walk(*TO_HANDLING)
    claim(county, "handler", work_of(county, "handler").rows[0].item_id)
    assert ids(work_of(county, "handler2").rows) == [free]
    assert ids(work_of(county, "handler").rows) == [mine, free]
    assert ids(work_of(county, "handler", claimed="mine").rows) == [mine]
    assert ids(work_of(county, "handler", claimed="unclaimed").rows) == [free]


def test_whoever_stands_in_sees_roles_and_claims_of_whom_he_stands_in_for(county: County) -> None:
    claimed, free = county.walk(*TO_HANDLING), county.walk(*TO_HANDLING)
    claim(county, "handler", work_of(county, "handler").rows[0].item_id)
    with county.database.write() as session:
        people = county.people["handler"], county.people["elsewhere"]
        delegate(session, *people, county.today, county.today, "出差", None)
    assert ids(work_of(county, "elsewhere").rows) == [claimed, free]
    assert ids(work_of(county, "elsewhere", claimed="mine").rows) == []


def test_the_excluded_have_no_work_there_nor_through_the_excluded(county: County) -> None:
    matter = county.walk(*TO_HANDLING)
    with county.database.write() as session:
        people = county.people["handler2"], county.people["elsewhere"]
        delegate(session, *people, county.today, county.today, "出差", None)
    assert ids(work_of(county, "elsewhere").rows) == [matter]
    county.act(matter, "recuse", *county.usual("recuse"))
    assert work_of(county, "handler2").rows == [] and work_of(county, "elsewhere").rows == []
    assert ids(work_of(county, "handler").rows) == [matter]


def test_pages_neither_repeat_nor_skip_and_go_by_urgency(county: County) -> None:
    for days in (5, 1, 9, 3, 7, 3, 0):
        county.walk(received_on=(county.today - timedelta(days=days)).isoformat())
    suspended = county.walk(*TO_HANDLING, anonymous=True, complainant=None)
    county.act(suspended, "suspend", *county.usual("suspend"))
    whole = work_of(county, "clerk").rows
    assert [row.due_at for row in whole] == sorted(row.due_at for row in whole if row.due_at)
    assert len(whole) == 7
    paged, cursor = [], None
    while True:
        page = work_of(county, "clerk", limit=2, cursor=cursor)
        paged += page.rows
        if (cursor := page.next) is None:
            break
    assert paged == whole
    with county.database.write() as session:
        people = county.people["handler"], county.people["clerk"]
        delegate(session, *people, county.today, county.today, "出差", None)
    both = work_of(county, "clerk")
    assert ids(both.rows)[-1] == suspended and both.rows[-1].due_at is None
    last = work_of(county, "clerk", limit=7)
    assert last.next is not None and ids(work_of(county, "clerk", limit=7, cursor=last.next).rows) == [suspended]


@pytest.mark.parametrize("cursor", ["", "x", "bm9uc2Vuc2U", "WzFd", "W251bGwsICJ4Il0", "é"])
def test_a_made_up_cursor_is_refused(sqlite_county: County, cursor: str) -> None:
    with pytest.raises(BadCursor):
        work_of(sqlite_county, "clerk", cursor=cursor)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"procedure": "petition"}, [0, 1]),
        ({"procedure": "spot_check"}, []),
        ({"state": "triage"}, [1]),
        ({"q": "低保"}, [0]),
        ({"q": "〔2016〕2号"}, [1]),
        ({"q": "%"}, []),
        ({"q": "100%_"}, []),
    ],
)
def test_filters_narrow(county: County, filters: dict[str, Any], found: list[int]) -> None:
    matters = [county.walk(), county.walk("accept", summary="反映村级账目")]
    assert set(ids(work_of(county, "clerk", **filters).rows)) == {matters[i] for i in found}


def test_the_filter_by_unit_takes_in_what_lies_below(county: County) -> None:
    matter = county.walk(*TO_HANDLING)
    units = county.units
    for unit, found in (("county", [matter]), ("liuhe", [matter]), ("upper", []), ("baishi", [])):
        assert ids(work_of(county, "handler", unit_id=units[unit]).rows) == found


def test_tiles_count_what_the_filters_show(county: County) -> None:
    for days in (20, 14, 10, 0):
        county.walk(received_on=(county.today - timedelta(days=days)).isoformat(), anonymous=True, complainant=None)
    with county.database.read() as session:
        counts = queries.light_counts(session, county.engine, county.actor("clerk", session), county.now)
        none = queries.light_counts(session, county.engine, county.actor("nobody", session), county.now)
    for colour in queries.COLOURS:
        assert counts[colour] == str(len(work_of(county, "clerk", light=colour).rows))
        assert all(row.light.colour == colour for row in work_of(county, "clerk", light=colour).rows)
    assert counts == {"red": "1", "yellow": "1", "green": "2", "grey": "0", "all": "4"}
    assert none["all"] == "0"


def test_tiles_stop_counting(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("services.engine.queries.worklist"), "COUNTED_UP_TO", 2)
    for _ in range(4):
        county.walk()
    assert look(county, queries.light_counts, "clerk", county.now)["all"] == "2+"


def test_an_early_warning_of_one_clock_shows_in_row_filter_and_tile(county: County) -> None:
    registry = county.engine.registry
    rule = registry.versions("petition")[-1].policy.clocks["screening"]
    object.__setattr__(rule, "warn", 12)  # the policy is frozen, and this engine is the test's own copy
    try:
        matter = county.walk(anonymous=True, complainant=None)
        other = county.walk("accept", anonymous=True, complainant=None)
        lights = {row.matter_id: row.light.colour for row in work_of(county, "clerk").rows}
        assert lights == {matter: "yellow", other: "green"}
        assert ids(work_of(county, "clerk", light="yellow").rows) == [matter]
        assert ids(work_of(county, "clerk", light="green").rows) == [other]
    finally:
        object.__setattr__(rule, "warn", 3)


def test_a_worklist_uses_the_index_of_each_role(sqlite_county: County) -> None:
    """Each branch must search by role and unit; reading all that is open would grow with the county."""
    sqlite_county.walk()
    seen: list[tuple[str, Any]] = []
    engine = sqlite_county.database.engine
    event.listen(engine, "before_cursor_execute", lambda *a: seen.append((a[2], a[3])))
    work_of(sqlite_county, "clerk")
    statement, parameters = next(s for s in seen if "UNION ALL" in s[0] or "work_item.role = " in s[0])
    with engine.connect() as connection:
        plan = "\n".join(str(r) for r in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))
    assert "ix_work_item_turn (role=? AND unit_id=?" in plan and "ix_work_item_person (person_id=?" in plan
    assert "SCAN work_item" not in plan


# ── lights ───────────────────────────────────────────────────────────────────────────────────────────────

WEDNESDAY = datetime(2016, 3, 2, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("last_day", "colour", "text"),
    [
        (date(2016, 2, 28), "red", "超期 3 天"),
        (date(2016, 3, 1), "red", "超期 1 天"),
        (date(2016, 3, 2), "yellow", "今日到期"),
        (date(2016, 3, 4), "yellow", "剩 2 天"),
        (date(2016, 3, 7), "yellow", "剩 5 天"),  # Monday: the third working day from Wednesday
        (date(2016, 3, 8), "green", "剩 6 天"),
    ],
)
def test_lights_count_working_days_for_the_warning(
    sqlite_county: County, last_day: date, colour: str, text: str
) -> None:
    due = datetime.combine(last_day + timedelta(days=1), datetime.min.time(), UTC) - timedelta(hours=8)
    shown = light(due, WEDNESDAY, sqlite_county.engine.calendar, 3)
    assert (shown.colour, shown.text) == (colour, text)


def test_lights_of_given_instants_and_of_no_deadline(sqlite_county: County) -> None:
    calendar = sqlite_county.engine.calendar
    assert light(None, WEDNESDAY, calendar, 3).text == "已中止"
    assert light(WEDNESDAY - timedelta(hours=1), WEDNESDAY, calendar, 3).text == "今日超期"
    assert light(WEDNESDAY + timedelta(hours=1), WEDNESDAY, calendar, 3).text == "今日到期"
    assert light(WEDNESDAY + timedelta(days=30), WEDNESDAY, calendar, 3, True).text == "剩 30 天（暂定）"


def test_a_suspended_matter_is_grey(county: County) -> None:
    matter = county.walk(*TO_HANDLING, anonymous=True, complainant=None)
    county.act(matter, "suspend", *county.usual("suspend"))
    (row,) = work_of(county, "handler", light="grey").rows
    assert row.matter_id == matter and row.light.text == "已中止"
    page = look(county, queries.list_matters, "office", county.now, filters=MatterFilters(light="grey"))
    assert [r.id for r in page.rows] == [matter]


# ── the ledger ───────────────────────────────────────────────────────────────────────────────────────────


def listed(county: County, who: str = "office", **filters: Any) -> list[int]:
    return [r.id for r in look(county, queries.list_matters, who, county.now, filters=MatterFilters(**filters)).rows]


def test_the_ledger_is_newest_first_and_paged(county: County) -> None:
    matters = [county.walk() for _ in range(5)]
    assert listed(county) == matters[::-1]
    first = look(county, queries.list_matters, "office", county.now, limit=3)
    rest = look(county, queries.list_matters, "office", county.now, limit=3, cursor=first.next)
    assert [r.id for r in first.rows + rest.rows] == matters[::-1] and rest.next is None


def test_ledger_filters(county: County) -> None:
    old = county.walk(received_on="2016-01-04", anonymous=True, complainant=None)
    done = county.walk(*TO_HANDLING, "note_progress", anonymous=True, complainant=None, disposition="closed")
    county.act(done, "archive", *county.usual("archive"))
    fresh = county.walk("accept", anonymous=True, complainant=None)
    assert listed(county, status="overdue") == listed(county, light="red") == [old]
    assert listed(county, status="open") == [fresh, old] and listed(county, status="closed") == [done]
    assert listed(county, event_to=date(2016, 1, 4)) == [old]
    assert listed(county, event_from=date(2016, 1, 5)) == [fresh, done]
    due = date(2016, 1, 19)
    assert listed(county, due_from=due, due_to=due) == [old]
    assert listed(county, due_to=due - timedelta(days=1)) == []
    assert old not in listed(county, due_from=due + timedelta(days=1))
    assert listed(county, state="triage") == [fresh] and listed(county, procedure="spot_check") == []
    assert listed(county, unit_id=county.units["liuhe"]) == [done]
    with county.database.read() as session:
        closed = queries.list_matters(session, county.engine, county.actor("office", session), county.now)
    assert {r.id: r.light for r in closed.rows}[done] is None


def test_the_filter_by_level_finds_what_was_raised(county: County) -> None:
    late, _ = county.walk(received_on="2016-01-04"), county.walk()
    sweep_all(county.database, county.engine, county.now)
    assert listed(county, level=1) == [late]


# ── rungs ────────────────────────────────────────────────────────────────────────────────────────────────


def test_open_rungs_within_the_view(county: County) -> None:
    late = county.walk(received_on="2016-01-04")
    hidden = county.walk(received_on="2016-01-04", reported=[{"name": "李主任", "person": county.people["office"]}])
    sweep_all(county.database, county.engine, county.now)
    with county.database.read() as session:
        fired = set(session.scalars(select(FiredRung.matter_id)))
    assert fired == {late, hidden}
    page = look(county, queries.unacknowledged_rungs, "office")
    assert {r.matter_id for r in page.rows} == {late}
    assert [(r.rung, r.clock_title, r.due_on) for r in page.rows] == [
        ("-3 workday", "登记甄别期限", date(2016, 1, 14)), ("0", "登记甄别期限", date(2016, 1, 19)),
        ("+1 workday", "登记甄别期限", date(2016, 1, 20)),
    ]  # fmt: skip
    assert look(county, queries.unacknowledged_rungs, "elsewhere").rows == []
    assert look(county, queries.unacknowledged_rungs, "office", unit_id=county.units["liuhe"]).rows == []
    first = look(county, queries.unacknowledged_rungs, "office", limit=2)
    rest = look(county, queries.unacknowledged_rungs, "office", limit=2, cursor=first.next)
    assert [r.id for r in first.rows + rest.rows] == [r.id for r in page.rows]


def test_side_requests_wait_beside_the_turn(county: County) -> None:
    matter = county.walk(*TO_HANDLING, "ask_extension")
    (row,) = work_of(county, "leader").rows
    assert (row.matter_id, row.kind, row.kind_title) == (matter, "grant_extension", "批准延期")
    with county.database.read() as session:
        assert session.scalar(select(WorkItem.state).where(WorkItem.id == row.item_id)) == "handling"
