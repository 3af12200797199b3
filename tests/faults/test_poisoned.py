"""Matters that cannot be served: each is set aside with its reason, stops no other, and comes back once mended."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from config.settings import Settings
from services.engine import aside
from services.engine import sweep as sweeping
from services.engine.aside import SetAside, list_aside
from services.engine.models import Clock, FiredRung, Matter, Text, WorkItem
from services.engine.recomputing import recompute_all
from services.engine.sweep import sweep, sweep_all
from services.engine.work import claim
from services.identity.models import Person
from services.identity.sealing import Vault
from services.runtime import Runtime
from tests.support.cast import County
from tests.support.invariants import check, rows_of
from tests.support.rungs import assert_each_rung_once, overdue

Undo = Callable[[], None]
LOST = "f" * 64


def _put(county: County, model: Any, where: Any, **values: Any) -> list[Any]:
    with county.database.write() as session:
        before = [dict(row) for row in session.execute(select(*model.__table__.c).where(where)).mappings()]
        session.execute(update(model).where(where).values(**values))
    return before


def _spoil(county: County, model: Any, where: Any, **values: Any) -> Undo:
    """Write what no path of the product writes; return what puts it right again."""
    before = _put(county, model, where, **values)

    def undo() -> None:
        for row in before:
            _put(county, model, model.id == row["id"], **{name: row[name] for name in values})

    return undo


def policy_gone(county: County, matter_id: int) -> Undo:
    with county.database.write() as session:
        if session.get(Text, LOST) is None:
            session.add(Text(hash=LOST, kind="policy", key="petition", pack="tongcheng", effective=county.today,
                             text="{}", signature="", first_used_at=county.now))  # fmt: skip
    return _spoil(county, Matter, Matter.id == matter_id, policy_hash=LOST)


def clock_unknown(county: County, matter_id: int) -> Undo:
    return _spoil(county, Clock, (Clock.matter_id == matter_id) & (Clock.name == "handling"), name="no_such_clock")


def date_gone(county: County, matter_id: int) -> Undo:
    return _spoil(county, Clock, (Clock.matter_id == matter_id) & (Clock.name == "handling"), effective_due=None)


def journal_torn(county: County, matter_id: int) -> Undo:
    return _spoil(county, Matter, Matter.id == matter_id, journal_seq=1)


def answers_gone(county: County, matter_id: int) -> Undo:
    """What a rung would open cannot be: the rung waits with it, so that it is not lost."""
    return _spoil(county, Matter, Matter.id == matter_id, record={})


POISONS = (policy_gone, clock_unknown, date_gone, journal_torn, answers_gone)


def _fired(county: County, ids: list[int]) -> int:
    with county.database.read() as session:
        return len([f for f in rows_of(session, FiredRung) if f["matter_id"] in ids])


@pytest.mark.parametrize("batch", [3, 500])
def test_poisoned_matters_stop_nobody_and_come_back(
    county: County, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(sweeping, "BATCH", batch)
    ids = overdue(county, len(POISONS) + 3)
    bad, healthy = ids[1:-2], [ids[0], *ids[-2:]]
    undo = [poison(county, matter_id) for poison, matter_id in zip(POISONS, bad, strict=True)]

    swept = sweep_all(county.database, county.engine, county.now)
    assert swept["set_aside"] >= len(bad)
    each = _fired(county, healthy) / len(healthy)
    assert each == int(each) > 0
    with county.database.read() as session:
        rows = list_aside(session)
    assert {row.matter_id for row in rows} == set(bad)
    assert all(row.why and row.zh and row.tries == 1 and row.since == county.now for row in rows)
    assert not any(word in row.zh for row in rows for word in ("Traceback", "林举报"))

    again = sweep_all(county.database, county.engine, county.now + timedelta(minutes=10))
    assert (again["due"], again["fired"], again["set_aside"]) == (0, 0, 0)
    county.now += aside.FOR + timedelta(seconds=1)
    tried = sweep_all(county.database, county.engine, county.now)
    assert (tried["fired"], tried["set_aside"]) == (0, swept["set_aside"])

    for mend in undo:
        mend()
    with county.database.write() as session:
        assert aside.try_again(session, county.now) == swept["set_aside"]
    assert sweep_all(county.database, county.engine, county.now)["set_aside"] == 0
    assert _fired(county, bad) == each * len(bad)
    with county.database.write() as session:
        assert list_aside(session) == []
        session.execute(delete(Text).where(Text.hash == LOST))
    assert_each_rung_once(county)


def test_a_state_nobody_knows_does_not_keep_a_deadline_from_being_watched(county: County) -> None:
    ids = overdue(county, 2)
    mend = _spoil(county, Matter, Matter.id == ids[0], state="nowhere")
    assert sweep_all(county.database, county.engine, county.now)["set_aside"] == 0
    assert _fired(county, ids[:1]) == _fired(county, ids[1:]) > 0
    mend()
    assert_each_rung_once(county)


def test_the_calendar_is_brought_in_for_all_others(county: County) -> None:
    ids = overdue(county, 4)
    undo = [policy_gone(county, ids[0]), clock_unknown(county, ids[1])]
    _put(county, Clock, Clock.state == "running", calendar_version="old")
    recompute_all(county.database, county.engine, county.now)
    with county.database.read() as session:
        left = set(session.scalars(select(Clock.matter_id).where(Clock.calendar_version == "old")))
        assert left == set(ids[:2]) == set(session.scalars(select(SetAside.matter_id)))
    for mend in undo:
        mend()
    county.now += aside.FOR + timedelta(seconds=1)
    recompute_all(county.database, county.engine, county.now)
    with county.database.read() as session:
        assert not session.scalars(select(Clock.id).where(Clock.calendar_version == "old")).all()


def test_what_ended_meanwhile_is_forgotten(county: County) -> None:
    ids = overdue(county, 1)
    mend = clock_unknown(county, ids[0])
    sweep_all(county.database, county.engine, county.now)
    mend()
    _put(county, Clock, Clock.matter_id == ids[0], state="stopped")
    with county.database.write() as session:
        assert aside.count_aside(session) == 1
        aside.forget_ended(session, county.now)
        assert aside.count_aside(session) == 0


def test_a_matter_that_cannot_be_routed_on_stops_no_other(county: County, vault: Vault, tmp_path: Path) -> None:
    """Two wait for somebody who is gone, and of one the journal is torn."""
    works = Runtime(Settings(home=tmp_path), county.database, vault)
    stranded = [county.walk("accept", "propose", "approve") for _ in range(2)]
    for matter_id in stranded:
        county.act(matter_id, "recuse", "office", {"person": county.people["handler2"], "reason": "亲属关系"})
        with county.database.write() as session:
            item = session.scalars(select(WorkItem).where(WorkItem.matter_id == matter_id, WorkItem.kind == "turn",
                                                          WorkItem.closed_at.is_(None))).one()  # fmt: skip
            claim(session, county.engine, item.id, county.actor("handler", session), county.now)
    with county.database.write() as session:
        session.execute(update(Person).where(Person.id == county.people["handler"]).values(active=False))
    mend = journal_torn(county, stranded[0])
    assert sweep(works, county.now)["rerouted"] == 1
    with county.database.read() as session:
        assert [(row.matter_id, row.clock) for row in list_aside(session)] == [(stranded[0], None)]
    mend()
    assert sweep(works, county.now + timedelta(minutes=10))["rerouted"] == 1
    with county.database.read() as session:
        assert list_aside(session) == []
    check(county)
