"""Whom an import lets act, and what it refuses: nobody reported takes part, and every guard stays on."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from services.db.base import Base
from services.db.session import Database
from services.engine.models import Entry, Exclusion, Matter
from services.ledgers.cast import Wishes
from services.ledgers.errors import ImportRefused
from services.ledgers.importing import read_for_import
from tests.support.cast import County
from tests.support.ledgers import HEADINGS, NOW, bring_in, dump, named, row, staff, take_in, write_csv

ENDED = {"办结日期": "2016-04-20"}


@pytest.fixture
def staffed(county: County) -> County:
    return staff(county)


@pytest.fixture
def on_sqlite(sqlite_county: County) -> County:
    return staff(sqlite_county)


def test_whoever_is_reported_takes_no_part(on_sqlite: County, tmp_path: Path) -> None:
    # the first clerk, the leader of the handling unit and its first handler
    done = take_in(on_sqlite, tmp_path, row(1, 被反映人="赵信访、陈书记，王承办等3人", 处置方式="初步核实", **ENDED))
    away = {on_sqlite.people[key] for key in ("clerk", "township_leader", "handler")}
    with on_sqlite.database.read() as session:
        matter = session.scalars(select(Matter)).one()
        actors = set(session.scalars(select(Entry.actor_id)))
        excluded = set(session.scalars(select(Exclusion.person_id).where(Exclusion.matter_id == matter.id)))
    team = set(matter.record["steps"]["complete"]["answers"]["team"])
    assert excluded == away
    assert not away & (actors | team) and len(team) == 2
    assert not team & set(matter.record["steps"]["pass_recheck"]["answers"]["members"])
    assert done.acted == {
        "registrar": ["钱信访"], "approver": ["孙领导"], "handler": ["冯承办"],
        "team": sorted(done.acted["team"]), "rechecker": ["吴复核", "周复核"],
    }  # fmt: skip


def test_material_does_not_go_to_the_unit_reported(on_sqlite: County, tmp_path: Path) -> None:
    done = take_in(on_sqlite, tmp_path, row(1, 所在单位="柳河乡政府"), row(2, 被反映人="", 所在单位="上河村"))
    assert [(one.line, one.code) for one in done.reading.rejections] == [(3, "sent_to_reported_unit")]
    with on_sqlite.database.read() as session:
        matter = session.scalars(select(Matter)).one()
    assert matter.record["steps"]["open"]["answers"]["reported"][0]["name"] == "上河村"
    assert matter.number.endswith("1号")


def test_a_row_that_the_engine_refuses_leaves_no_trace(staffed: County, tmp_path: Path) -> None:
    before = dump(staffed.database)
    done = take_in(
        staffed,
        tmp_path,
        row(1, **named(**{"实名/匿名": "匿名"})),
        row(2, **{"实名/匿名": "实名"}),
        row(3, 件类="限时", 交办日期="2016-03-20", 限办日期="2016-03-10"),
        row(4, 收件日期="2017-02-01", 交办日期="2017-02-03"),
        row(5, 职务="长" * 101),
    )
    assert [one.code for one in done.reading.rejections] == [
        "anonymous_with_name", "complainant_missing", "unmeasured", "unknown_code", "string_too_long",
    ]  # fmt: skip
    assert "初步核实" in done.reading.rejections[3].zh
    assert (done.imported, done.counts()["importable"], done.counts()["rejected"]) == (0, 0, 5)
    assert dump(staffed.database) == before


def test_days_that_have_not_come_are_rejected(on_sqlite: County, tmp_path: Path) -> None:
    days = {"收件日期": "2017-03-02", "交办日期": "2017-03-03"}
    today = {"收件日期": "2017-03-01", "交办日期": "2017-03-01", "处置方式": "暂存待查", "办结日期": "2017-03-01"}
    done = take_in(on_sqlite, tmp_path, row(1, **days), row(2, 办结日期="2017-03-02"), row(3, **today))
    assert [(one.code, len(one.reasons)) for one in done.reading.rejections] == [
        ("in_the_future", 2),
        ("in_the_future", 1),
    ]
    assert done.imported == 1
    with on_sqlite.database.read() as session:
        assert max(session.scalars(select(Entry.at))) == NOW


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ({"unit": "nowhere"}, "unknown_unit"),
        ({"wishes": Wishes(registrar="nobody-here")}, "unknown_person"),
        ({"wishes": Wishes(registrar="handler")}, "nobody_to_act"),
        ({"wishes": Wishes(approver="township_leader")}, "nobody_to_act"),
        ({"wishes": Wishes(registrar="office", approver="office")}, "same_person"),
        ({"unit": "baishi", "wishes": Wishes(registrar="elsewhere", approver="elsewhere")}, "same_person"),
    ],
)
def test_it_does_not_begin_without_the_right_people(
    on_sqlite: County, tmp_path: Path, order: dict[str, Any], why: str
) -> None:
    before = dump(on_sqlite.database)
    with pytest.raises(ImportRefused) as caught:
        bring_in(on_sqlite, write_csv(tmp_path / "一.csv", [HEADINGS, row(1)]), **order)
    assert caught.value.extra["why"] == why
    assert caught.value.zh != str(caught.value)
    assert dump(on_sqlite.database) == before


def test_those_named_act(on_sqlite: County, tmp_path: Path) -> None:
    wishes = Wishes(registrar="office", approver="leader", handler="handler2")
    path = write_csv(
        tmp_path / "一.csv", [HEADINGS, row(1, 办结日期="2016-04-01"), row(2, 办结日期="2016-04-01", 承办单位="白石镇")]
    )
    done = bring_in(on_sqlite, path, wishes=wishes)
    assert done.acted == {"registrar": ["李主任"], "approver": ["孙领导"], "handler": ["冯承办"]}
    # he holds no role there: the engine's guards stay on
    assert [(one.line, one.code) for one in done.reading.rejections] == [(4, "matter_not_found")]


def test_whoever_registers_is_not_the_one_who_approves(on_sqlite: County, tmp_path: Path) -> None:
    # the only one in Baishi who may register is also the only one there who may approve; the county's leader is another
    path = write_csv(tmp_path / "一.csv", [HEADINGS, row(1, 承办单位="白石镇纪委")])
    done = bring_in(on_sqlite, path, unit="baishi", wishes=Wishes(registrar="elsewhere"))
    assert done.acted == {"registrar": ["卫承办"], "approver": ["孙领导"]}


def test_without_units_it_says_so(sqlite_county: County, tmp_path: Path) -> None:
    empty = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    Base.metadata.create_all(empty.engine)
    with pytest.raises(ImportRefused, match="no units") as caught:
        read_for_import(empty, sqlite_county.engine, write_csv(tmp_path / "一.csv", [HEADINGS, row(1)]))
    assert caught.value.extra["why"] == "no_units"
    empty.close()
