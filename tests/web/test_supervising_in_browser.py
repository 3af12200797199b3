"""The supervisors' pages in a real browser: axe in light and dark, a phone, filters, acknowledging."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.web.browsing import in_both_themes, violations
from tests.web.conftest import Gate, LogIn, await_exports

FILTERED = [
    "/board?period=days&from=2020-01-01", "/board/rungs?whose=all",
    "/ledger?procedure=petition&cols=title,open.content,propose.disposition&held=1",
]  # fmt: skip
"""What the walk over every page does not ask for."""


def test_axe_finds_nothing(browser_page: LogIn) -> None:
    page = browser_page("lujing")
    for path in FILTERED:
        page.goto(path)
        assert in_both_themes(page) == [], path


def test_no_page_is_wider_than_a_phone(browser_page: LogIn) -> None:
    page = browser_page("lujing", width=360, height=740)
    for path in FILTERED:
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


def test_a_cell_of_the_heat_map_opens_its_list(browser_page: LogIn) -> None:
    page = browser_page("lujing")
    page.goto("/board")
    cell = page.locator(".heat td a").first
    count = cell.inner_text()
    cell.click()
    page.wait_for_url("**/ledger?*due_to=*")
    expect(page.locator("#told b")).to_have_text(count)
    expect(page.locator(".ledger tbody tr")).to_have_count(int(count))


def test_the_board_follows_its_period_and_unit(browser_page: LogIn) -> None:
    page = browser_page("lujing")
    page.goto("/board")
    page.get_by_text("本季度", exact=True).click()
    page.wait_for_url("**/board?period=quarter")
    expect(page.locator("#board")).to_contain_text("本季度按期办结率")
    page.get_by_label("单位", exact=True).select_option(label="　柳河乡")
    page.wait_for_url("**/board?period=quarter&unit=*")
    expect(page.locator("#h-units")).to_be_visible()
    page.get_by_text("自定义", exact=True).click()
    page.wait_for_url("**/board?period=days&*")
    expect(page.get_by_label("起", exact=True)).to_be_visible()


def test_late_days_open_in_a_drawer(browser_page: LogIn) -> None:
    page = browser_page("lujing")
    page.goto("/board")
    button = page.locator(".faults button.n").first
    days = int(button.inner_text().split()[0])
    button.click()
    expect(page.locator("#drawer-title")).to_contain_text("责任超期明细")
    listed = page.locator(".late-lines td.num b").all_inner_texts()
    assert sum(map(int, listed)) == days
    assert violations(page) == []


def test_several_escalations_are_acknowledged_together(browser_page: LogIn) -> None:
    page = browser_page("lujing")
    page.goto("/board/rungs")
    boxes = page.locator("[data-pick]")
    before = boxes.count()
    assert before >= 2
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.get_by_role("button", name="一并确认知悉").click()
    expect(page.locator("#dialog-title")).to_have_text("确认知悉 2 条")
    page.locator("#dialog").get_by_role("button", name="确认知悉").click()
    expect(page.locator("#toasts")).to_contain_text("已确认知悉 2 条")
    expect(boxes).to_have_count(before - 2)


def test_a_view_is_saved_used_and_deleted(browser_page: LogIn) -> None:
    page = browser_page("lujing")
    page.goto("/ledger?status=overdue")
    page.get_by_role("button", name="保存视图").click()
    page.get_by_label("视图名称").fill("超期件")
    page.locator("#dialog").get_by_role("button", name="保存视图").click()
    expect(page.locator("#toasts")).to_contain_text("视图已保存")
    page.goto("/ledger?all=1")
    page.locator("summary", has_text="我的视图").click()
    page.get_by_role("link", name="超期件").click()
    page.wait_for_url("**/ledger?status=overdue")
    page.locator("summary", has_text="我的视图").click()
    page.get_by_role("button", name="删除：超期件").click()
    page.locator("#confirm-yes").click()
    expect(page.locator("#toasts")).to_contain_text("视图已删除")
    expect(page.locator("#views")).to_contain_text("还没有保存的视图")
    expect(page.locator("#list .ledger")).to_be_visible()
    assert page.url.endswith("/ledger?status=overdue")


def test_a_procedure_chosen_offers_its_columns(browser_page: LogIn) -> None:
    page = browser_page("lujing")
    page.goto("/ledger?all=1")
    page.locator("#f-procedure").select_option(label="信访举报")
    page.wait_for_url("**/ledger?procedure=petition")
    page.locator("summary", has_text="显示列").click()
    page.get_by_label("处置方式", exact=True).check()
    expect(page.get_by_role("columnheader", name="处置方式")).to_be_visible()
    page.locator("#f-procedure").select_option(label="全部类型")
    expect(page.get_by_role("columnheader", name="处置方式")).to_have_count(0)


def test_pausing_the_sweep_is_loud_until_it_is_resumed(browser_page: LogIn) -> None:
    page = browser_page("lujing")
    page.goto("/flows")
    page.get_by_role("button", name="到期提醒与逾期升级：暂停").click()
    assert violations(page) == []
    page.locator("#dialog").get_by_role("button", name="暂停", exact=True).click()
    expect(page.locator("#dialog .wrong")).to_contain_text("请填写暂停理由")
    page.get_by_label("暂停理由").fill("机房检修")
    page.locator("#dialog").get_by_role("button", name="暂停", exact=True).click()
    expect(page.get_by_role("alert").first).to_contain_text("到期提醒与逾期升级已暂停")
    page.goto("/board")
    expect(page.get_by_role("alert").first).to_contain_text("机房检修")
    assert violations(page) == []
    page.goto("/flows")
    page.get_by_role("button", name="到期提醒与逾期升级：恢复").click()
    expect(page.locator("#toasts")).to_contain_text("已恢复")
    expect(page.get_by_text("到期提醒与逾期升级已暂停")).to_have_count(0)


def _refreshed(page: Page, by: str = "") -> None:
    """Return once a part of the page was drawn anew, by itself or by this."""
    page.evaluate(
        f"() => new Promise((drawn) => {{ addEventListener('htmx:afterSettle', drawn, {{once: true}}); {by} }})"
    )


def test_what_draws_itself_anew_leaves_focus_and_presses_alone(browser_page: LogIn) -> None:
    page = browser_page("lujing")
    page.goto("/flows")
    button = page.get_by_role("button", name="到期提醒与逾期升级：暂停")
    button.focus()
    _refreshed(page, "htmx.trigger(document.body, 'duban:refresh')")
    expect(button).to_be_focused()
    button.hover()
    page.mouse.down()
    _refreshed(page, "htmx.trigger(document.body, 'duban:refresh')")
    page.mouse.up()
    expect(page.locator("#dialog[open]")).to_be_visible()


@pytest.mark.usefixtures("quick")
def test_an_export_is_cancelled_while_its_progress_is_shown(browser_page: LogIn, gate: Gate) -> None:
    page = browser_page("lujing")
    page.goto("/ledger?all=1")
    page.get_by_role("button", name="导出表格").click()
    cancel = page.get_by_role("button", name="取消导出")
    cancel.focus()
    _refreshed(page)
    expect(cancel).to_be_focused()
    cancel.hover()
    page.mouse.down()
    _refreshed(page)
    page.mouse.up()
    gate.go.set()
    expect(page.locator("#progress")).to_contain_text("导出已取消")


@pytest.mark.usefixtures("quick")
def test_an_export_that_is_done_is_no_longer_asked_after(browser_page: LogIn, gate: Gate) -> None:
    page = browser_page("lujing")
    page.clock.install()
    page.goto("/ledger?all=1")
    page.get_by_role("button", name="导出表格").click()
    expect(page.locator("#progress")).to_contain_text("正在导出")
    gate.go.set()
    await_exports()
    # The answer is late: by then it was asked for once more.
    held: list[Route] = []
    page.route("**/ledger/exports", lambda route: held.append(route), times=1)
    with page.expect_request("**/ledger/exports"):
        page.clock.run_for(1100)
    page.clock.run_for(2500)
    held[0].continue_()
    expect(page.locator("#progress")).to_contain_text("导出完成")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(5000)
    page.goto("/worklist")
    assert [address for address in asked if "exports" in address] == []
