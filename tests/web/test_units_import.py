"""批量导入 on the web: preview, confirm, refused rows back; nobody but administrators."""

import re
from datetime import date
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from openpyxl import load_workbook

from services.administration.sheets import Row
from services.identity.people import grant
from services.web.pages.units_import import pack, unpack
from tests.administration.test_importing import book
from tests.support.dump import dump
from tests.web.site import HTMX, Site, token_of


@pytest.fixture
def office(site: Site) -> Site:
    with site.county.database.write() as session:
        grant(session, site.county.people["office"], "admin", site.county.units["county"], date(2010, 1, 1), None, "测")
    return site


def upload(site: Site, who: str, content: bytes, name: str = "名单.xlsx") -> httpx.Response:
    browser = site.by(who)
    headers = {**HTMX, "X-CSRF-Token": token_of(browser.get("/profile").text)}
    return browser.post("/units/import", files={"file": (name, content)}, headers=headers)


def kept(page: str) -> str:
    found = re.search(r'name="kept" value="([^"]+)"', page)
    assert found, page
    return found[1]


def test_preview_confirm_and_once_more(office: Site, tmp_path: Path) -> None:
    content = book(tmp_path / "a.xlsx").read_bytes()
    office.by("office")
    before = dump(office.county.database)
    page = upload(office, "office", content)
    assert page.status_code == 200 and "将新增 4 行，变更 3 行，无变化 1 行，退回 8 行" in page.text
    assert "单位类别应为" in page.text and "目前尚未写入" in page.text and "名单.xlsx" in page.text
    assert dump(office.county.database) == before
    back = office.post("office", "/units/import/refused", {"kept": kept(page.text)})
    assert "没有的县" in str(list(load_workbook(BytesIO(back.content))["单位"].values))
    done = office.post("office", "/units/import/apply", {"kept": kept(page.text), "name": "名单.xlsx"})
    assert "已新增 4 行，变更 3 行" in done.text and "导入结果" in done.text
    assert dump(office.county.database) != before
    again = upload(office, "office", content)
    assert "将新增 0 行，变更 0 行" in again.text and "确认导入" not in again.text


def test_nobody_else_imports(office: Site, tmp_path: Path) -> None:
    content = book(tmp_path / "a.xlsx").read_bytes()
    rows = [Row("人员", 2, {"name": "闯入者", "unit": "liuhe", "title": "干事"})]
    office.by("clerk")
    before = dump(office.county.database)
    assert upload(office, "clerk", content).status_code == 403
    for path in ("/units/import", "/units/import/template"):
        assert office.by("clerk").get(path).status_code == 403
    for path in ("/units/import/apply", "/units/import/refused"):
        assert office.post("clerk", path, {"kept": pack(rows)}).status_code == 403
    assert dump(office.county.database) == before


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "文件是空的"), (b"PK\x03\x04broken", "已损坏"), ("甲,乙\n1,2".encode(), "没有找到")]
)
def test_what_is_no_such_workbook_is_told(office: Site, content: bytes, said: str) -> None:
    answer = upload(office, "office", content)
    assert answer.status_code == 422 and said in answer.text


def test_rows_carried_by_the_page_come_back_and_nothing_else_does() -> None:
    rows = [Row("人员", 2, {"name": "甲"})]
    assert unpack(pack(rows)) == rows
    for bad in ("", "abc", pack([]), pack([Row("别的", 1, {})]), "eJwrAQAAeAB5"):
        assert unpack(bad) is None


def test_the_template_is_downloaded(office: Site) -> None:
    answer = office.by("office").get("/units/import/template")
    assert "柳河乡" in str(list(load_workbook(BytesIO(answer.content))["填写说明"].values))
    assert 'href="/units/import/template"' in office.by("office").get("/units/import").text
