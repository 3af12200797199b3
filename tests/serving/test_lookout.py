"""The web tells of a dead clock: once, whoever of several looks, and by mail too."""

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config.settings import Settings
from services.app import create_app
from services.engine.models import Message
from services.identity.sealing import Vault
from services.runs.health import SWEEP, SWEPT_WITHIN, note_plan
from services.runs.models import FlowIncident, RunState, Via
from services.runs.pausing import pause_flow
from services.runs.record import Outcome, begin_run, end_run
from services.runtime import Runtime
from services.serving import lookout
from services.serving.lookout import Lookout
from tests.api.web import TestClient
from tests.support.cast import County


@pytest.fixture
def works(county: County, vault: Vault, tmp_path: Path) -> Runtime:
    """The county on both kinds of database, swept just now."""
    _sweep(county)
    return Runtime(Settings(home=tmp_path), county.database, vault)


def test_it_is_told_once_for_each_time(county: County, works: Runtime) -> None:
    look = Lookout(works, lambda: county.now).look
    assert not look()
    county.now += SWEPT_WITHIN + timedelta(minutes=1)
    assert (look(), look()) == (True, False)
    told = _messages(county)
    assert {message.person_id for message in told} >= {county.people["supervisor"]}
    assert len(told) == len({message.person_id for message in told})
    assert "没有按时运行" in told[0].text
    _sweep(county)
    _close_incident(county)
    assert not look()
    county.now += SWEPT_WITHIN + timedelta(minutes=1)
    assert look(), "another time"


def test_of_several_that_look_at_once_one_tells(county: County, works: Runtime) -> None:
    county.now += timedelta(days=1)
    answers: list[bool] = []
    threads = [
        threading.Thread(target=lambda: answers.append(Lookout(works, lambda: county.now).look())) for _ in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False, False, False, True]
    assert len(_messages(county)) == len({message.person_id for message in _messages(county)})


def test_a_sweep_that_never_was_is_told_of_though_no_clock_ever_ran(
    county: County, vault: Vault, tmp_path: Path
) -> None:
    works = Runtime(Settings(home=tmp_path), county.database, vault)
    assert Lookout(works, lambda: county.now).look()


def test_a_paused_sweep_is_no_trouble(county: County, works: Runtime) -> None:
    with county.database.write() as session:
        note_plan(session, {SWEEP: None}, county.now)
        pause_flow(session, SWEEP, "机房停电检修", county.actor("office", session), county.now)
    county.now += timedelta(days=1)
    assert not Lookout(works, lambda: county.now).look()


def test_mails_leave_though_the_clock_is_dead(county: County, works: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    delivered: list[Any] = []
    monkeypatch.setattr(lookout, "deliver", lambda *given: delivered.append(given))
    county.now += timedelta(days=1)
    Lookout(works, lambda: county.now).look()
    assert delivered == [(works, county.now)]


def test_it_looks_while_the_web_is_served_and_survives_what_fails(
    sqlite_county: County, vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookout, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(lookout, "SETTLED_AFTER", 0.0)
    looked = threading.Semaphore(0)

    def failing(_: Lookout) -> bool:
        looked.release()
        raise RuntimeError("gone")

    monkeypatch.setattr(Lookout, "look", failing)
    works = Runtime(Settings(home=tmp_path), sqlite_county.database, vault)
    with TestClient(create_app(works)):
        assert looked.acquire(timeout=20)
        assert looked.acquire(timeout=20), "again, though the first look failed"


def _sweep(county: County) -> None:
    with county.database.write() as session:
        run = begin_run(session, SWEEP, county.now, county.now)
        end_run(session, run, Outcome(RunState.COMPLETED, Via.CLOCK, {}), county.now)


def _close_incident(county: County) -> None:
    """What the clock does once all is well again."""
    with county.database.write() as session:
        session.scalars(select(FlowIncident)).one().closed_at = county.now


def _messages(county: County) -> list[Message]:
    with county.database.read() as session:
        return list(session.scalars(select(Message).where(Message.kind == "machine")))
