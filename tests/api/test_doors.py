"""Deny by default: every operation asks who calls and with which scope, but for the few that are public."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from services.api.app import application
from services.identity.credentials import SCOPES
from services.identity.people import deactivate
from tests.api.web import TestClient, Web

PUBLIC = {
    ("post", "/api/v1/session"),
    ("get", "/api/v1/public/receipts/{code}"),
    ("get", "/api/health"),
    ("get", "/api/ready"),
}
PAGES = {"/api/docs", "/api/openapi.json", "/metrics"}


def _guarded() -> Iterator[Any]:
    for path, methods in application().openapi()["paths"].items():
        for method, operation in methods.items():
            if (method, path) not in PUBLIC:
                yield pytest.param(method, path, operation, id=f"{method} {path}")


GUARDED = list(_guarded())
each_guarded = pytest.mark.parametrize(("method", "path", "operation"), GUARDED)


def _ask(client: TestClient, method: str, path: str, **more: Any) -> Any:
    filled = "/".join("1" if part.startswith("{") else part for part in path.split("/"))
    return client.request(method, filled, **more)


def test_every_route_is_described_or_a_known_page() -> None:
    app = application()
    described = set(app.openapi()["paths"])
    served = {context.path for context in iter_route_contexts(app.routes)}
    assert served - described == PAGES
    assert described >= {path for _, path in PUBLIC} and len(GUARDED) > 50


@each_guarded
def test_without_credentials_nothing_opens(shared_web: Web, method: str, path: str, operation: Any) -> None:
    answer = _ask(shared_web.nobody, method, path)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@each_guarded
def test_a_token_of_another_scope_opens_nothing(shared_web: Web, method: str, path: str, operation: Any) -> None:
    needed = {scope for way in operation["security"] for scopes in way.values() for scope in scopes}
    assert len(needed) <= 1
    answer = _ask(shared_web.by("office", SCOPES - needed), method, path)
    code = "insufficient_scope" if needed else "session_only"
    assert (answer.status_code, answer.json()["code"]) == (403, code)


@each_guarded
def test_a_cookie_from_another_site_changes_nothing(shared_web: Web, method: str, path: str, operation: Any) -> None:
    headers = {"Cookie": "duban_session=dbs_whatever", "Origin": "https://elsewhere.example"}
    answer = _ask(shared_web.nobody, method, path, headers=headers)
    expected = (401, "not_authenticated") if method == "get" else (403, "cross_site")
    assert (answer.status_code, answer.json()["code"]) == expected


@pytest.mark.parametrize("value", ["Bearer dbt_wrong", "Bearer ", "Basic YTpi", "Bearer \u00e9", "dbt_wrong"])
def test_what_is_no_credential_opens_nothing(shared_web: Web, value: str) -> None:
    answer = shared_web.nobody.get("/api/v1/worklist", headers={"Authorization": value.encode("latin-1")})
    assert answer.status_code == 401


def test_an_expired_token_and_one_of_a_person_shut_out_open_nothing(web: Web) -> None:
    clerk, handler = web.by("clerk"), web.by("handler")
    assert clerk.get("/api/v1/worklist").status_code == handler.get("/api/v1/worklist").status_code == 200
    with web.county.database.write() as session:
        deactivate(session, web.county.people["handler"], web.county.now)
    assert handler.get("/api/v1/worklist").status_code == 401
    web.county.later(days=301)
    assert clerk.get("/api/v1/worklist").status_code == 401


def test_use_of_a_token_is_noted_but_seldom(web: Web) -> None:
    reader = web.by("clerk", {"read"})
    session = web.log_in("clerk")

    def used() -> Any:
        return session.get("/api/v1/tokens").json()[0]["last_used_at"]

    assert used() is None
    reader.get("/api/v1/worklist")
    first = used()
    web.county.later(minutes=1)
    reader.get("/api/v1/worklist")
    assert used() == first
    web.county.later(minutes=5)
    reader.get("/api/v1/worklist")
    assert used() > first
