"""Every page that links lead to, opened by people of every role, in light and dark, on a desk and on a phone.

A walk starts at the worklist and follows what stands on each page: every route of the web is opened once, with all
checks, by the first who gets there; a route that nobody's links lead to fails, and so nothing has to be listed here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect
from starlette.routing import Route

from services.demo import places
from services.runs.models import FlowRun, RunState
from tests.web.browsing import Browsers, in_both_themes, violations
from tests.web.conftest import Demo

PEOPLE = {
    "fangwen": "petition clerk of the county", "lujing": "office of the county", "songliqun": "supervisor",
    "wangdahe": "handler of a township", "chenjianguo": "leader of a township", "dingyiming": "administrator",
}  # fmt: skip
ELSEWHERE = {
    "/attachments/{attachment_id:int}": "the demo county has no files; test_life_in_browser opens one",
    "/matters/{matter_id:int}/attachments.zip": "the same",
    "/matters/{matter_id:int}/timeline": "no matter of the demo county has so long a history; test_matter asks for it",
    "/ledger/exports": "asked for while a large export is made; the demo county is too small for one",
    "/ledger/exports/{export_id:int}": "what such an export made",
    "/ledger/views/{view_id:int}": "nobody of the demo county has saved a view",
    "/roles/log/export": "the demo county's record of administration is empty; test_roles asks for it",
    "/units/tree": "asked for while one types into the tree's search; test_units asks for it",
    "/obligations/waive": "nothing that is owed in the demo county was missed",
}
WORDS = frozenset(
    ["PDF", "Word", "Excel", "KB", "MB", "Ctrl", "Enter", "Esc", "Prefect", "XXXX", "XF", "xlsx", "Chrome", "Edge"]
)  # fmt: skip
"""What stays Latin in a Chinese sentence."""

LOOKED_THROUGH = 2
"""So many addresses of the same kind are asked for, as everybody who is shown them."""

_SCRIPT = Path(__file__).with_name("walking.js").read_text()
_MAIN_ACTION = "main .btn-primary:visible, main .kpi a:visible, main tbody a:visible, main [data-row] a:visible"


@dataclass
class Walks:
    """The walks of everybody, each taken once; `opened` and `asked` hold routes."""

    chromium: Browser
    demo: Demo
    opened: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    _found: dict[str, list[str]] = field(default_factory=dict)

    @property
    def reached(self) -> set[str]:
        return self.opened | self.asked

    def of(self, login: str) -> list[str]:
        """What somebody's walk found wrong; "" walks as nobody."""
        if login not in self._found:
            browsers = Browsers(self.chromium, self.demo.address, places.PASSWORD)
            page = browsers.log_in(login) if login else browsers.open()
            walk = Walk(self, page, ["/worklist"] if login else ["/login", "/receipt"])
            walk.go()
            self._found[login] = [*walk.found, *browsers.close()]
        return self._found[login]


@dataclass
class Walk:
    """One person's way through the pages."""

    all: Walks
    page: Page
    queue: list[str]
    found: list[str] = field(default_factory=list)
    _kinds: dict[tuple[str, ...], int] = field(default_factory=dict)
    _visited: set[str] = field(default_factory=set)

    def go(self) -> None:
        while self.queue:
            address = self.queue.pop(0)
            route = route_of(self.all.demo.web, address)
            if route not in self._visited:
                self._visited.add(route)
                self._look_at(address, thoroughly=route not in self.all.opened)
                self.all.opened.add(route)

    def _look_at(self, address: str, *, thoroughly: bool) -> None:
        page = self.page
        page.goto(address)
        self._say(address, "main action out of sight", self._main_action_out_of_sight())
        if thoroughly:
            self._say(address, "keyboard", list(self._by_keyboard()))
        for picked in page.locator("[data-pick]").all()[:1]:
            picked.check()
        self._say(address, "dead", in_page(page, "dead"))
        self._say(address, "not Chinese", foreign(*in_page(page, "texts")))
        self._ask(address)
        if thoroughly:
            self._looks(address)
            self._open_dialogs(address)

    def _ask(self, address: str) -> None:
        """Ask for what the page offers, and keep its pages for later."""
        for kind, href in in_page(self.page, "asked"):
            there = urljoin(address, href)
            if href.startswith(("#", "mailto:")) or urlsplit(there).scheme:
                continue
            route = route_of(self.all.demo.web, there)
            if not route:
                self.found.append(f"{address}: leads to {there}, which is no page")
                continue
            key = (kind, route, *sorted(parse_qs(urlsplit(there).query)))
            self._kinds[key] = self._kinds.get(key, 0) + 1
            if self._kinds[key] > LOOKED_THROUGH:
                continue
            answer = self.page.request.get(there, headers={"HX-Request": "true"} if kind == "part" else {})
            self.all.asked.add(route)
            if answer.status != 200:
                self.found.append(f"{address}: {kind} {there} answers {answer.status}")
            elif kind == "link" and "text/html" in answer.headers["content-type"]:
                self.queue.append(there)

    def _main_action_out_of_sight(self) -> list[str]:
        action = self.page.locator(_MAIN_ACTION).first
        box = action.bounding_box() if action.count() else None
        return [action.evaluate("e => e.outerHTML")[:150]] if box and box["y"] + box["height"] > 800 else []

    def _by_keyboard(self) -> Iterator[str]:
        """From the top, past the navigation, to the main action; each stop can be seen."""
        page, action = self.page, self.page.locator(_MAIN_ACTION).first
        if not action.count():
            return
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("Tab")
        if page.locator(".skip").count():
            if "skip" not in in_page(page, "focus")[0]:
                yield "the first stop does not lead to the content"
            page.keyboard.press("Enter")
        for _ in range(150):
            if action.evaluate("e => e === document.activeElement"):
                return
            stop, shown = in_page(page, "focus")
            if not shown and stop and not stop.startswith("<main"):
                yield f"unseen focus on {stop}"
                return
            page.keyboard.press("Tab")
        yield "the main action is out of reach"

    def _looks(self, address: str) -> None:
        page = self.page
        page.keyboard.press("Escape")
        self._say(address, "axe", in_both_themes(page))
        page.set_viewport_size({"width": 360, "height": 740})
        wide = page.evaluate("document.documentElement.scrollWidth")
        self._say(address, "on a phone", [f"{wide} px wide"] if wide > 360 else [])
        page.set_viewport_size({"width": 1280, "height": 800})

    def _open_dialogs(self, address: str) -> None:
        page = self.page
        for box in ("dialog", "drawer"):
            for route, at in self._openers(box):
                self.all.asked.add(route)
                page.locator(f"[hx-target='#{box}-body']:visible").nth(at).click()
                dialog = page.locator(f"#{box}[open]")
                expect(dialog).to_be_visible()
                self._say(f"{address} {route}", "dialog", violations(page))
                self._say(f"{address} {route}", "not Chinese", foreign(*in_page(page, "texts")))
                self._say(f"{address} {route}", "dead", in_page(page, "dead"))
                page.keyboard.press("Escape")
                expect(page.locator(f"#{box}")).to_be_hidden()

    def _openers(self, box: str) -> list[tuple[str, int]]:
        """One button for each dialog that the page can open."""
        buttons = self.page.locator(f"[hx-get][hx-target='#{box}-body']:visible:not(:disabled)")
        every = buttons.evaluate_all("all => all.map((e) => e.getAttribute('hx-get'))")
        routes = [route_of(self.all.demo.web, address) for address in every]
        return [(route, at) for at, route in enumerate(routes) if route not in routes[:at]]

    def _say(self, address: str, what: str, problems: list[Any]) -> None:
        self.found += [f"{address} ({what}): {problem}" for problem in problems]


@pytest.fixture(scope="module")
def walks(chromium: Browser, demo_county: Demo) -> Walks:
    with demo_county.runtime.database.write() as session:
        session.add(FlowRun(flow="escalate_overdue", scheduled_for=datetime.now(UTC), state=RunState.COMPLETED))
    return Walks(chromium, demo_county)


@pytest.mark.parametrize("login", ["", *PEOPLE])
def test_every_page_holds(walks: Walks, login: str) -> None:
    problems = walks.of(login)
    assert not problems, "\n".join(problems)


def test_every_route_can_be_reached(walks: Walks) -> None:
    for login in ("", *PEOPLE):
        walks.of(login)
    assert {route.path for route in pages_of(walks.demo.web)} - walks.reached - ELSEWHERE.keys() == set()


def in_page(page: Page, question: str) -> Any:
    """What walking.js answers."""
    return page.evaluate(f"{_SCRIPT}.{question}()")


def pages_of(web: FastAPI) -> list[Route]:
    """The routes that can be asked for with GET."""
    routes = [route for included in web.routes for route in getattr(included, "original_router", web).routes]
    return [route for route in routes if isinstance(route, Route) and "GET" in (route.methods or ())]


def route_of(web: FastAPI, address: str) -> str:
    """The route that answers an address, or nothing."""
    path = urlsplit(address).path
    return next((route.path for route in pages_of(web) if route.path_regex.match(path)), "")


def foreign(text: str, codes: str) -> list[str]:
    """Latin words of a text that are no codes, log-ins or names of files."""
    for code in codes.splitlines():
        text = text.replace(code, "") if code.strip() else text
    text = re.sub(r"/[a-z]+\b|[\w-]+\.\w{2,4}\b", "", text)
    logins = {member.login for member in places.CAST}
    return sorted(set(re.findall(r"[A-Za-z]{2,}", text)) - WORDS - logins)
