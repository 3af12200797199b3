"""Obligations on both databases: opened once per unit and period, waived, back-filled, retried; killed and raced."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import event, select

from services.db.session import Database
from services.engine.errors import ActionRefused, BadDeclarations, InvalidAnswers, NotPermitted
from services.engine.models import Clock, Matter, Obligation
from services.engine.obligations import AlreadySeenTo, open_due, waive_obligation
from services.engine.opening import open_matter
from services.engine.queries.obligations import ObligationView, list_obligations
from services.identity.access import CLOCK
from services.identity.models import Unit, UnitKind
from services.identity.people import add_post
from services.identity.sealing import Vault
from services.identity.units import abolish_unit, create_unit
from tests.engine.test_concurrency import together
from tests.support.cast import County
from tests.support.declared import declared
from tests.support.driver import each_statement
from tests.support.dump import dump
from tests.support.invariants import check
from tests.support.recurring import on_period, policy, report, rule

MONDAY = datetime(2016, 2, 15, 1, tzinfo=UTC)  # 2016-W07
Recurring = Callable[..., County]


@pytest.fixture
def recurring(county: County, vault: Vault) -> Recurring:
    """Declare the weekly report of every township, changed so; it is Monday of the seventh week of 2016."""

    def make(opening: dict[str, Any] | None = None, **changes: Any) -> County:
        policies = policy(obligations={"weekly": rule(**changes)})
        county.engine, county.now = declared(vault, (report(**opening or {}), policies), upon="national"), MONDAY
        return county

    return make


def run(county: County) -> dict[str, Any]:
    return open_due(county.database, county.engine, county.now)


def numbers(county: County) -> tuple[int, int, int, int, int]:
    done = run(county)
    return done["opened"], done["waived"], done["skipped"], done["failed"], done["left"]


def listed(county: County, who: str | None = None, **filters: Any) -> list[ObligationView]:
    with county.database.read() as session:
        actor = county.actor(who, session) if who else CLOCK
        return list_obligations(session, county.engine, actor, county.now, since=date(2015, 1, 1), **filters)


def told(county: County, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(getattr(view, name) for name in names) for view in listed(county)]


def test_each_township_once_per_week(recurring: Recurring) -> None:
    county = recurring()
    assert numbers(county) == (2, 0, 0, 0, 0)
    assert numbers(county) == (0, 0, 0, 0, 0)
    county.later(days=7)
    assert numbers(county) == (2, 0, 0, 0, 0)
    assert told(county, "period", "unit_name", "status", "state_label") == [
        ("2016-W08", "柳河乡", "opened", "待上报"), ("2016-W08", "白石镇", "opened", "待上报"),
        ("2016-W07", "柳河乡", "opened", "待上报"), ("2016-W07", "白石镇", "opened", "待上报"),
    ]  # fmt: skip
    check(county)


def test_the_matter_lies_with_the_unit_and_is_due_on_the_last_day(recurring: Recurring) -> None:
    county = recurring(answers={"kind": "inspection"})
    run(county)
    with county.database.read() as session:
        made = session.scalars(select(Matter).order_by(Matter.unit_id)).all()
        due = session.scalars(select(Clock.effective_due)).all()
    assert [m.unit_id for m in made] == sorted([county.units["liuhe"], county.units["baishi"]])
    assert due == [date(2016, 2, 21)] * 2  # a Sunday: fixed dates do not shift
    assert {m.record["steps"]["open"]["answers"]["kind"] for m in made} == {"inspection"}
    assert {m.event_on for m in made} == {date(2016, 2, 15)}


def test_or_with_the_county(recurring: Recurring) -> None:
    county = recurring(at="county")
    assert run(county)["opened"] == 2
    with county.database.read() as session:
        assert set(session.scalars(select(Matter.unit_id))) == {county.units["county"]}


def test_the_head_owes_it(recurring: Recurring) -> None:
    county = recurring(each={"post": "head", "unit_kind": ["township"]})
    with county.database.write() as session:
        add_post(session, county.people["township_leader"], county.units["liuhe"], "书记", date(2012, 1, 1), head=True)
        add_post(session, county.people["handler"], county.units["liuhe"], "干事", date(2012, 1, 1))
    assert numbers(county) == (1, 0, 0, 0, 0)
    assert told(county, "unit_name", "person_name", "status") == [("柳河乡", "陈书记", "opened")]


def test_a_week_without_a_working_day_is_waived_with_its_reason(recurring: Recurring) -> None:
    county = recurring()
    county.now = datetime(2026, 2, 18, 1, tzinfo=UTC)
    assert numbers(county) == (0, 2, 0, 0, 0)
    assert set(told(county, "period", "status", "reason", "waived_by")) == {
        ("2026-W08", "waived", "2026-02-16至2026-02-22没有工作日", None)
    }
    assert numbers(county) == (0, 0, 0, 0, 0)


def test_after_an_outage_every_week_is_made_up_for_in_order(recurring: Recurring) -> None:
    county = recurring()
    run(county)
    county.later(days=7 * 20)
    assert len([v for v in listed(county) if v.status == "missing"]) == 40
    assert numbers(county) == (40, 0, 0, 0, 0)
    with county.database.read() as session:
        weeks = session.scalars(select(Obligation.period).order_by(Obligation.id)).all()
    assert weeks == [f"2016-W{n:02}" for n in range(7, 28) for _ in range(2)]
    assert not [v for v in listed(county) if v.status == "missing"]


def test_a_long_outage_takes_several_runs(recurring: Recurring) -> None:
    county = recurring(each={"county": True})
    run(county)
    county.later(days=7 * 100)
    first, second = run(county), run(county)
    assert (first["opened"] + first["waived"], first["left"]) == (60, 40)
    assert (second["opened"] + second["waived"], second["left"]) == (40, 0)


def test_at_first_only_the_present_period_is_opened(recurring: Recurring) -> None:
    yearly = recurring(every="year", opens="02-26", due="03-31")
    assert numbers(yearly) == (0, 0, 0, 0, 0)  # last year's is over
    yearly.now = datetime(2016, 5, 1, tzinfo=UTC)
    assert numbers(yearly) == (2, 0, 0, 0, 0)
    assert {v.due for v in listed(yearly)} == {date(2016, 3, 31)}


def test_the_policy_of_the_periods_first_day_counts(county: County, vault: Vault) -> None:
    weekly = policy(obligations={"weekly": rule()})
    monthly = policy(date(2016, 3, 1), obligations={"weekly": rule(every="month", title="每月检查")})
    county.engine, county.now = declared(vault, (report(), [weekly, monthly]), upon="national"), MONDAY
    run(county)
    county.now = datetime(2016, 3, 10, tzinfo=UTC)
    run(county)
    assert sorted({(v.period, v.title) for v in listed(county)}) == [
        ("2016-03", "每月检查"), ("2016-W07", "每周检查"), ("2016-W08", "每周检查"), ("2016-W09", "每周检查"),
    ]  # fmt: skip


def test_a_unit_abolished_before_it_could_be_opened_is_waived(recurring: Recurring) -> None:
    county = recurring()
    run(county)
    county.later(days=10)
    with county.database.write() as session:
        abolish_unit(session, county.units["baishi"], date(2016, 2, 24))
    assert numbers(county) == (1, 1, 0, 0, 0)
    county.later(days=7)
    assert numbers(county) == (1, 0, 0, 0, 0)


def test_a_unit_founded_later_owes_nothing_for_before(recurring: Recurring) -> None:
    county = recurring()
    run(county)
    with county.database.write() as session:
        create_unit(session, "new", "新镇", UnitKind.TOWNSHIP, county.units["county"], date(2016, 2, 16))
    assert numbers(county) == (0, 0, 0, 0, 0)
    county.later(days=7)
    assert numbers(county) == (3, 0, 0, 0, 0)


class TestOneFailure:
    def broken(self, recurring: Recurring) -> tuple[County, set[int]]:
        bad: set[int] = set()

        def sometimes(occasion: Any) -> dict[str, Any]:
            if occasion.unit_id in bad:
                raise KeyError("no such answer")
            return on_period(occasion)

        county = recurring({"on_period": sometimes})
        bad.add(county.units["liuhe"])
        return county, bad

    def test_stops_nobody_else_and_is_told(self, recurring: Recurring) -> None:
        county, _ = self.broken(recurring)
        done = run(county)
        assert (done["opened"], done["failed"]) == (1, 1)
        (failure,) = done["failures"]
        assert (failure["obligation"], failure["period"], failure["unit_id"]) == (
            "weekly", "2016-W07", county.units["liuhe"],
        )  # fmt: skip
        assert "no such answer" in failure["why"]
        assert ("柳河乡", "failed") in told(county, "unit_name", "status")
        check(county)

    def test_is_tried_again_however_many_periods_later(self, recurring: Recurring) -> None:
        county, bad = self.broken(recurring)
        run(county)
        county.later(days=14)
        assert numbers(county) == (2, 0, 0, 3, 0)
        bad.clear()
        assert numbers(county) == (3, 0, 0, 0, 0)
        assert {v.status for v in listed(county)} == {"opened"}
        assert len(listed(county)) == 6

    def test_is_given_up_with_a_reason_once_it_is_no_longer_owed(self, recurring: Recurring, vault: Vault) -> None:
        county, _ = self.broken(recurring)
        run(county)
        county.engine = declared(vault, (report(), policy()), upon="national")
        assert numbers(county) == (0, 0, 0, 0, 0)
        with county.database.read() as session:
            rows = {row.unit_id: row for row in session.scalars(select(Obligation))}
        assert rows[county.units["liuhe"]].waived == "规则或任职已有变动，不再适用"
        assert rows[county.units["baishi"]].waived is None


class TestTwoAtOnce:
    def test_open_nothing_twice(self, recurring: Recurring) -> None:
        county = recurring()
        run(county)
        county.later(days=7 * 6)
        results = together(*[lambda: run(county)] * 3)
        assert sum(r["opened"] for r in results) == 12
        assert sum(r["failed"] for r in results) == 0
        with county.database.read() as session:
            assert len(session.scalars(select(Matter.id)).all()) == 14
        check(county)

    def test_retry_nothing_twice(self, recurring: Recurring) -> None:
        county, bad = TestOneFailure().broken(recurring)
        run(county)
        bad.clear()
        results = together(*[lambda: run(county)] * 2)
        assert (sum(r["opened"] for r in results), sum(r["failed"] for r in results)) == (1, 0)
        check(county)


class Killed(BaseException):
    """The process dies here: nothing in it gets to tidy up."""


@contextmanager
def kill_before(database: Database, statement: str) -> Iterator[None]:
    """Die before the first statement that contains this."""

    def look(text: str) -> None:
        if statement in text:
            raise Killed

    def tick(_c: Any, _u: Any, text: str, *_: Any) -> None:
        look(text)

    if database.engine.dialect.name == "postgresql":
        with each_statement(lambda text, _: look(text)):
            yield
        return
    event.listen(database.engine, "before_cursor_execute", tick)
    try:
        yield
    finally:
        event.remove(database.engine, "before_cursor_execute", tick)


@pytest.mark.parametrize("statement", ["INSERT INTO matter", "INSERT INTO journal", "UPDATE obligation"])
def test_killed_between_claim_and_opening_it_leaves_nothing_half_done(recurring: Recurring, statement: str) -> None:
    county = recurring()
    before = dump(county.database)
    with pytest.raises(Killed), kill_before(county.database, statement):
        run(county)
    assert dump(county.database) == before
    assert numbers(county) == (2, 0, 0, 0, 0)
    check(county)


class TestByHand:
    def waive(self, county: County, who: str = "office", **changes: Any) -> int:
        asked = {"procedure": "report", "name": "weekly", "period": "2016-W08", "unit_id": county.units["liuhe"],
                 "reason": "集中抗洪", **changes}  # fmt: skip
        with county.database.write() as session:
            actor = county.actor(who, session)
            return waive_obligation(session, county.engine, actor=actor, now=county.now, **asked)

    def test_the_county_office_waives_before_it_is_opened(self, recurring: Recurring) -> None:
        county = recurring()
        self.waive(county)
        run(county)  # this week's: the waiver of the next is not the last week seen to
        county.later(days=7)
        assert numbers(county) == (1, 0, 0, 0, 0)
        assert ("2016-W08", "柳河乡", "waived", "集中抗洪", county.people["office"]) in told(
            county, "period", "unit_name", "status", "reason", "waived_by"
        )

    def test_and_what_failed(self, recurring: Recurring) -> None:
        county, _ = TestOneFailure().broken(recurring)
        run(county)
        self.waive(county, period="2016-W07")
        assert numbers(county) == (0, 0, 0, 0, 0)

    def test_but_not_what_was_opened_or_waived(self, recurring: Recurring) -> None:
        county = recurring()
        run(county)
        self.waive(county)
        for period in ("2016-W07", "2016-W08"):
            with pytest.raises(AlreadySeenTo):
                self.waive(county, period=period)

    @pytest.mark.parametrize("changes", [{"period": "2016-W60"}, {"name": "daily"}, {"procedure": "petition"}])
    def test_nor_what_is_not_owed(self, recurring: Recurring, changes: dict[str, Any]) -> None:
        county = recurring()
        with pytest.raises(ActionRefused, match="owes no"):
            self.waive(county, **changes)
        with pytest.raises(ActionRefused, match="owes no"):
            self.waive(county, unit_id=county.units["water"])

    def test_nobody_else_does_and_not_without_a_reason(self, recurring: Recurring) -> None:
        county = recurring()
        for who in ("leader", "township_leader", "supervisor", "nobody"):
            with pytest.raises(NotPermitted):
                self.waive(county, who)
        with pytest.raises(InvalidAnswers):
            self.waive(county, reason="  ")


class TestWhoSees:
    def test_viewers_at_the_unit_and_nobody_else(self, recurring: Recurring) -> None:
        county = recurring()
        run(county)
        county.later(days=7)
        assert {v.unit_name for v in listed(county, "elsewhere")} == {"白石镇"}
        assert {v.status for v in listed(county, "elsewhere")} == {"opened", "missing"}
        assert len(listed(county, "office")) == 4
        assert listed(county, "clerk") == []

    def test_filters(self, recurring: Recurring) -> None:
        county = recurring()
        run(county)
        assert listed(county, procedure="petition") == []
        assert len(listed(county, name="weekly", unit_id=county.units["liuhe"])) == 1


def test_the_clock_opens_by_itself_only_what_declares_it(county: County, vault: Vault) -> None:
    county.engine = declared(vault, (report(), policy()), upon="national")
    with pytest.raises(NotPermitted), county.database.write() as session:
        unit = session.scalars(select(Unit).where(Unit.code == "liuhe")).one()
        data = {"summary": "x", "period": "x", "first": "2016-02-15", "due": "2016-02-21"}
        open_matter(county.engine, session, "report", data, CLOCK, county.now, unit_id=unit.id)


def test_a_policy_with_an_obligation_that_nothing_opens_is_refused(vault: Vault) -> None:
    made = report()
    silent = replace(made, opening=replace(made.opening, on_period=None))
    with pytest.raises(BadDeclarations, match="no period can open report"):
        declared(vault, (silent, policy(obligations={"weekly": rule()})))
