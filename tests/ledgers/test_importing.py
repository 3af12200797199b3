"""A ledger goes through the engine: every row a petition where the ledger says it stands, with nothing invented."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config.calendar import SHANGHAI, local_date
from services.db.session import Database
from services.engine import journal
from services.engine.core import Engine
from services.engine.models import Clock, Entry, FiredRung, Matter, WorkItem
from services.engine.perform import perform
from services.engine.sweep import sweep_all
from services.identity.store import open_field
from services.ledgers import importing
from tests.support.cast import County
from tests.support.ledgers import NOW, bring_in, dump, named, row, staff, take_in

SAMPLE = {
    "rows": 240,
    "importable": 214,
    "rejected": 26,
    "reasons": {
        "unknown_class": 9,
        "missing_received_date": 6,
        "number_used_twice": 4,
        "unknown_unit": 3,
        "ended_before_received": 2,
        "impossible_date": 2,
    },
    "out_of_scope": 31,
    "anonymous": 97,
    "ended": 139,
}
ENDED = {"办结日期": "2016-04-20"}
WALKS: list[tuple[dict[str, object], str, str, set[str]]] = [
    # cells, state, unit that has it, clocks running
    ({}, "handling", "liuhe", {"handling"}),
    ({"处置方式": "初步核实", "件类": "重大疑难复杂"}, "handling", "liuhe", {"handling"}),
    ({"处置方式": "谈话函询"}, "inquiry", "liuhe", {"handling", "inquiry_reply"}),
    ({"处置方式": "暂存"}, "held", "liuhe", {"held_review"}),
    ({"处置方式": ""}, "triage", "county", {"disposition"}),
    ({"处置方式": "了结"}, "filing", "liuhe", {"archiving"}),
    ({**ENDED}, "filing", "liuhe", {"archiving"}),
    ({"处置方式": "初步核实", **ENDED}, "filing", "liuhe", {"archiving"}),
    ({"处置方式": "谈话函询", **ENDED}, "filing", "liuhe", {"archiving", "meeting_report"}),
    ({"处置方式": "暂存", **ENDED}, "filing", "liuhe", {"archiving"}),
    ({"处置方式": "", **ENDED}, "filing", "liuhe", {"archiving"}),
    ({"处置方式": "初步核实", **named(), **ENDED}, "feedback", "liuhe", {"result_feedback", "acceptance_notice"}),
    ({**named()}, "handling", "liuhe", {"handling", "acceptance_notice"}),
    ({"问题类别": "税收", "处置方式": ""}, "refused", "county", {"transfer"}),
    ({"问题类别": "拖欠工程款", "处置方式": "", **ENDED}, "filing", "county", {"archiving"}),
    ({"问题类别": "税收", "处置方式": "", **named(), **ENDED}, "refused", "county", {"transfer", "refusal_notice"}),
    ({"来源": "上级交办", "承办单位": "县教育局纪检组"}, "handling", "县教育局", {"handling"}),
    ({"件类": "限时", "限办日期": "2016-05-31"}, "handling", "liuhe", {"handling"}),
]


@pytest.fixture
def staffed(county: County) -> County:
    return staff(county)


@pytest.fixture
def on_sqlite(sqlite_county: County) -> County:
    return staff(sqlite_county)


def matters(database: Database) -> list[Matter]:
    with database.read() as session:
        return list(session.scalars(select(Matter).order_by(Matter.id)))


def test_the_countys_ledger(on_sqlite: County, real_ledger: Path) -> None:
    before = dump(on_sqlite.database)
    tried = bring_in(on_sqlite, real_ledger, dry_run=True)
    assert dump(on_sqlite.database) == before
    assert SAMPLE.items() <= tried.counts().items()

    done = bring_in(on_sqlite, real_ledger)
    assert done.counts() == tried.counts()
    assert (done.imported, done.already_there) == (214, 0)
    assert done.states == {"feedback": 78, "filing": 68, "handling": 16, "held": 12, "inquiry": 9, "refused": 31}
    once = dump(on_sqlite.database)
    again = bring_in(on_sqlite, real_ledger)
    assert (again.imported, again.already_there) == (0, 214)
    assert SAMPLE.items() <= again.counts().items()
    assert dump(on_sqlite.database) == once
    with on_sqlite.database.read() as session:
        assert journal.verify(session)["ok"]


def test_every_petition_stands_where_the_ledger_says(staffed: County, tmp_path: Path) -> None:
    done = take_in(staffed, tmp_path, *(row(n, **cells) for n, (cells, *_) in enumerate(WALKS, 1)))
    assert [(one.line, one.en) for one in done.reading.rejections] == []
    for matter, (cells, state, unit, running) in zip(matters(staffed.database), WALKS, strict=True):
        assert (matter.state, matter.unit_id) == (state, staffed.units[unit]), cells
        with staffed.database.read() as session:
            clocks = session.scalars(select(Clock).where(Clock.matter_id == matter.id, Clock.state == "running"))
            assert {clock.name for clock in clocks} == running, cells


def test_clocks_run_from_the_ledgers_days(on_sqlite: County, tmp_path: Path) -> None:
    given = {"件类": "限时", "限办日期": "2016-05-31"}
    take_in(on_sqlite, tmp_path, row(1, 件类="较重大疑难复杂"), row(2, **given), row(3, **ENDED, 处置方式="暂存"))
    with on_sqlite.database.read() as session:
        clocks = {(c.matter_id, c.name): c for c in session.scalars(select(Clock))}
        ids = [matter.id for matter in matters(on_sqlite.database)]
        handling = clocks[ids[0], "handling"]
        assert (handling.anchor, handling.effective_due) == (date(2016, 3, 4), date(2016, 5, 4))
        assert clocks[ids[1], "handling"].effective_due == date(2016, 5, 31)
        assert clocks[ids[0], "screening"].outcome == "on_time"
        assert clocks[ids[2], "archiving"].anchor == date(2016, 4, 20)
        days = [local_date(at) for at in session.scalars(select(Entry.at).where(Entry.matter_id == ids[2]))]
    assert days == [date(2016, 3, 1), *[date(2016, 3, 4)] * 3, date(2016, 4, 20), local_date(NOW)]


def test_those_overdue_escalate_at_the_next_sweep(staffed: County, tmp_path: Path) -> None:
    fresh = {"收件日期": "2017-02-24", "交办日期": "2017-02-27", "处置方式": "初步核实"}
    done = take_in(staffed, tmp_path, row(1), row(2, **fresh), row(3, **ENDED))
    assert done.escalating == 2
    sweep_all(staffed.database, staffed.engine, NOW)
    with staffed.database.read() as session:
        fired = set(session.scalars(select(FiredRung.matter_id)))
    assert fired == {matter.id for matter in matters(staffed.database)[:3:2]}


def test_open_petitions_wait_for_those_who_hold_the_role_today(on_sqlite: County, tmp_path: Path) -> None:
    # nobody handled for the education office in 2016: on that day the petition would have gone to the county office
    take_in(on_sqlite, tmp_path, row(1, 承办单位="县教育局纪检组"), row(2))
    with on_sqlite.database.read() as session:
        items = select(WorkItem.role, WorkItem.unit_id).where(WorkItem.closed_at.is_(None)).order_by(WorkItem.matter_id)
        waiting = session.execute(items).all()
        noted = select(Entry.content).where(Entry.action == "import").order_by(Entry.matter_id)
        notes = list(session.scalars(noted))
    assert waiting == [("handler", on_sqlite.units["县教育局"]), ("handler", on_sqlite.units["liuhe"])]
    assert notes[0]["unit_id"] == on_sqlite.units["县教育局"] and "unit_id" not in notes[1]


def test_every_answer_says_that_it_is_the_ledgers(on_sqlite: County, tmp_path: Path) -> None:
    cells = [{**named(), **ENDED, "处置方式": way, "备注": "重复件"} for way in ("初步核实", "谈话函询", "暂存", "")]
    take_in(on_sqlite, tmp_path, *(row(n, **one) for n, one in enumerate(cells, 1)), row(5, 问题类别="税收", **ENDED))
    with on_sqlite.database.read() as session:
        told = select(Entry.matter_id, Entry.action, Entry.content).order_by(Entry.matter_id, Entry.seq)
        entries = session.execute(told).all()
    lines = {matter.id: number for number, matter in enumerate(matters(on_sqlite.database), 3)}
    for matter_id, action, content in entries:
        if action == "import":
            assert content["line"] == lines[matter_id]
        else:
            assert f"据台账导入：第{lines[matter_id]}行" in str(content["answers"]), action
    assert "备注：重复件" in str(entries[0].content)
    completed = [content["answers"] for _, action, content in entries if action == "complete"]
    assert {answers["result"] for answers in completed} == {"not_recorded"}


def test_the_complainant_is_sealed_and_nowhere_else(staffed: County, tmp_path: Path) -> None:
    secrets = ("欧阳举报", "13912345678")
    told = "欧阳举报（13912345678）反映村干部公车私用"
    cells = named(主要内容=told, 备注="欧阳举报已来电", 职务="欧阳举报之邻", 所在单位="欧阳举报所在村", **ENDED)
    take_in(staffed, tmp_path, row(1, **cells), row(2, **named(承办单位="柳河乡纪委", 限办日期="2016-01-01")))
    [matter] = matters(staffed.database)
    everything = repr(dump(staffed.database))
    assert "公车私用" in everything
    assert not [secret for secret in secrets if secret in everything]
    if staffed.database.url.database and staffed.database.url.get_backend_name() == "sqlite":
        folder = Path(staffed.database.url.database).parent
        kept = b"".join(file.read_bytes() for file in folder.glob("duban.db*"))
        assert "公车私用".encode() in kept
        assert not [secret for secret in secrets if secret.encode() in kept]
    with staffed.database.read() as session:
        sealed = open_field(session, staffed.engine.vault, matter.id, "complainant")
    assert sealed is not None and all(secret in sealed for secret in secrets)


@pytest.mark.parametrize("fatal", [1, 60])
def test_a_crash_leaves_nothing(staffed: County, tmp_path: Path, fatal: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(n, **cells) for n, (cells, *_) in enumerate(WALKS * 2, 1)]
    before = dump(staffed.database)
    calls = 0

    def crash(*args: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == fatal:
            raise KeyboardInterrupt
        return perform(*args, **more)

    monkeypatch.setattr(importing, "perform", crash)
    with pytest.raises(KeyboardInterrupt):
        take_in(staffed, tmp_path, *rows)
    assert dump(staffed.database) == before
    assert take_in(staffed, tmp_path, *rows).imported == len(rows)


def test_the_steps_are_of_the_ledgers_days_and_the_import_of_today(on_sqlite: County, tmp_path: Path) -> None:
    take_in(on_sqlite, tmp_path, row(1))
    with on_sqlite.database.read() as session:
        at = dict(session.execute(select(Entry.action, Entry.at)).tuples().all())
    assert at["open"] == datetime(2016, 3, 1, 17, tzinfo=SHANGHAI)
    assert at["import"] == NOW


def test_the_pack_national_takes_ledgers_too(sqlite_county: County, engine: Engine, tmp_path: Path) -> None:
    staff(sqlite_county)
    sqlite_county.engine = Engine.of("national", engine.vault)
    done = take_in(sqlite_county, tmp_path, *(row(n, **cells) for n, (cells, *_) in enumerate(WALKS, 1)))
    assert done.imported == len(WALKS)
