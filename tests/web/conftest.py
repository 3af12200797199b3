"""Fixtures of the web's tests: a county behind its pages, and a real browser before the demo county."""

import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, sync_playwright

from config.settings import Settings
from services import demo, migrations
from services.app import create_app
from services.demo import places
from services.identity.sealing import Vault
from services.ledgers import exporting, exports
from services.runtime import Runtime, make_runtime
from services.web.assets import ICONS, STATIC
from tests.support.cast import County
from tests.web import site as sites
from tests.web.browsing import Browsers, Live, listening

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
LogIn = Callable[..., Page]


class Demo(NamedTuple):
    """The address of the demo county's server, and what is behind it."""

    address: str
    web: FastAPI
    runtime: Runtime


class Gate:
    """What holds an export after its first batch until it may `go` on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.go = threading.Event(), threading.Event()
        beat = exports._Beat.__call__

        def held(this: Any, written: int) -> bool:
            self.reached.set()
            assert self.go.wait(30)
            return beat(this, written)

        monkeypatch.setattr(exports._Beat, "__call__", held)


def await_exports() -> None:
    """Return once no export is being written any more."""
    for thread in threading.enumerate():
        if thread.name == "export":
            thread.join(120)
            assert not thread.is_alive()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Not in the fixture: skipped here, all of them are told of in one line."""
    if "chromium" in getattr(item, "fixturenames", ()) and not CHROMIUM.exists():
        _miss("Chromium is missing: apt-get install chromium fonts-noto-cjk libatomic1")


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    if not (STATIC / ICONS).exists():
        _miss("the web's scripts and styles are not built: run make setup")


@pytest.fixture
def site(sqlite_county: County, vault: Vault, tmp_path: Path) -> sites.Site:
    """A county on SQLite behind its web."""
    return sites.serve(sqlite_county, vault, tmp_path)


@pytest.fixture(scope="session")
def demo_county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo county behind a real server, made once."""
    runtime = make_runtime(Settings(home=tmp_path_factory.mktemp("demo")))
    migrations.upgrade(runtime.settings.database_url)
    demo.load(runtime, datetime.now(UTC))
    app = create_app(runtime)
    with listening(app) as address:
        yield Demo(address, app.web, runtime)
    runtime.database.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's own Chromium. Not for the whole session: its event loop would be in the way of other tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def browsers(chromium: Browser, demo_county: Demo) -> Iterator[Browsers]:
    """Browsers before the demo county; whatever they complain of fails the test."""
    made = Browsers(chromium, demo_county.address, places.PASSWORD)
    yield made
    assert made.close() == []


@pytest.fixture
def browser_page(browsers: Browsers) -> LogIn:
    """`browser_page(login, width=…, height=…, dark=…)` opens the worklist as somebody of the demo county."""
    return browsers.log_in


@pytest.fixture
def live(chromium: Browser, sqlite_county: County, vault: Vault, tmp_path: Path) -> Iterator[Live]:
    """A county of the test's own behind a real server, at the county's own time."""
    with listening(sites.serve(sqlite_county, vault, tmp_path).app) as address:
        made = Live(sqlite_county, Browsers(chromium, address, sites.PASSWORD))
        yield made
        assert made.browsers.close() == []


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rows a batch, and anything over five is large."""
    monkeypatch.setattr(exporting, "MOST", 3)
    monkeypatch.setattr(exports, "AT_ONCE", 5)
    monkeypatch.setattr("services.web.pages.ledger.AT_ONCE", 5)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Holds the writer after its first batch."""
    found = Gate(monkeypatch)
    yield found
    found.go.set()
    await_exports()


def _miss(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)
