"""Real browsers before a real server, and what somebody does with a page in them."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime, time
from time import sleep
from typing import Any
from urllib.parse import quote, urlsplit

import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

from config.calendar import SHANGHAI
from services.identity.credentials import change_password
from tests.support.cast import County
from tests.web.site import PASSWORD

ANSWERED = frozenset({401, 409, 422})
"""What a page answers by itself, and the browser reports as an error anyway."""

LEAVING = r"htmx:(afterRequest|sendError|sendAbort), \[object HTMLDivElement\]"
"""Going on to another page cuts off what this one's frame asks for meanwhile."""

_AXE = Axe().axe_script


@contextmanager
def listening(app: Any) -> Iterator[str]:
    """Serve an application on a free port of this machine; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, ws="none"))
        thread = threading.Thread(target=server.run, args=([door],), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            sleep(0.02)
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)


@dataclass
class Browsers:
    """One browser per person, and what each of them complained of.

    Script errors, whatever the pages' security policy stopped, and requests beyond this machine are complaints; so
    are answers with a status that is not in `provoked`.
    """

    chromium: Browser
    address: str
    password: str
    provoked: set[int] = field(default_factory=lambda: set(ANSWERED))
    _said: list[str] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)

    def open(self, *, width: int = 1280, height: int = 800, dark: bool = False) -> Page:
        """Return a page of somebody new, who has not logged in."""
        context = self.chromium.new_context(
            base_url=self.address, viewport={"width": width, "height": height}, locale="zh-CN",
            color_scheme="dark" if dark else "light", reduced_motion="reduce",
        )  # fmt: skip
        context.set_default_timeout(15_000)
        self._contexts.append(context)
        context.on("console", self._note)
        context.on("weberror", lambda error: self._said.append(f"script: {error.error}"))
        context.on("request", lambda asked: self._stay(asked.url))
        return context.new_page()

    def log_in(self, login: str, *, width: int = 1280, height: int = 800, dark: bool = False) -> Page:
        """Return the worklist of somebody."""
        page = self.open(width=width, height=height, dark=dark)
        page.goto("/login")
        enter(page, login, self.password)
        page.wait_for_url("**/worklist")
        return page

    def close(self) -> list[str]:
        """Close them all; return their complaints."""
        for context in self._contexts:
            context.close()
        statuses = "|".join(map(str, sorted(self.provoked)))
        forgiven = re.compile(rf"(status of|Status Error Code) ({statuses})|{LEAVING}")
        return [said for said in self._said if not forgiven.search(said)]

    def _note(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            self._said.append(f"{said.location['url']}: {said.text}")

    def _stay(self, url: str) -> None:
        if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).hostname != "127.0.0.1":
            self._said.append(f"left this machine: {url}")


@dataclass
class Live:
    """A county behind a real server, whose clock the test moves, and the browsers of its cast."""

    county: County
    browsers: Browsers

    def enter(self, who: str) -> Page:
        """Return the worklist of somebody of the cast."""
        with self.county.database.write() as session:
            change_password(session, self.county.people[who], PASSWORD, self.county.now)
        return self.browsers.log_in(who)

    def on(self, day: date) -> None:
        """Go on to ten o'clock of a later day."""
        self.county.now = datetime.combine(day, time(10), SHANGHAI)


def go(page: Page, path: str, who: str = "") -> None:
    """Open a page as one does by its address, through the log-in page where the session is over."""
    page.goto(path, wait_until="domcontentloaded")
    if "/login" in page.url:
        enter(page, who, PASSWORD)
        page.wait_for_url(f"**{path}", wait_until="domcontentloaded")


def enter(page: Page, login: str, password: str) -> None:
    """Fill in the log-in page and send it."""
    page.get_by_label("用户名").fill(login)
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录").click()


def violations(page: Page, *rules: str) -> list[tuple[str, list[str]]]:
    """Return what axe finds, by all rules or by these: the rule, and the elements concerned."""
    only = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE)
    how = {"resultTypes": ["violations"], **only}
    found = page.evaluate("(how) => axe.run(how).then((all) => all.violations)", how)
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]


def in_both_themes(page: Page) -> list[tuple[str, list[str]]]:
    """Return what axe finds in light, and in dark by the rules of colour: nothing else looks different there."""
    found = violations(page)
    page.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
    found += violations(page, "color-contrast", "link-in-text-block")
    page.evaluate("document.documentElement.dataset.bsTheme = 'light'")
    return found


def submit(page: Page, action: str) -> None:
    """Press the one primary button of a matter's form, and see that it was done."""
    page.locator(".act-foot").get_by_role("button", name=action, exact=True).click()
    expect(page.locator("#toasts")).to_contain_text(f"“{action}”已提交")


def refused(page: Page, action: str, why: str) -> None:
    """Press the button, and see that nothing was done and why."""
    page.locator(".act-foot").get_by_role("button", name=action, exact=True).click()
    expect(page.locator("#act .alarm")).to_contain_text(why)


def choose(page: Page, path: str, option: str) -> None:
    """Choose in a control of the form, whether its options lie side by side or hang down."""
    field = page.locator(f"[id='f-a.{path}']")
    if field.evaluate("e => e.tagName") == "SELECT":
        field.select_option(label=option)
    else:
        field.get_by_text(option, exact=True).click()


def pick(page: Page, path: str, typed: str, option: str) -> None:
    """Find something in a picker by typing, and take it with the keyboard."""
    page.locator(f"[id='f-a.{path}-ts-control']").click()
    asks = page.locator(f"select[id='f-a.{path}'][data-pick-from]").count()
    answered = page.expect_response(lambda answer: answer.url.endswith(f"?q={quote(typed)}")) if asks else nullcontext()
    with answered:
        page.keyboard.type(typed)
    expect(page.locator(".ts-dropdown:visible .option.active")).to_contain_text(option)
    page.keyboard.press("Enter")
    expect(page.locator(f"[id='f-a.{path}'] ~ .ts-wrapper .item").last).to_contain_text(option)
    page.keyboard.press("Tab")


def register(page: Page, title: str) -> str:
    """Register an anonymous petition by its form; return the address of its page, which is open then."""
    page.goto("/matters/new/petition")
    page.get_by_label("来源").select_option(label="来信")
    page.get_by_label("收件日期").fill("2026-01-05")
    page.get_by_label("标题").fill(title)
    page.get_by_label("主要内容").fill("反映内容")
    pick(page, "problem_fields", "低保", "低保等惠民资金")
    choose(page, "anonymous", "是")
    page.locator("[name='a.reported.0.name']").fill("某村会计")
    page.get_by_label("主要内容").press("Control+Enter")
    page.get_by_role("link", name="查看事项").click()
    page.wait_for_url(re.compile(r"/matters/\d+$"))
    return page.url


def compose(field: Locator, typed: str, committed: str, pause: int = 0) -> None:
    """Type letters with a Chinese input method, resting that many ms between them, and take its suggestion."""
    field.focus()
    keyboard = field.page.context.new_cdp_session(field.page)
    for end in range(1, len(typed) + 1):
        keyboard.send("Input.imeSetComposition", {"text": typed[:end], "selectionStart": end, "selectionEnd": end})
        field.page.wait_for_timeout(pause if end in (1, len(typed)) else 0)
    keyboard.send("Input.insertText", {"text": committed})
    keyboard.detach()
