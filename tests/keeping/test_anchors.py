"""Anchors: what the journal's own chains cannot show, they show."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from config.settings import Settings
from services.administration import record
from services.engine import journal
from services.engine.models import Entry, Matter
from services.identity.access import CLOCK
from services.identity.sealing import Vault
from services.keeping.anchors import JournalBroken, anchor_journal, verify_anchors, verify_everything
from services.runs.models import FlowRun, RunState, Via
from services.runs.record import Outcome, begin_run, end_run
from services.runtime import Runtime
from tests.support.cast import County


@pytest.fixture
def works(county: County, vault: Vault, tmp_path: Path) -> Runtime:
    """The county behind a data folder, on both kinds of database."""
    return Runtime(Settings(home=tmp_path), county.database, vault)


def check(works: Runtime) -> dict[str, Any]:
    with works.database.read() as session:
        return verify_anchors(works, session)


def test_each_anchor_holds_what_has_grown_and_the_hash_of_the_one_before(county: County, works: Runtime) -> None:
    first, second = county.walk("accept"), county.open().matter_id
    one = anchor_journal(works, county.now)
    county.act(second, "accept", "clerk")
    two = anchor_journal(works, county.now + timedelta(days=1))
    three = anchor_journal(works, county.now + timedelta(days=2))
    assert [(a["number"], a["heads"]) for a in (one, two, three)] == [(1, 2), (2, 1), (3, 0)]
    text = Path(two["file"]).read_text()
    assert f"previous {one['sha256']}\n" in text
    assert f"\nhead {second} 2 " in text
    assert f"\nhead {first} " not in text
    found = check(works)
    assert (found["ok"], found["anchors"], found["heads"], found["last"]["sha256"]) == (True, 3, 3, three["sha256"])


def test_a_journal_that_goes_on_still_holds(county: County, works: Runtime) -> None:
    matter = county.walk("accept")
    anchor_journal(works, county.now)
    county.act(matter, "propose", *county.usual("propose"))
    assert check(works)["ok"]


def test_a_journal_rewritten_as_a_whole_is_found_by_anchors_alone(county: County, works: Runtime) -> None:
    matter = county.walk("accept", "propose")
    anchor_journal(works, county.now)
    _rewrite(county, matter)
    with works.database.read() as session:
        assert journal.verify(session)["ok"], "the chain itself holds"
    assert check(works)["broken"] == [{"anchor": 1, "matter_id": matter, "seq": 3, "why": "the journal was rewritten"}]
    with pytest.raises(JournalBroken, match=f"matter {matter} entry 3"):
        verify_everything(works, county.now)


def test_a_journal_cut_back_is_found_by_anchors_alone(county: County, works: Runtime) -> None:
    matter = county.walk("accept", "propose")
    anchor_journal(works, county.now)
    with works.database.write() as session:
        session.execute(delete(Entry).where(Entry.matter_id == matter, Entry.seq == 3))
        last = session.scalar(select(Entry.hash).where(Entry.matter_id == matter, Entry.seq == 2))
        session.execute(update(Matter).where(Matter.id == matter).values(journal_seq=2, journal_head=last))
    with works.database.read() as session:
        assert journal.verify(session)["ok"]
    assert [b["why"] for b in check(works)["broken"]] == ["the journal was cut back"]
    anchor_journal(works, county.now)
    assert not check(works)["ok"], "a later anchor does not make it good"


def test_the_record_of_administration_is_anchored_too(county: County, works: Runtime) -> None:
    with works.database.write() as session:
        record.write(session, CLOCK, county.now, "tried", {}, unit_id=None, person_id=None)
    anchor_journal(works, county.now)
    with works.database.write() as session:
        session.execute(update(record.Deed).values(hash="0" * 64))
    assert "administration" in check(works)["broken"][0]["why"]


@pytest.mark.parametrize(
    ("tamper", "why"),
    [
        (lambda files: _edit(files[1]), "not signed"),
        (lambda files: files[1].unlink(), "anchor 2 is missing"),
        (lambda files: files[2].unlink(), "anchor 3, made by the flow, is missing"),
        (lambda files: files[2].write_text("nothing"), "is no anchor"),
    ],
)
def test_tampered_anchors_are_found(county: County, works: Runtime, tamper: Any, why: str) -> None:
    county.walk("accept")
    for day in range(3):
        made = anchor_journal(works, county.now + timedelta(days=day))
    with works.database.write() as session:
        run = begin_run(session, "anchor_journal", county.now, county.now)
        end_run(session, run, Outcome(RunState.COMPLETED, Via.CLOCK, made), county.now)
        assert session.query(FlowRun).count() == 1
    assert check(works)["ok"]
    tamper(sorted(works.settings.anchor_folder.iterdir()))
    assert any(why in one["why"] for one in check(works)["broken"])


def _edit(file: Path) -> None:
    file.chmod(0o640)
    file.write_text(file.read_text().replace("number 2", "number 02"))


def _rewrite(county: County, matter: int) -> None:
    """What somebody can do who may write to the database and knows the format: all hashes fit again."""
    with county.database.write() as session:
        head = journal.Head(matter)
        for entry in session.scalars(select(Entry).where(Entry.matter_id == matter).order_by(Entry.seq)):
            said = {name: getattr(entry, name) for name in journal.COVERED} | {"previous": head.hash}
            said["actor_name"] = "别人"
            entry.actor_name, entry.previous, entry.hash = "别人", head.hash, journal.hash_of(said)
            head.seq, head.hash = entry.seq, entry.hash
        session.execute(update(Matter).where(Matter.id == matter).values(**head.columns()))
