"""Fixtures of the web's tests: a county behind its pages, and a real browser before the demo county."""

import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from config.settings import Settings
from services import demo, migrations
from services.app import create_app
from services.demo.places import PASSWORD
from services.identity.sealing import Vault
from services.runtime import make_runtime
from services.web.assets import ICONS, STATIC
from tests.support.cast import County
from tests.web.site import Site, serve

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PROVOKED = re.compile(
    r"(status of|Status Error Code) (401|409|422)"  # what a page answers by itself, and the browser reports anyway
    r"|htmx:(afterRequest|sendError|sendAbort), \[object HTMLDivElement\]"  # going on cuts off the frame's polling
)
LogIn = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker has the browser: starting it and telling the demo county's four months take longest."""
    for item in items:
        if "browser_page" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    if not (STATIC / ICONS).exists():
        _miss("the web's scripts and styles are not built: run make setup")


@pytest.fixture
def site(sqlite_county: County, vault: Vault, tmp_path: Path) -> Site:
    """A county on SQLite behind its web."""
    return serve(sqlite_county, vault, tmp_path)


@pytest.fixture(scope="session")
def demo_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server before the demo county, made once."""
    home = tmp_path_factory.mktemp("demo")
    runtime = make_runtime(Settings(home=home))
    migrations.upgrade(runtime.settings.database_url)
    demo.load(runtime, datetime.now(UTC))
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(runtime), log_level="warning", access_log=False, ws="none"))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listening.close()
    runtime.database.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's own Chromium. Not for the whole session: its event loop would be in the way of other tests."""
    if not CHROMIUM.exists():
        _miss("Chromium is missing: apt-get install chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def browser_page(chromium: Browser, demo_address: str) -> Iterator[LogIn]:
    """`browser_page(login, width=…, height=…, dark=…)` opens the worklist as somebody of the demo county.

    A script error, anything the page's security policy stopped, and every request beyond this machine fail the test;
    the refusals that pages show themselves (401, 409, 422) do not.
    """
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def log_in(login: str, *, width: int = 1280, height: int = 800, dark: bool = False) -> Page:
        context = chromium.new_context(
            base_url=demo_address, viewport={"width": width, "height": height}, locale="zh-CN",
            color_scheme="dark" if dark else "light",
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda said: _note(complaints, said))
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("request", lambda asked: _stay(complaints, asked.url))
        page.goto("/login")
        page.get_by_label("用户名").fill(login)
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        page.wait_for_url("**/worklist")
        return page

    yield log_in
    found = [text for text in complaints if not PROVOKED.search(text)]
    for context in contexts:
        context.close()
    assert found == []


def _note(complaints: list[str], said: ConsoleMessage) -> None:
    if said.type in ("error", "warning"):
        complaints.append(f"{said.location['url']}: {said.text}")


def _stay(complaints: list[str], url: str) -> None:
    if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).hostname != "127.0.0.1":
        complaints.append(f"left this machine: {url}")


def _miss(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)
