"""Importing twice, importing what was mended, and ledgers of other shapes."""

import stat
from pathlib import Path

import openpyxl
import pytest

from services.engine.models import Matter
from services.ledgers.returning import return_rejections
from statemachines.kit.policy import CodeList
from tests.support.cast import County
from tests.support.ledgers import HEADINGS, bring_in, dump, named, row, staff, write_csv


@pytest.fixture
def staffed(sqlite_county: County) -> County:
    return staff(sqlite_county)


def count(county: County) -> int:
    with county.database.read() as session:
        return session.query(Matter).count()


def test_importing_twice_adds_nothing(county: County, tmp_path: Path) -> None:
    staff(county)
    rows = [HEADINGS, row(1), row(2, **named()), row(3, 问题类别="税收")]
    assert bring_in(county, write_csv(tmp_path / "一.csv", rows)).imported == 3
    before = dump(county.database)
    # the same petitions under another title, one of them ended meanwhile, and one new
    later = [HEADINGS, row(1, 办结日期="2016-05-01"), row(2, **named()), row(3, 问题类别="税收")]
    again = bring_in(county, write_csv(tmp_path / "二.csv", later, title="全年台账"))
    assert (again.imported, again.already_there, again.reading.rejections) == (0, 3, ())
    assert dump(county.database) == before
    assert bring_in(county, write_csv(tmp_path / "三.csv", [*later, row(4)])).imported == 1


def test_a_number_of_the_ledger_stands_for_one_petition(staffed: County, tmp_path: Path) -> None:
    path = tmp_path / "台账.csv"
    bring_in(staffed, write_csv(path, [HEADINGS, row(1)]))
    other = [HEADINGS, row(1, 被反映人="另一人")]
    done = bring_in(staffed, write_csv(path, other))
    assert [one.code for one in done.reading.rejections] == ["number_used_twice"]
    assert "信访〔2016〕1号" in done.reading.rejections[0].zh
    assert bring_in(staffed, write_csv(path, other, title="另一本台账")).imported == 1


def test_what_was_mended_is_imported_and_the_rest_comes_back(staffed: County, tmp_path: Path) -> None:
    rows = [HEADINGS, row(1), row(2, 件类="特急件"), row(1, 主要内容="又一件"), row(4, **{"实名/匿名": "实名"})]
    returned = tmp_path / "退回.xlsx"
    first = bring_in(staffed, write_csv(tmp_path / "台账.csv", rows))
    assert first.imported == 1
    return_rejections(first.reading, returned)
    assert stat.S_IMODE(returned.stat().st_mode) == 0o600

    book = openpyxl.load_workbook(returned)
    sheet = book.active
    assert sheet is not None
    columns = {cell.value: cell.column for cell in sheet[2]}
    assert [cell.value for cell in sheet["A"]][2:] != [None] * 3
    sheet.cell(3, columns["件类"], "一般")
    sheet.cell(5, columns["举报人"], "欧阳举报")
    book.save(returned)

    mended = bring_in(staffed, returned)
    assert mended.imported == 2
    assert [one.code for one in mended.reading.rejections] == ["number_used_twice"]
    assert count(staffed) == 3
    return_rejections(mended.reading, returned)
    assert bring_in(staffed, returned).imported == 0
    assert list(tmp_path.glob("tmp*")) == []


def test_a_ledger_of_another_shape(staffed: County, tmp_path: Path) -> None:
    headings = [
        "登记编号",
        "来信时间",
        "信访形式",
        "是否实名",
        "信访人",
        "被举报人",
        "问题性质",
        "反映的主要问题",
        "类别",
        "转办单位",
        "结案时间",
    ]
    rows = [
        headings,
        [
            "信〔2016〕7号",
            "2016年1月7日",
            "走访",
            "是",
            "欧阳举报",
            "某校长",
            "学校收费",
            "乱收费",
            "一般件",
            "县纪委驻县教育局纪检组",
            "",
        ],
        [
            "信〔2016〕8号",
            "〃",
            "电话",
            "否",
            "",
            "",
            "征地拆迁",
            "征地补偿不公",
            "重大疑难复杂",
            "白石镇人民政府",
            "16.2.5",
        ],
        [
            "信〔2016〕9号",
            "１月９日",
            "网上举报",
            "否",
            "",
            "某会计",
            "截留低保金",
            "",
            "一般",
            "城关镇党委",
            "2016.3.9",
        ],
        ["合计", "3件"],
    ]
    done = bring_in(staffed, write_csv(tmp_path / "2016.csv", rows, encoding="gb18030"))
    assert done.reading.rejections == ()
    assert done.states == {"filing": 2, "triage": 1}
    with staffed.database.read() as session:
        steps = [matter.record["steps"] for matter in session.query(Matter).order_by(Matter.id)]
    registered = [one["open"]["answers"] for one in steps]
    assert [one["problem_fields"] for one in registered] == [["other_discipline"], ["land_requisition"], ["subsidies"]]
    assert [one["channel"] for one in registered] == ["visit", "call", "online"]
    assert "问题类别：学校收费" in registered[0]["content"] and "承办单位：县教育局" in registered[0]["content"]
    assert "refuse" in steps[1] and steps[2]["propose"]["answers"]["disposition"] == "closed"


def test_an_alias_stands_for_a_code_of_its_list() -> None:
    listed = CodeList(values={"visit": "来访"}, source="测试", aliases={"走访": "visit"})
    assert listed.aliases == {"走访": "visit"}
    with pytest.raises(ValueError, match="unknown codes: call"):
        CodeList(values={"visit": "来访"}, source="测试", aliases={"电话": "call"})
