"""The supervisors' pages in a real browser: axe in light and dark, a phone, filters, acknowledging."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.web.conftest import LogIn

PAGES = [
    "/board", "/ledger?due_from=2020-01-01", "/flows", "/procedures", "/procedures/petition",
    "/procedures/petition/compare", "/procedures/calendar",
]  # fmt: skip


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing(browser_page: LogIn, dark: bool) -> None:
    page = browser_page("lujing", dark=dark)
    for path in PAGES:
        page.goto(path)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"


def test_no_page_is_wider_than_a_phone(browser_page: LogIn) -> None:
    page = browser_page("lujing", width=360, height=740)
    for path in PAGES:
        page.goto(path)
        wider = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, path


def test_the_ledger_follows_its_filters_and_so_does_the_export(browser_page: LogIn) -> None:
    page = browser_page("lujing")
    page.goto("/ledger")
    page.get_by_label("办理情况").select_option(label="已超期")
    page.wait_for_url("**/ledger?status=overdue")
    expect(page.locator("#list .light.red").first).to_be_visible()
    expect(page.locator("#list .light.green")).to_have_count(0)
    page.get_by_text("显示列").click()
    page.get_by_label("编号", exact=True).check()
    expect(page.get_by_role("columnheader", name="编号")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="导出表格").click()
    assert re.fullmatch(r"事项台账-\d{4}-\d\d-\d\d\.xlsx", download.value.suggested_filename)


def test_an_escalation_is_acknowledged_on_the_board(browser_page: LogIn) -> None:
    page = browser_page("lujing")
    page.goto("/board")
    buttons = page.locator("#mine").get_by_role("button", name=re.compile("确认知悉"))
    expect(buttons.first).to_be_visible()
    before = buttons.count()
    buttons.first.click()
    page.get_by_label("处理意见").fill("已督促")
    page.locator("#dialog").get_by_role("button", name="确认知悉").click()
    expect(page.locator("#toasts")).to_contain_text("已确认知悉")
    expect(buttons).to_have_count(before - 1)
