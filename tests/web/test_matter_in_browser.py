"""The page of a matter in a real browser: three people walk one, a draft survives, axe, a phone."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.web.conftest import LogIn


def _register(page: Page, title: str) -> None:
    """Register a petition by its form."""
    page.goto("/matters/new/petition")
    page.get_by_label("来源").select_option(label="来信")
    page.get_by_label("收件日期").fill("2026-01-05")
    page.get_by_label("标题").fill(title)
    page.get_by_label("主要内容").fill("反映内容")
    page.locator("[id='f-a.problem_fields-ts-control']").click()
    page.locator(".ts-dropdown .option").first.click()
    page.keyboard.press("Escape")
    page.locator("fieldset", has=page.locator("legend", has_text="匿名")).get_by_text("是", exact=True).click()
    page.get_by_role("button", name="添加被反映人").click()
    page.locator("[name='a.reported.1.name']").fill("某村会计")
    page.get_by_label("主要内容").press("Control+Enter")
    expect(page.locator(".receipt-code")).to_be_visible()
    page.get_by_role("link", name="查看事项").click()
    page.wait_for_url(re.compile(r"/matters/\d+$"))


def test_three_people_walk_a_matter(browser_page: LogIn) -> None:
    clerk = browser_page("fangwen")
    _register(clerk, "反映浏览器里登记的事项")
    address = clerk.url
    expect(clerk.get_by_text("姓名：某村会计")).to_be_visible()
    _submit(clerk, "受理")
    expect(clerk.locator(".goes b")).to_have_text("待审批")
    clerk.get_by_label("定类理由").fill("情况清楚")
    clerk.reload()
    expect(clerk.get_by_label("定类理由")).to_have_value("情况清楚")
    _submit(clerk, "拟处置", ends=False)
    expect(clerk.get_by_text(re.compile("有 . 处需要修改"))).to_be_visible()
    clerk.locator(".act-form").get_by_text("一般", exact=True).click()
    _choose(clerk, "处置方式", "初步核实")
    clerk.locator("[id='f-a.handler_unit-ts-control']").click()
    clerk.keyboard.type("lhx")
    expect(clerk.locator(".ts-dropdown .option")).to_have_count(1)
    clerk.locator(".ts-dropdown .option").click()
    clerk.get_by_label("拟处置意见").fill("拟转柳河乡办理")
    _submit(clerk, "拟处置")
    leader = browser_page("guchanghe")
    leader.goto(address)
    leader.get_by_label("说明").fill("同意")
    _submit(leader, "批准")
    expect(leader.locator(".map .state.now text")).to_have_text("办理中")
    secretary = browser_page("lujing", dark=True)
    secretary.goto(address)
    expect(secretary.locator(".timeline")).to_contain_text("同意")
    for page in (clerk, leader, secretary):
        _axe(page)


def _choose(page: Page, label: str, option: str) -> None:
    select = page.locator(".act-form").get_by_label(label)
    if select.count() and select.first.evaluate("e => e.tagName") == "SELECT":
        select.first.select_option(label=option)
    else:
        page.locator(".act-form").get_by_text(option, exact=True).click()


def _submit(page: Page, name: str, ends: bool = True) -> None:
    page.locator(".act-foot").get_by_role("button", name=name).click()
    if ends:
        expect(page.locator(".toast-box").last).to_contain_text(f"“{name}”已提交")
        expect(page.locator(".timeline li").first).to_contain_text(name)


def _axe(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    violations = Axe().run(page).response["violations"]
    assert [(found["id"], [node["html"] for node in found["nodes"]]) for found in violations] == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_where_one_registers(browser_page: LogIn, dark: bool) -> None:
    page = browser_page("fangwen", dark=dark)
    for path in ("/matters/new", "/matters/new/petition"):
        page.goto(path)
        _axe(page)


def test_a_phone_never_scrolls_sideways(browser_page: LogIn) -> None:
    page = browser_page("fangwen", width=360, height=740)
    first = page.locator(".c-title > a").first.get_attribute("href") or ""
    for path in ("/matters/new", "/matters/new/petition", first):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


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
