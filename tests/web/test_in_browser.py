"""The worklist and its frame in a real browser: filters, the keyboard, a phone, dark, a session that ends."""

from playwright.sync_api import Page, expect

from services.demo.places import PASSWORD
from tests.web.browsing import violations
from tests.web.conftest import LogIn


def _rows(page: Page) -> int:
    return page.locator("#list tbody tr").count()


def test_filters_change_the_list_and_the_address(browser_page: LogIn) -> None:
    page = browser_page("fangwen")
    everything = _rows(page)
    page.locator(".tiles .red").click()
    page.wait_for_url("**/worklist?light=red")
    expect(page.locator(".tiles .red b")).to_have_text(str(_rows(page)))
    assert 0 < _rows(page) < everything
    page.locator("#f-q").fill("没有这样的事项")
    expect(page.get_by_role("heading", name="没有符合条件的事项")).to_be_visible()
    expect(page.locator("#f-q")).to_be_focused()
    page.go_back()
    expect(page.locator("#list tbody tr").first).to_be_visible()
    page.locator("#told").get_by_role("link", name="清除筛选").click()
    expect(page.locator("#list tbody tr")).to_have_count(everything)


def test_the_keyboard_walks_the_list(browser_page: LogIn) -> None:
    page = browser_page("fangwen")
    page.locator("#main").focus()
    page.keyboard.press("j")
    expect(page.locator("#list tbody tr").nth(0).locator(".c-title > a")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[data-selected]")).to_have_text("1")
    page.keyboard.press("k")
    expect(page.locator("#list tbody tr").nth(0).locator(".c-title > a")).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#f-q")).to_be_focused()
    page.keyboard.type("jk?")
    expect(page.locator("#f-q")).to_have_value("jk?")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="键盘快捷键")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="键盘快捷键")).to_be_hidden()


def test_claiming_by_choosing_rows(browser_page: LogIn) -> None:
    page = browser_page("yexiaohe")
    row = page.locator("#list tbody tr").last
    number = row.locator(".code").inner_text()
    row.locator("[data-pick]").check()
    page.get_by_role("button", name="签收").click()
    expect(page.get_by_text("已签收 1 件")).to_be_visible()
    expect(page.locator("#list tr", has_text=number).locator(".c-who")).to_have_text("叶小禾")
    expect(page.locator("[data-bulk]")).to_be_hidden()


def test_a_session_that_ends_while_somebody_types_loses_nothing(browser_page: LogIn) -> None:
    page = browser_page("lujing")
    page.locator("[data-pick]").first.check()
    page.get_by_role("button", name="催办").click()
    page.get_by_label("催办内容").fill("请于本周内报结果")
    page.context.clear_cookies(name="duban_session")
    page.get_by_label("催办内容").press("Control+Enter")
    expect(page.get_by_role("heading", name="登录已超时")).to_be_visible()
    page.locator("#log-in").get_by_label("密码").fill("wrong")
    page.get_by_role("button", name="登录并继续").click()
    expect(page.get_by_text("用户名或密码不正确")).to_be_visible()
    page.locator("#log-in").get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录并继续").click()
    expect(page.locator(".toast-box").last).to_contain_text("催办")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_light_and_dark_are_remembered(browser_page: LogIn) -> None:
    page = browser_page("fangwen", dark=True)
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name="切换深色或浅色").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")


def test_a_phone_opens_the_navigation(browser_page: LogIn) -> None:
    page = browser_page("fangwen", width=360, height=740)
    expect(page.get_by_role("link", name="已办事项")).to_be_hidden()
    page.get_by_role("button", name="打开导航").click()
    page.get_by_role("link", name="已办事项").click()
    page.wait_for_url("**/done")


def test_the_search_box_shows_first_hits_and_waits_for_an_input_method(browser_page: LogIn) -> None:
    page = browser_page("fangwen")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/search/quick" in request.url else None)
    page.locator("#global-search").focus()
    keyboard = page.context.new_cdp_session(page)
    keyboard.send("Input.imeSetComposition", {"text": "he", "selectionStart": 2, "selectionEnd": 2})
    page.wait_for_timeout(600)  # longer than the hand rests: a search in mid-composition would have gone out
    assert asked == []
    keyboard.send("Input.insertText", {"text": "河村"})
    expect(page.locator("#quick li").first).to_contain_text("河村")
    expect(page.locator("#global-search")).to_have_value("河村")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#quick a").first).to_be_focused()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("#quick")).to_be_hidden()
    page.locator("#global-search").press("Enter")
    page.wait_for_url("**/search?q=%E6%B2%B3%E6%9D%91")
    expect(page.locator("#list tbody tr").first).to_contain_text("河村")
