"""The page of a matter in a real browser: a form that is wrong, a draft, what is sealed."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.web.browsing import choose, pick, register, submit, violations
from tests.web.conftest import LogIn


def test_a_proposal_is_kept_until_it_is_right(browser_page: LogIn) -> None:
    page = browser_page("fangwen")
    register(page, "反映浏览器里登记的事项")
    submit(page, "受理")
    expect(page.locator(".goes b")).to_have_text("待审批")
    page.get_by_label("定类理由").fill("情况清楚")
    page.reload()
    expect(page.get_by_label("定类理由")).to_have_value("情况清楚")
    page.locator(".act-foot").get_by_role("button", name="拟处置").click()
    expect(page.locator("#act .alarm")).to_be_focused()
    expect(page.locator("#act .alarm")).to_contain_text(re.compile("有 . 处需要修改"))
    assert violations(page) == []
    choose(page, "petition_class", "一般")
    choose(page, "disposition", "初步核实")
    pick(page, "handler_unit", "lhx", "柳河乡")
    page.get_by_label("拟处置意见").fill("拟转柳河乡办理")
    submit(page, "拟处置")
    expect(page.locator(".map .state.now text")).to_have_text("待审批")


def test_what_is_sealed_does_not_stay_in_the_page(browser_page: LogIn) -> None:
    page = browser_page("fangwen")
    _visit_first(page, lambda: page.locator(".sealed").count() > 0)
    page.locator(".facts").get_by_role("button", name="查看").first.click()
    page.get_by_label("查看用途").fill("联系举报人核实情况")
    page.get_by_label("查看用途").press("Control+Enter")
    expect(page.get_by_role("heading", name="密封信息", exact=True)).to_be_visible()
    page.get_by_role("button", name="看完，关闭").click()
    expect(page.locator("#dialog-body")).to_be_empty()
    expect(page.locator(".timeline li").first).to_contain_text("查看密封信息")


def _visit_first(page: Page, wanted: Callable[[], bool]) -> None:
    for href in [a.get_attribute("href") or "" for a in page.locator(".c-title > a").all()]:
        page.goto(href)
        if wanted():
            return
    raise AssertionError("no matter of the demo county is like this")
