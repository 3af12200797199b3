"""The administrators' pages in a real browser: axe in light and dark, a phone, the tree by keyboard, an import."""

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.administration.test_importing import book
from tests.web.browsing import in_both_themes
from tests.web.conftest import LogIn

ADMIN = "dingyiming"
WHY = "/roles/why?person=4&matter=3"


def test_axe_finds_nothing_in_a_dialog_with_errors(browser_page: LogIn) -> None:
    page = browser_page(ADMIN)
    page.goto("/units")
    page.get_by_role("button", name="新增人员").click()
    expect(page.locator("#dialog[open]")).to_be_visible()
    page.locator("#dialog").get_by_role("button", name="新增").click()
    expect(page.locator("#dialog .wrong").first).to_be_visible()
    assert in_both_themes(page) == []


def test_axe_finds_nothing_in_an_explanation(browser_page: LogIn) -> None:
    page = browser_page("lujing")
    page.goto(WHY)
    page.locator(".verdicts summary").first.click()
    expect(page.locator(".why-steps").first).to_be_visible()
    assert in_both_themes(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_tree_is_walked_folded_and_searched_by_keyboard(browser_page: LogIn) -> None:
    page = browser_page(ADMIN)
    page.goto("/units")
    tree = page.get_by_role("tree", name="机构")
    tree.get_by_role("treeitem", name=re.compile("清河县")).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    township = tree.get_by_role("treeitem", name=re.compile("白石镇"))
    expect(township).to_be_focused()
    below = tree.locator("a", has_text="镇农办")
    expect(below).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(below).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(below).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/units/\d+$"))
    expect(page.get_by_role("heading", name="镇农办")).to_be_visible()
    expect(below).to_have_attribute("aria-selected", "true")
    below.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(below).to_be_hidden()
    page.keyboard.press("/")
    with page.expect_response(lambda answer: "q=lhx" in answer.url):
        page.keyboard.type("lhx")
    found = page.locator(".tree-found a", has_text="柳河乡")
    expect(found).to_be_visible()
    found.click()
    expect(page.get_by_role("heading", name="柳河乡", exact=False).first).to_be_visible()
    expect(page.locator("#f-q")).to_have_value("lhx")


def test_a_person_is_added_his_password_shown_once_and_changed_by_himself(browser_page: LogIn) -> None:
    page = browser_page(ADMIN)
    page.goto("/units")
    page.get_by_role("treeitem", name=re.compile("云岭乡")).click()
    expect(page.locator("#unit-name")).to_contain_text("云岭乡")
    page.get_by_role("button", name="新增人员").click()
    dialog = page.locator("#dialog")
    dialog.get_by_label("姓名").fill("试新人")
    dialog.get_by_label("用户名").fill("shixinren")
    dialog.get_by_role("button", name="新增").click()
    expect(dialog.get_by_text("有 1 处需要修改")).to_be_visible()
    expect(dialog.get_by_label("姓名")).to_have_value("试新人")
    dialog.get_by_label("职务").fill("纪检干事")
    dialog.get_by_role("button", name="新增").click()
    password = dialog.locator("code").inner_text()
    dialog.get_by_role("button", name="完成").click()
    expect(dialog.locator("code")).to_have_count(0)
    expect(page.locator("#unit").get_by_role("link", name="试新人").first).to_be_visible()

    fresh = page.context.browser.new_context(base_url=page.url.split("/units")[0], locale="zh-CN").new_page()
    fresh.goto("/login")
    fresh.get_by_label("用户名").fill("shixinren")
    fresh.get_by_label("密码").fill(password)
    fresh.get_by_role("button", name="登录").click()
    fresh.wait_for_url("**/profile#password")
    expect(fresh.get_by_text("请先修改密码")).to_be_visible()
    fresh.get_by_label("原密码").fill(password)
    fresh.locator("#f-new").fill("my own words 1")
    fresh.locator("#f-again").fill("my own words 1")
    fresh.get_by_role("button", name="修改密码").click()
    expect(fresh.get_by_text("请先修改密码")).to_have_count(0)
    fresh.goto("/worklist")
    expect(fresh.get_by_role("heading", name="我的待办")).to_be_visible()
    fresh.context.close()


def test_an_import_is_previewed_and_confirmed(browser_page: LogIn, tmp_path: Path) -> None:
    people = [
        {"name": "导入甲", "login": "daorujia", "unit": "河口乡", "title": "干事", "roles": "承办人"},
        {"name": "导入乙", "login": "daoruyi", "unit": "没有的乡", "title": "干事"},
    ]
    page = browser_page(ADMIN)
    page.goto("/units/import")
    page.get_by_label("填好的文件").set_input_files(book(tmp_path / "名单.xlsx", [], people))
    page.get_by_role("button", name="预览").click()
    expect(page.get_by_text("将新增 1 行，变更 0 行，无变化 0 行，退回 1 行")).to_be_visible()
    assert in_both_themes(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="下载退回的行").click()
    assert download.value.suggested_filename == "导入退回.xlsx"
    page.get_by_role("button", name="确认导入 1 行").click()
    expect(page.get_by_role("heading", name="导入结果")).to_be_visible()
    page.goto("/units")
    page.locator("#f-q").fill("daorujia")
    expect(page.get_by_role("link", name="导入甲")).to_be_visible()


def test_why_follows_what_is_picked(browser_page: LogIn) -> None:
    page = browser_page("lujing")
    page.goto("/roles/why")
    for label, typed in (("人员", "方文"), ("事项", "信访")):
        page.get_by_role("combobox", name=label).click()
        page.keyboard.type(typed)
        page.locator(".ts-dropdown:visible .option", has_text=typed).first.click()
    expect(page.locator("#h-why")).to_contain_text("方文 · 信访")
    expect(page.locator(".verdicts > li").first).to_be_visible()
