"""The demo county: everything there is to see is in it, and everything came about by the rules."""

import dataclasses
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config.settings import load_settings
from services import migrations
from services.demo import DAYS, NotEmpty, demo_logins, load
from services.demo.places import CAST
from services.engine.core import Engine, engine_for
from services.engine.models import Clock, Entry, Exclusion, FiredRung, Link, Matter, Message, Seat, WorkItem
from services.engine.queries.lights import COLOURS, Lights
from services.identity.credentials import change_password, open_session
from services.identity.models import Delegation, Grant, Person, Unit, UnitKind
from services.identity.units import find_unit
from services.runtime import Runtime, make_runtime
from tests.support.cast import County
from tests.support.invariants import check

NOW = datetime(2026, 11, 20, 2, 30, tzinfo=UTC)
"""Friday morning in Shanghai."""
TOLD = ("petition", "spot_check", "supervised_handling")
"""Told in every state."""
BEGUN = {
    ("clue", "registered"), ("clue", "verification"), ("clue", "consent"), ("clue", "closed"),
    ("case", "investigation"), ("case", "review"), ("case", "execution"),
    ("case_review", "form_check"), ("case_review", "talk"), ("case_review", "closed"),
    ("rectification", "issued"), ("rectification", "verification"), ("rectification", "struck_off"),
    ("return_inspection", "planned"), ("task", "issued"), ("task", "handling"), ("accountability_report", "ballot"),
    ("score", "proposed"), ("score", "window"), ("score", "counted"),
    ("accountability", "candidate"), ("accountability", "inquiry"),
}  # fmt: skip
"""Told in some states."""


@dataclasses.dataclass
class Demo:
    """A loaded demo county, and what loading it said."""

    runtime: Runtime
    said: dict[str, Any]
    steps: list[int]

    @property
    def engine(self) -> Engine:
        return engine_for(self.runtime)

    def rows(self, query: Any) -> list[Any]:
        with self.runtime.database.read() as session:
            return list(session.execute(query).all())


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Loaded once; no test changes it."""
    runtime = _fresh(tmp_path_factory.mktemp("demo"))
    steps: list[int] = []
    yield Demo(runtime, load(runtime, NOW, progress=steps.append), steps)
    runtime.database.close()


def test_it_says_what_it_made_and_reports_each_day(demo: Demo) -> None:
    assert demo.said["loaded"]
    assert (demo.said["matters"], demo.said["people"]) == (_count(demo, Matter), len(CAST))
    assert 60 <= demo.said["matters"] <= 200
    assert demo.steps == [1] * DAYS


def test_every_state_of_every_procedure_it_tells_is_there(demo: Demo) -> None:
    found = set(demo.rows(select(Matter.procedure, Matter.state).distinct()))
    procedures = demo.engine.registry.procedures
    assert found >= {(key, str(state)) for key in TOLD for state in procedures[key].states} | BEGUN


def test_secret_ballots_are_open_and_some_are_cast(demo: Demo) -> None:
    (report,) = demo.rows(select(Matter.id).where(Matter.state == "ballot"))
    seats = Counter(state for (state,) in demo.rows(select(Seat.state).where(Seat.matter_id == report.id)))
    assert seats == {"answered": 4, "waiting": 3}


def test_every_light_is_there_and_none_drowns_the_others(demo: Demo) -> None:
    lights = Lights(demo.engine, NOW)
    with demo.runtime.database.read() as session:
        open_ones = session.execute(
            select(Matter.id, Matter.procedure, Matter.due_at).where(Matter.closed_at.is_(None))
        ).all()
        shown = Counter(
            light.colour for light in lights.of_matters(session, [tuple(row) for row in open_ones]).values()
        )
    assert shown.keys() == set(COLOURS)
    assert min(shown.values()) >= 3
    assert shown["green"] == max(shown.values())


def test_every_invariant_holds(demo: Demo) -> None:
    check(County(demo.runtime.database, demo.engine))


def test_nobody_acted_on_a_matter_after_being_kept_away_from_it(demo: Demo) -> None:
    away = demo.rows(select(Exclusion.matter_id, Exclusion.person_id).where(Exclusion.person_id.is_not(None)))
    assert len(away) >= 2
    for matter_id, person in away:
        entries = demo.rows(select(Entry.action, Entry.actor_id, Entry.behalf_of).where(Entry.matter_id == matter_id))
        assert all(person not in (entry.actor_id, entry.behalf_of) for entry in entries)
        assert not demo.rows(select(WorkItem.id).where(WorkItem.matter_id == matter_id, WorkItem.person_id == person))


def test_ladders_fired_and_only_some_rungs_are_acknowledged(demo: Demo) -> None:
    open_rungs = demo.rows(select(FiredRung.id).where(FiredRung.acknowledged_at.is_(None)))
    acknowledged = demo.rows(select(FiredRung.id).where(FiredRung.acknowledged_at.is_not(None)))
    assert len(open_rungs) >= 10
    assert len(acknowledged) >= 5
    assert _count(demo, Message) >= 50
    assert demo.rows(select(Entry.seq).where(Entry.action == "rung_failed")) == []


def test_rungs_open_supervised_handling_and_people_do(demo: Demo) -> None:
    openers = demo.rows(select(Matter.opened_by).where(Matter.procedure == "supervised_handling"))
    assert {opener is None for (opener,) in openers} == {True, False}


@pytest.mark.parametrize(
    "action",
    ["grant_extension", "refuse_extension", "ask_extension", "suspend", "resume", "send_back", "withdraw", "split",
     "refuse", "hand_over", "recuse", "reclassify", "reassign", "take_charge", "take_up", "close_held", "claim", "urge",
     "fail_recheck", "record_reply", "acknowledge"],
)  # fmt: skip
def test_it_shows_every_kind_of_thing_that_happens(demo: Demo, action: str) -> None:
    assert demo.rows(select(Entry.seq).where(Entry.action == action))


def test_links_of_every_kind_and_a_waiting_extension_are_there(demo: Demo) -> None:
    assert {kind for (kind,) in demo.rows(select(Link.kind))} >= {
        "supervises", "checks", "repeats", "part_of", "filed_from", "county_review", "returns_to",
    }  # fmt: skip
    ledgers = [ledger for (ledger,) in demo.rows(select(Clock.ledger).where(Clock.state == "running"))]
    assert any(ledger["requested"] for ledger in ledgers)


def test_history_is_spread_over_four_months_and_ends_before_now(demo: Demo) -> None:
    moments = sorted(at for (at,) in demo.rows(select(Entry.at)))
    assert 105 <= (NOW - moments[0]).days <= 130
    assert moments[-1] <= NOW
    weeks = {at.isocalendar()[:2] for at in moments}
    assert len(weeks) >= 14


def test_the_tree_has_every_level_and_the_units_that_ledgers_name(demo: Demo) -> None:
    kinds = Counter(kind for (kind,) in demo.rows(select(Unit.kind)))
    assert kinds.keys() == {str(kind) for kind in UnitKind}
    named = ("柳河乡纪委", "白石镇纪委", "青山镇纪委", "城关镇纪委", "县水利局纪检组", "县教育局纪检组",
             "县住建局纪检组", "县民政局纪检组", "上河村", "下河村", "东风社区", "县二小", "镇农办")  # fmt: skip
    with demo.runtime.database.read() as session:
        assert [name for name in named if find_unit(session, name) is None] == []


def test_somebody_holds_every_role_of_the_pack(demo: Demo) -> None:
    held = {role for (role,) in demo.rows(select(Grant.role))}
    assert held == set(demo.engine.registry.pack.roles)
    assert _count(demo, Delegation) == 1


def test_the_log_ins_it_tells_work(demo: Demo) -> None:
    told = demo_logins(demo.runtime)
    assert {login for login, _, _ in told} >= {"fangwen", "guchanghe", "dingyiming"}
    for login, password, _ in told[:2]:
        _, person = open_session(demo.runtime.database, login, password, NOW)
        assert person.login == login


def test_no_two_people_share_a_name_and_nobody_bears_a_reported_one(demo: Demo) -> None:
    names = [name for (name,) in demo.rows(select(Person.name))]
    assert len(set(names)) == len(names)
    named_by_accident = demo.rows(select(Exclusion.why).where(Exclusion.person_id.is_not(None)))
    assert len(named_by_accident) == 2  # the colleague reported, the one recused


def test_receipt_codes_are_told_for_every_word_the_public_sees(demo: Demo) -> None:
    words = set(demo.engine.registry.procedures["petition"].public.values())
    assert demo.said["receipts"].keys() == words


def test_loading_twice_adds_nothing(demo: Demo) -> None:
    before = _count(demo, Matter), _count(demo, Entry), _count(demo, Person)
    assert load(demo.runtime, NOW, if_empty=True) == {"loaded": False}
    with pytest.raises(NotEmpty):
        load(demo.runtime, NOW)
    assert (_count(demo, Matter), _count(demo, Entry), _count(demo, Person)) == before


def test_the_same_day_gives_the_same_county(demo: Demo, tmp_path: Path) -> None:
    again = _fresh(tmp_path / "again")
    load(again, NOW)
    matters = select(Matter.number, Matter.title, Matter.state, Matter.due_at, Matter.version).order_by(Matter.id)
    with again.database.read() as session:
        assert list(session.execute(matters).all()) == demo.rows(matters)
    again.database.close()


def test_a_log_in_whose_password_was_changed_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.demo.loading.PROGRAMME", ())
    runtime = _fresh(tmp_path)
    load(runtime, NOW)
    with runtime.database.write() as session:
        clerk = session.scalars(select(Person.id).where(Person.login == "fangwen")).one()
        change_password(session, clerk, "something quite else", NOW)
    told = {login for login, _, _ in demo_logins(runtime)}
    assert "fangwen" not in told
    assert "guchanghe" in told
    runtime.database.close()


def test_it_can_be_told_over_the_spring_festival_under_the_national_pack(tmp_path: Path) -> None:
    runtime = _fresh(tmp_path, DUBAN_PACK="national")
    load(runtime, datetime(2026, 2, 25, 23, 0, tzinfo=UTC))
    engine = engine_for(runtime)
    check(County(runtime.database, engine))
    with runtime.database.read() as session:
        states = set(session.scalars(select(Matter.state).where(Matter.procedure == "petition")))
    assert states == {str(state) for state in engine.registry.procedures["petition"].states}
    runtime.database.close()


def test_a_failure_half_way_leaves_the_database_empty(tmp_path: Path) -> None:
    runtime = _fresh(tmp_path)

    def fails(_: int) -> None:
        raise RuntimeError("pulled the plug")

    with pytest.raises(RuntimeError, match="pulled the plug"):
        load(runtime, NOW, progress=fails)
    with runtime.database.read() as session:
        assert session.scalars(select(Unit.id)).all() == []
    assert demo_logins(runtime) == []
    runtime.database.close()


def _fresh(home: Path, **more: str) -> Runtime:
    runtime = make_runtime(load_settings({"DUBAN_HOME": str(home), **more}))
    migrations.upgrade(runtime.settings.database_url)
    return runtime


def _count(demo: Demo, model: Any) -> int:
    return len(demo.rows(select(model)))
