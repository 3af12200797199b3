"""A county behind its API, each request made as somebody of its cast, at the county's own time."""

import warnings
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from config.settings import Settings
from services.api.app import create_app
from services.db.session import Database
from services.identity.credentials import SCOPES, change_password, issue_token
from services.identity.people import grant
from services.identity.sealing import Vault
from services.runtime import Runtime
from tests.support.apps import put_together_already
from tests.support.cast import PETITION, County

with warnings.catch_warnings(action="ignore"):  # Starlette would rather have a successor of httpx
    from fastapi.testclient import TestClient

__all__ = ["PASSWORD", "TestClient", "Web", "make_admin", "serve"]

PASSWORD = "correct horse 1979"


@dataclass
class Web:
    """The application of one county. `clients` are kept by who they call as and with which scopes."""

    county: County
    app: FastAPI
    clients: dict[Any, TestClient] = field(default_factory=dict)

    @property
    def nobody(self) -> TestClient:
        """A caller without credentials."""
        return self.clients.setdefault(None, TestClient(self.app))

    def by(self, who: str, scopes: Collection[str] = SCOPES) -> TestClient:
        """A caller with a token of somebody's."""
        key = (who, tuple(sorted(scopes)))
        if key not in self.clients:
            with self.county.database.write() as session:
                expires = self.county.now + timedelta(days=300)
                secret = issue_token(session, self.county.people[who], "test", scopes, expires, self.county.now)
            self.clients[key] = TestClient(self.app, headers={"Authorization": f"Bearer {secret}"})
        return self.clients[key]

    def log_in(self, who: str) -> TestClient:
        """A caller with a session of somebody's, by password."""
        with self.county.database.write() as session:
            change_password(session, self.county.people[who], PASSWORD, self.county.now)
        answer = self.nobody.post("/api/v1/session", json={"login": who, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        return TestClient(self.app, headers={"Authorization": f"Bearer {answer.json()['secret']}"})

    def register(self, who: str = "clerk", unit: str = "county", **answers: Any) -> dict[str, Any]:
        """Open a petition over HTTP."""
        data = {**PETITION, "received_on": self.county.today.isoformat(), **answers}
        body = {"procedure": "petition", "unit_id": self.county.units[unit], "answers": data}
        answer = self.by(who).post("/api/v1/matters", json=body)
        assert answer.status_code == 201, answer.text
        opened: dict[str, Any] = answer.json()
        return opened

    def act(self, matter_id: int, action: str, who: str, answers: Any = None, **more: Any) -> httpx.Response:
        """Ask for one action over HTTP."""
        body = {"answers": answers or {}, **more.pop("body", {})}
        return self.by(who).post(f"/api/v1/matters/{matter_id}/actions/{action}", json=body, **more)

    def walk(self, matter_id: int, *steps: str, disposition: str = "preliminary_verification") -> None:
        """Take steps with the cast's usual answers, each over HTTP and each carried out."""
        for step in steps:
            who, answers = self.county.usual(step, disposition)
            answer = self.act(matter_id, step, who, answers)
            assert answer.status_code == 200, answer.text


def serve(county: County, vault: Vault, home: Path, *, lasts: str = "of one test") -> Web:
    """Put an application before a county, for one test or as long as is said."""
    settings = Settings(home=home, secret_file=home / "secret.key", database_url=_url(county.database))
    with put_together_already(lasts):
        app = create_app(Runtime(settings, county.database, vault), lambda: county.now)
    return Web(county, app)


def _url(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


def make_admin(web: Web, who: str, unit: str) -> TestClient:
    """Give somebody the role admin on a unit."""
    with web.county.database.write() as session:
        grant(session, web.county.people[who], "admin", web.county.units[unit], web.county.today, None, "test")
    return web.by(who)
