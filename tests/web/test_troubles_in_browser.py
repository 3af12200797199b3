"""Pages for when something went wrong: each in Chinese, says how to go on, and has a number to quote."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from services.http.limits import PER_ADDRESS
from services.web.pages import flows
from tests.web.browsing import Browsers, register, violations
from tests.web.conftest import Demo


def test_what_one_may_not_see_is_like_what_is_not_there(browsers: Browsers) -> None:
    browsers.provoked.add(404)
    register(clerk := browsers.log_in("fangwen"), "反映看不见的事项")
    page = browsers.log_in("gexin")
    seen = []
    for address in (clerk.url, "/matters/999999", "/no/such/page"):
        page.goto(address)
        seen.append(_told(page, "没有找到", "返回我的待办"))
    assert seen[0] == seen[1] != seen[2]


def test_what_one_has_no_role_for(browsers: Browsers) -> None:
    browsers.provoked.add(403)
    page = browsers.log_in("wangdahe")
    for address in ("/flows", "/matters/new/petition"):
        page.goto(address)
        assert "管理员" in _told(page, "没有权限", "返回我的待办")


def test_a_mistake_of_ours(browsers: Browsers, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a page, and as a message over what stays in the form."""
    browsers.provoked.add(500)
    page = browsers.log_in("lujing")
    monkeypatch.setattr(flows, "list_runs", _break)
    page.goto("/flows")
    assert "本次操作未生效" in _told(page, "系统出错", "返回我的待办")
    monkeypatch.setattr("services.web.pages.matters.perform", _break)
    register(page, "反映出错时的事项")
    page.get_by_label("说明").fill("拟受理")
    page.locator(".act-foot").get_by_role("button", name="受理").click()
    expect(page.locator("#toasts .bad")).to_contain_text(re.compile(r"本次操作未生效。编号：\w{12}"))
    expect(page.get_by_label("说明")).to_have_value("拟受理")
    expect(page.locator(".act-foot").get_by_role("button", name="受理")).to_be_enabled()


def test_a_file_too_large(browsers: Browsers, tmp_path: Path) -> None:
    """It is refused before it is sent; what was attached before stays."""
    large, small = tmp_path / "录像.pdf", tmp_path / "来信.txt"
    with large.open("wb") as file:
        file.truncate(51 * 1024 * 1024)
    small.write_text("来信")
    page = browsers.log_in("fangwen")
    page.goto("/matters/new/petition")
    page.get_by_label("附件：选择文件").set_input_files(small)
    expect(page.locator("[data-files] li")).to_have_count(1)
    page.get_by_label("附件：选择文件").set_input_files(large)
    expect(page.locator("#toasts .bad")).to_contain_text("“录像.pdf”超过 50 MB，请压缩或分开后再上传")
    expect(page.locator("[data-files] li")).to_have_text(["来信.txt"])


def test_a_form_too_large(browsers: Browsers) -> None:
    browsers.provoked.add(413)
    page = browsers.log_in("fangwen")
    page.goto("/worklist?q=" + "好" * 90)
    page.evaluate("document.forms[0].method = 'post'; document.forms[0].q.removeAttribute('maxlength')")
    page.evaluate("document.forms[0].q.value = 'x'.repeat(1100000); document.forms[0].submit()")
    assert "分次" in _told(page, "内容过大", "返回我的待办")


def test_too_many_look_ups_of_receipts(browsers: Browsers, demo_county: Demo) -> None:
    """The public is told when to try again."""
    browsers.provoked |= {404, 429}
    page = browsers.open()
    for _ in range(PER_ADDRESS[0].amount + 1):
        page.goto("/receipt?code=AAAA-BBBB-CCCC-D")
    expect(page.get_by_role("alert")).to_contain_text(re.compile(r"查询过于频繁，请 \d+ 秒后再试。编号：\w{12}"))
    expect(page.get_by_label("回执查询码")).to_have_value("AAAA-BBBB-CCCC-D")
    assert violations(page) == []


def _told(page: Page, title: str, way: str) -> str:
    """What a page of trouble says, its number left out."""
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.get_by_role("link", name=way)).to_be_visible()
    number = page.locator(".trouble .code")
    expect(number).to_have_text(re.compile(r"^\w{12,32}$"))
    text = page.locator("main").inner_text().replace(number.inner_text(), "")
    assert not re.search("[A-Za-z]", text)
    assert violations(page) == []
    return text


def _break(*_: object, **__: object) -> None:
    raise RuntimeError("provoked")
