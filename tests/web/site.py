"""A county behind its web, each page asked for as somebody of its cast, at the county's own time."""

import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from config.settings import Settings
from services.app import Siblings, create_app
from services.db.session import Database
from services.identity.credentials import change_password
from services.identity.sealing import Vault
from services.runtime import Runtime
from tests.support.apps import put_together_already
from tests.support.cast import County

with warnings.catch_warnings(action="ignore"):  # Starlette would rather have a successor of httpx
    from fastapi.testclient import TestClient

PASSWORD = "correct horse 1979"
OURS = {"Origin": "http://testserver"}
HTMX = {**OURS, "HX-Request": "true"}


@dataclass
class Site:
    """The application of one county, and the browsers of those who logged in."""

    county: County
    app: Siblings
    browsers: dict[str, TestClient] = field(default_factory=dict)

    def browser(self) -> TestClient:
        """A browser that nobody has used yet; it shows redirections instead of following them."""
        return TestClient(self.app, follow_redirects=False)

    def by(self, who: str) -> TestClient:
        """The browser of somebody logged in."""
        if who not in self.browsers:
            with self.county.database.write() as session:
                change_password(session, self.county.people[who], PASSWORD, self.county.now)
            self.browsers[who] = self.browser()
            assert self.log_in(self.browsers[who], who).status_code == 303
        return self.browsers[who]

    def log_in(self, browser: TestClient, login: str, password: str = PASSWORD, **more: Any) -> httpx.Response:
        """Send the form of the log-in page."""
        token = token_of(browser.get("/login").text)
        data = {"login": login, "password": password, "csrf": token, **more.pop("data", {})}
        return browser.post("/login", data=data, headers={**OURS, **more})

    def post(self, who: str, path: str, data: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """Send a change as htmx does, from a page of ours."""
        browser = self.by(who)
        token = token_of(browser.get("/profile").text)
        return browser.post(path, data=data or {}, headers={**HTMX, "X-CSRF-Token": token, **headers})


def token_of(page: str) -> str:
    """The token in a page."""
    found = re.search(r'name="csrf" (?:content|value)="([\w-]+)"', page)
    assert found, page[:2000]
    return found[1]


def serve(county: County, vault: Vault, home: Path) -> Site:
    """Put both applications before a county."""
    url = county.database.url.render_as_string(hide_password=False)
    with put_together_already():
        app = create_app(_runtime(home, url, county.database, vault), lambda: county.now)
    return Site(county, app)


def _runtime(home: Path, url: str, database: Database, vault: Vault) -> Runtime:
    return Runtime(Settings(home=home, secret_file=home / "secret.key", database_url=url), database, vault)
