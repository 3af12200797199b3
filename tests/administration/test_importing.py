"""Units and people from a workbook: what is tried, what is refused, and that a second time changes nothing."""

from collections.abc import Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import func, select

from services.administration.importing import KIND_TITLES, Outcome, Result, counts, import_rows, refused
from services.administration.models import Deed
from services.administration.office import COMMAND_LINE, Office
from services.administration.sheets import HEADINGS, PEOPLE, UNITS, read_rows, write_refused, write_template
from services.identity.models import Grant, Person, Post, Unit
from services.identity.people import deactivate, grant
from services.ledgers.tables import LedgerUnreadable
from tests.support.cast import County
from tests.support.dump import dump

UNIT_ROWS = [
    {"code": "xia", "name": "下河村", "kind": "村（社区）、基层单位", "parent": "new"},
    {"code": "new", "name": "新设镇", "kind": "乡镇（街道）", "parent": "清河县", "founded_on": "2016年1月1日"},
    {"code": "liuhe", "name": "柳河镇", "kind": "乡镇", "parent": "county"},
    {"code": "water", "name": "县水利局", "kind": "县直部门", "parent": "county"},
    {"code": "bad", "name": "无上级", "kind": "乡镇", "parent": "没有的县"},
    {"code": "odd", "name": "怪单位", "kind": "衙门", "parent": "county"},
]
PEOPLE_ROWS = [
    {"name": "新人甲", "login": "xinjia", "unit": "下河村", "title": "支部书记", "head": "是",
     "held_from": "2016-02-01", "roles": "承办人、分管领导", "password": "qing-he-first"},
    {"name": "新人甲", "login": "xinjia", "unit": "新设镇", "title": "委员"},
    {"name": "新人乙", "unit": "xia", "title": "会计"},
    {"name": "王承办", "login": "handler", "unit": "liuhe", "title": "干事", "roles": "handler"},
    {"name": "错名", "login": "handler", "unit": "liuhe", "title": "干事"},
    {"name": "新人丙", "login": "xinbing", "unit": "liuhe", "title": "干事", "roles": "皇帝"},
    {"name": "新人丁", "login": "xinding", "unit": "liuhe", "title": "干事", "held_from": "去年"},
    {"name": "新人戊", "login": "xinwu", "unit": "liuhe", "title": "干事", "password": "short"},
    {"name": "赵信访", "unit": "liuhe", "title": "干事"},
    {"name": "", "unit": "liuhe", "title": "干事"},
]  # fmt: skip


def book(
    path: Path, units: Sequence[dict[str, Any]] = UNIT_ROWS, people: Sequence[dict[str, Any]] = PEOPLE_ROWS
) -> Path:
    made = Workbook()
    made.remove(made.worksheets[0])
    for name, rows in ((UNITS, units), (PEOPLE, people)):
        sheet = made.create_sheet(name)
        sheet.append([title for title, _ in HEADINGS[name].values()])
        for row in rows:
            sheet.append([row.get(field) for field in HEADINGS[name]])
    made.save(path)
    return path


def run(county: County, path: Path, dry_run: bool = False, who: str | None = None) -> list[Result]:
    @contextmanager
    def opened() -> Any:
        with county.database.write() as session:
            actor = county.actor(who, session) if who else COMMAND_LINE
            yield Office(session, actor, county.now, county.engine.registry.pack.roles)

    return import_rows(opened, read_rows(path), dry_run)


def outcomes(results: Sequence[Result], sheet: str) -> list[str]:
    return [str(r.outcome) for r in results if r.row.sheet == sheet]


def test_valid_rows_go_in_and_the_others_say_why_not(county: County, tmp_path: Path) -> None:
    results = run(county, book(tmp_path / "a.xlsx"))
    assert outcomes(results, UNITS) == ["created", "created", "changed", "unchanged", "refused", "refused"]
    assert outcomes(results, PEOPLE) == ["created", "changed", "created", "changed", *["refused"] * 6]
    why = [reason for _, reason in refused(results)]
    for number, part in enumerate(
        ("没有的县", "单位类别", "属于王承办", "皇帝", "去年", "至少 10", "赵信访", "姓名和职务")
    ):
        assert part in why[number], why
    with county.database.read() as session:
        xia = session.scalars(select(Unit).where(Unit.code == "xia")).one()
        new = session.scalars(select(Unit).where(Unit.code == "new")).one()
        assert (xia.parent_id, new.founded_on) == (new.id, date(2016, 1, 1))
        made = session.scalars(select(Person).where(Person.login == "xinjia")).one()
        assert made.password_temporary
        posts = session.execute(select(Post.title, Post.head, Post.held_from).where(Post.person_id == made.id)).all()
        assert posts == [("支部书记", True, date(2016, 2, 1)), ("委员", False, county.today)]
        roles = set(session.scalars(select(Grant.role).where(Grant.person_id == made.id, Grant.unit_id == xia.id)))
        assert roles == {"handler", "unit_leader"}
        assert not session.scalars(select(Person).where(Person.name.in_(["新人丙", "新人丁", "新人戊"]))).all()
        assert session.scalar(select(func.count()).select_from(Deed)) > 8


def test_a_second_time_changes_nothing(county: County, tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx")
    run(county, path)
    before = dump(county.database)
    again = run(county, path)
    assert {r.outcome for r in again} == {Outcome.UNCHANGED, Outcome.REFUSED}
    assert dump(county.database) == before


def test_a_dry_run_promises_just_that_and_keeps_nothing(county: County, tmp_path: Path) -> None:
    path, before = book(tmp_path / "a.xlsx"), dump(county.database)
    tried = run(county, path, dry_run=True)
    assert dump(county.database) == before
    assert run(county, path) == tried
    assert counts(tried) == {"rows": 16, "created": 4, "changed": 3, "unchanged": 1, "refused": 8}


def test_refused_rows_mended_go_in(county: County, tmp_path: Path) -> None:
    results = run(county, book(tmp_path / "a.xlsx"))
    with (tmp_path / "back.xlsx").open("wb") as file:
        write_refused(file, refused(results))
    back = load_workbook(tmp_path / "back.xlsx")
    assert back[UNITS]["A1"].value == "退回原因" and "没有的县" in back[UNITS]["A2"].value
    back[UNITS]["E2"] = "清河县"
    back.save(tmp_path / "mended.xlsx")
    assert outcomes(run(county, tmp_path / "mended.xlsx"), UNITS) == ["created", "refused"]


def test_an_administrator_imports_within_his_subtree_only(county: County, tmp_path: Path) -> None:
    with county.database.write() as session:
        grant(session, county.people["township_clerk"], "admin", county.units["liuhe"], county.today, None, "测试")
    people = [
        {"name": "村员", "unit": "上河村", "title": "干事"},
        {"name": "县员", "unit": "县水利局", "title": "干事"},
    ]
    results = run(county, book(tmp_path / "a.xlsx", [], people), who="township_clerk")
    assert outcomes(results, PEOPLE) == ["created", "refused"] and "不是该单位的系统管理员" in results[1].text
    with county.database.read() as session:
        assert session.scalars(select(Person).where(Person.name == "县员")).all() == []


def test_somebody_deactivated_is_not_let_in_by_a_file(county: County, tmp_path: Path) -> None:
    with county.database.write() as session:
        deactivate(session, county.people["handler"], county.now)
    row = {"name": "王承办", "login": "handler", "unit": "liuhe", "title": "干事"}
    (result,) = run(county, book(tmp_path / "a.xlsx", [], [row]))
    assert result.outcome is Outcome.REFUSED and "已停用" in result.text


def test_the_last_day_of_a_post_is_taken_over(county: County, tmp_path: Path) -> None:
    row = {"name": "王承办", "login": "handler", "unit": "liuhe", "title": "干事", "held_from": "2015-01-01"}
    run(county, book(tmp_path / "a.xlsx", [], [row]))
    (result,) = run(county, book(tmp_path / "b.xlsx", [], [{**row, "held_to": date(2016, 2, 29)}]))
    assert result.texts == ("任职至 2016-02-29 结束：柳河乡干事",)


def test_the_template_explains_itself_and_is_read_as_empty(county: County, tmp_path: Path) -> None:
    with (tmp_path / "t.xlsx").open("wb") as file:
        write_template(file, KIND_TITLES, county.engine.registry.pack.roles.values(), [("liuhe", "柳河乡")])
    made = load_workbook(tmp_path / "t.xlsx")
    assert made.sheetnames == [UNITS, PEOPLE, "填写说明"]
    assert all(made[name].freeze_panes == "A2" for name in made.sheetnames)
    notes = str(list(made["填写说明"].values))
    assert all(title in notes for title in county.engine.registry.pack.roles.values()) and "柳河乡" in notes
    assert read_rows(tmp_path / "t.xlsx") == []


def test_another_workbook_is_told_so(tmp_path: Path) -> None:
    made = Workbook()
    made.active.append(["序号", "收件日期", "来源"])
    made.save(tmp_path / "x.xlsx")
    with pytest.raises(LedgerUnreadable, match="form"):
        read_rows(tmp_path / "x.xlsx")
