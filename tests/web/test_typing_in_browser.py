"""Nothing typed is lost: two at once, errors with files, sessions that end, closed tabs, Back, input methods."""

import re
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from playwright.sync_api import Page, expect

from services.demo.places import PASSWORD
from tests.web.browsing import choose, compose, pick, register
from tests.web.conftest import LogIn

_NUMBERS = count(1)


@pytest.fixture
def title() -> str:
    """A title that no other matter has."""
    return f"反映打字时的事项之{next(_NUMBERS)}"


def test_two_do_the_same_at_once(browser_page: LogIn, title: str) -> None:
    """One of them does it; the other is told who did what and when, with his own words still there."""
    pages = [browser_page("fangwen"), browser_page("yexiaohe")]
    address = register(pages[0], title)
    for page in pages:
        page.goto(address)
        page.get_by_label("说明").fill("情况清楚，拟受理")
    for page in pages:
        page.locator(".act-foot").get_by_role("button", name="受理").click(no_wait_after=True)
    for page in pages:
        expect(page.locator(".alarm.changed, .timeline li:has-text('→')").first).to_be_visible()
    late = [page for page in pages if page.locator(".alarm.changed").count()]
    assert len(late) == 1
    winner = {pages[0]: "叶小禾", pages[1]: "方文"}[late[0]]
    expect(late[0].locator(".alarm.changed")).to_contain_text(re.compile(rf"\d\d:\d\d {winner}：受理，进入待拟处置"))
    expect(late[0].locator("#act .left")).to_contain_text("情况清楚，拟受理")
    late[0].get_by_role("link", name="查看最新情况").click()
    expect(late[0].locator(".timeline .when b", has_text=re.compile("^受理$"))).to_have_count(1)


def test_two_note_something_at_once(browser_page: LogIn, title: str) -> None:
    """What is still possible stays in the form, and goes through once it was looked at."""
    first, second = browser_page("fangwen"), browser_page("yexiaohe")
    address = register(first, title)
    first.locator(".act-foot").get_by_role("button", name="受理").click()
    expect(first.locator(".timeline li")).to_have_count(2)
    for page, text in ((first, "已联系来信人"), (second, "已调取旧档")):
        page.goto(f"{address}?do=note_progress")
        page.get_by_label("办理情况").fill(text)
    first.locator(".act-foot button").click()
    expect(first.locator(".timeline")).to_contain_text("已联系来信人")
    second.locator(".act-foot button").click()
    expect(second.locator(".alarm.changed")).to_contain_text("方文：记录进展")
    expect(second.get_by_label("办理情况")).to_have_value("已调取旧档")
    second.locator(".act-foot button").click()
    expect(second.locator(".timeline li").first).to_contain_text("已调取旧档")


def test_files_stay_when_a_form_is_wrong_or_the_session_ends(browser_page: LogIn, title: str, tmp_path: Path) -> None:
    """A letter and a receipt, chosen before an error and after the session ended, are attached in the end."""
    letters = [tmp_path / name for name in ("来信.txt", "收据.txt")]
    for letter in letters:
        letter.write_text("附件内容")
    page = browser_page("fangwen")
    page.goto("/matters/new/petition")
    page.get_by_label("附件：选择文件").set_input_files(letters[0])
    expect(page.locator("[data-files] li")).to_have_text(["来信.txt"])
    page.get_by_label("标题").fill(title)
    page.locator(".act-foot button").click()
    expect(page.locator("#new .alarm")).to_contain_text("处需要修改")
    expect(page.locator("[data-files] li")).to_have_text(["来信.txt"])
    page.context.clear_cookies(name="duban_session")
    page.get_by_label("附件：选择文件").set_input_files(letters[1])
    _log_in_again(page)
    expect(page.locator("[data-files] li")).to_have_text(["来信.txt", "收据.txt"])
    _complete(page)
    page.context.clear_cookies(name="duban_session")
    page.locator(".act-foot button").click()
    _log_in_again(page)
    page.get_by_role("link", name="查看事项").click()
    expect(page.locator(".attached li")).to_have_count(2)
    expect(page.locator("h1")).to_have_text(title)


def test_a_draft_survives_a_closed_tab(browser_page: LogIn, title: str) -> None:
    """What is sealed is not left behind on the machine; everything else is."""
    page = browser_page("fangwen")
    page.goto("/matters/new/petition")
    page.get_by_label("标题").fill(title)
    choose(page, "anonymous", "否")
    pick(page, "problem_fields", "低保", "低保等惠民资金")
    page.locator("[name='a.complainant.name']").fill("林举报")
    page.get_by_role("button", name="添加被反映人").click()
    page.locator("[name='a.reported.1.name']").fill("某村会计")
    again = page.context.new_page()
    page.close()
    again.goto("/matters/new/petition")
    expect(again.get_by_label("标题")).to_have_value(title)
    expect(again.locator("[data-draft-note]")).to_be_visible()
    expect(again.locator("[id='f-a.problem_fields'] ~ .ts-wrapper .item")).to_contain_text("低保等惠民资金")
    expect(again.locator("[name='a.reported.1.name']")).to_have_value("某村会计")
    expect(again.locator("[name='a.complainant.name']")).to_have_value("")
    assert "林举报" not in again.evaluate("JSON.stringify({...localStorage})")
    again.get_by_role("button", name="清空重填").click()
    expect(again.get_by_label("标题")).to_have_value("")


def test_a_draft_that_nobody_came_back_to_is_dropped_after_a_week(browser_page: LogIn, title: str) -> None:
    page = browser_page("fangwen")
    page.goto("/matters/new/petition")
    page.get_by_label("标题").fill(title)
    page.goto("/worklist")
    assert title in page.evaluate("JSON.stringify({...localStorage})")
    page.clock.install(time=datetime.now(UTC) + timedelta(days=8))
    page.goto("/matters/new/petition")
    expect(page.get_by_label("标题")).to_have_value("")
    assert title not in page.evaluate("JSON.stringify({...localStorage})")


def test_twice_or_with_back_nothing_is_done_twice(browser_page: LogIn, title: str) -> None:
    page = browser_page("fangwen")
    page.goto("/matters/new/petition")
    page.get_by_label("标题").fill(title)
    _complete(page)
    page.locator(".act-foot button").dblclick()
    page.get_by_role("link", name="查看事项").click()
    page.wait_for_url(re.compile(r"/matters/\d+$"))
    page.go_back()
    expect(page.get_by_label("标题")).to_have_value("")
    page.go_forward()
    button = page.locator(".act-foot").get_by_role("button", name="受理")
    button.evaluate("button => { button.form.requestSubmit(); button.form.requestSubmit(); }")
    expect(page.locator(".timeline li").first).to_contain_text("受理")
    page.go_back()
    page.go_forward()
    expect(page.locator(".timeline .when b", has_text=re.compile("^受理$"))).to_have_count(1)
    page.goto(f"/ledger?q={title}")
    expect(page.locator("#list tbody tr")).to_have_count(1)


def test_an_input_method_in_a_form(browser_page: LogIn, title: str) -> None:
    """A field marked as wrong, a counter and a draft leave what is being composed alone."""
    page = browser_page("fangwen")
    page.goto("/matters/new/petition")
    page.locator(".act-foot button").click()
    field = page.get_by_label("主要内容")
    expect(field).to_have_attribute("aria-invalid", "true")
    compose(field, "fan ying", "反映")
    compose(field, "di bao", "低保")
    expect(field).to_have_value("反映低保")
    expect(field).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator(".field", has=field).locator(".counter")).to_have_text(re.compile("^4 / "))
    page.reload()
    expect(field).to_have_value("反映低保")


def test_an_input_method_in_a_picker(browser_page: LogIn) -> None:
    page = browser_page("fangwen")
    page.goto("/matters/new/petition")
    search = page.locator("[id='f-a.reported.0.unit-ts-control']")
    search.click()
    compose(search, "liu he xiang", "柳河乡")
    expect(search).to_have_value("柳河乡")
    expect(page.locator(".ts-dropdown:visible .option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("[id='f-a.reported.0.unit'] ~ .ts-wrapper .item")).to_contain_text("柳河乡")


def test_typed_before_the_picker_has_opened(browser_page: LogIn) -> None:
    """On a busy machine letters come before the list hangs down: what stands in the field is looked for."""
    page = browser_page("fangwen")
    page.goto("/matters/new/petition")
    with page.expect_response(lambda answer: "/pickers/person" in answer.url) as asked:
        page.locator("[id='f-a.reported.0.person-ts-control']").evaluate("""control => {
            control.click();
            control.value = "钱志强";
            control.dispatchEvent(new Event("input", { bubbles: true }));
        }""")
    assert unquote(asked.value.url).endswith("?q=钱志强")


@pytest.mark.parametrize("path", ["/worklist", "/ledger", "/watching", "/done"])
def test_an_input_method_in_a_search(browser_page: LogIn, path: str) -> None:
    """Nothing is asked in mid-composition; what was committed is asked once, and stays as it was typed."""
    page = browser_page("fangwen")
    page.goto(path)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "q=" in request.url else None)
    compose(page.locator("#f-q"), "shang he", "上河", pause=450)
    page.wait_for_url(re.compile("q=%E4%B8%8A%E6%B2%B3"))
    expect(page.locator("#f-q")).to_have_value("上河")
    assert len(asked) == 1


def _complete(page: Page) -> None:
    """Fill in what a registration needs besides its title."""
    page.get_by_label("来源").select_option(label="来信")
    page.get_by_label("收件日期").fill("2026-01-05")
    page.get_by_label("主要内容").fill("反映内容")
    pick(page, "problem_fields", "低保", "低保等惠民资金")
    choose(page, "anonymous", "是")


def _log_in_again(page: Page) -> None:
    dialog = page.locator("#log-in")
    expect(dialog.get_by_role("heading", name="登录已超时")).to_be_visible()
    dialog.get_by_label("密码").fill(PASSWORD)
    dialog.get_by_role("button", name="登录并继续").click()
    expect(dialog).to_be_hidden()


@pytest.mark.parametrize(
    ("who", "where", "words", "found", "leads_to"),
    [
        ("dingyiming", "/units", "lhx", ".tree-found a", r"/units/\d+$"),
        ("fangwen", "/worklist", "信访", "#list tbody .c-title > a", r"/matters/\d+"),
    ],
)
def test_what_was_found_stays_under_the_hand(
    browser_page: LogIn, who: str, where: str, words: str, found: str, leads_to: str
) -> None:
    """Pressing on a find takes the focus from the search; asking again then would put another find under the hand."""
    page = browser_page(who)
    page.goto(where)
    page.locator("#f-q").focus()
    with page.expect_response(lambda answer: f"q={quote(words)}" in answer.url):
        page.keyboard.type(words)
    first = page.locator(found).first
    expect(first).to_be_visible()
    page.evaluate(
        "window.asked = []; addEventListener('htmx:beforeRequest', (e) => asked.push(e.target.tagName), true)"
    )
    first.hover(position={"x": 8, "y": 8})
    page.mouse.down()
    assert page.evaluate("asked") == []
    page.mouse.up()
    page.wait_for_url(re.compile(leads_to))
