"""A running matter keeps its rules until someone moves it on purpose, with a preview and a reason."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from config.packs import POLICIES, load_pack
from services.engine import journal
from services.engine.core import Engine
from services.engine.errors import ActionRefused, MatterNotFound, NotPermitted
from services.engine.models import Clock, Entry, FiredRung, Matter
from services.engine.rebinding import Mode, preview, rebind
from services.engine.registry import Registry
from services.engine.sweep import sweep_all
from tests.support.cast import County

REASON = "新规自今日起适用"


@pytest.fixture
def stricter(county: County, tmp_path: Path) -> Engine:
    """The same pack after a decree: half a month for general petitions, one day less to warn."""
    root = tmp_path / "policies"
    for pack in ("national", "tongcheng"):
        (root / pack).mkdir(parents=True)
        for file in (POLICIES / pack).glob("*.toml"):
            text = file.read_text(encoding="utf-8")
            text = text.replace('general = "1 month", complex', 'general = "15 day", complex')
            (root / pack / file.name).write_text(text, encoding="utf-8")
    pack = load_pack("tongcheng", root)
    return Engine(Registry(pack, county.engine.vault), county.engine.vault, county.engine.calendar)


def clock_of(county: County, matter_id: int) -> Clock:
    with county.database.read() as session:
        return session.scalars(select(Clock).where(Clock.matter_id == matter_id, Clock.name == "handling")).one()


def move(county: County, engine: Engine, matter_id: int, mode: Mode, who: str = "leader", reason: str = REASON) -> None:
    with county.database.write() as session:
        rebind(engine, session, matter_id, mode, reason, county.actor(who, session), county.now)


@pytest.mark.parametrize(
    ("mode", "due"),
    [
        (Mode.KEEP, date(2016, 4, 1)),
        (Mode.RECOMPUTE, date(2016, 3, 16)),
        (Mode.RESTART, date(2016, 3, 21)),
    ],
)
def test_a_clock_keeps_is_recomputed_or_restarts(county: County, stricter: Engine, mode: Mode, due: date) -> None:
    matter_id = county.walk("accept", "propose", "approve")
    county.later(days=5)
    with county.database.read() as session:
        foreseen = preview(stricter, session, matter_id, mode, county.actor("leader", session), county.now)
    assert {e.clock: e.after for e in foreseen}["handling"] == due
    assert clock_of(county, matter_id).effective_due == date(2016, 4, 1)  # a preview changes nothing
    move(county, stricter, matter_id, mode)
    assert clock_of(county, matter_id).effective_due == due
    with county.database.read() as session:
        entry = session.scalars(select(Entry).where(Entry.action == "rules_changed")).one()
        assert entry.content["reason"] == REASON
        assert session.get_one(Matter, matter_id).policy_hash == entry.content["policy"]
        assert journal.verify(session)["ok"]


def test_until_then_it_runs_on_its_own_rules(county: County, stricter: Engine) -> None:
    matter_id = county.walk("accept", "propose")
    county.engine = stricter
    county.act(matter_id, "approve", *county.usual("approve"))
    assert clock_of(county, matter_id).effective_due == date(2016, 4, 1)


def test_rungs_that_fired_do_not_fire_again(county: County, stricter: Engine) -> None:
    matter_id = county.walk("accept", "propose", "approve", anonymous=True, complainant=None)
    county.later(days=28)
    sweep_all(county.database, county.engine, county.now)
    move(county, stricter, matter_id, Mode.RECOMPUTE)
    sweep_all(county.database, stricter, county.now)
    with county.database.read() as session:
        fired = session.scalars(select(FiredRung.rung).order_by(FiredRung.id)).all()
    assert fired == ["-3 workday", "0", "+1 workday", "+3 workday"]


def test_it_needs_a_right_and_a_reason(county: County, stricter: Engine) -> None:
    matter_id = county.walk("accept", "propose", "approve")
    with pytest.raises(NotPermitted):
        move(county, stricter, matter_id, Mode.KEEP, "handler")
    with pytest.raises(MatterNotFound):
        move(county, stricter, matter_id, Mode.KEEP, "nobody")
    with pytest.raises(ActionRefused, match="say why"):
        move(county, stricter, matter_id, Mode.KEEP, reason=" ")
    assert clock_of(county, matter_id).effective_due == date(2016, 4, 1)
