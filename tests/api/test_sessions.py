"""Logging in with a password, by bearer and by cookie; tokens never outgrow their scopes."""

from datetime import timedelta
from typing import Any

import pytest

from services.identity.passwords import FAILURES
from tests.api.web import PASSWORD, TestClient, Web

HOST = {"Origin": "http://testserver"}


def _browser(web: Web, who: str = "clerk", scheme: str = "http") -> TestClient:
    web.log_in(who)
    browser = TestClient(web.app, base_url=f"{scheme}://testserver")
    body = {"login": who, "password": PASSWORD, "cookie": True}
    answer = browser.post("/api/v1/session", json=body, headers={"Origin": f"{scheme}://testserver"})
    assert (answer.status_code, answer.json()["secret"]) == (201, None)
    return browser


def test_a_session_has_all_its_person_may_do(web: Web) -> None:
    me = web.log_in("leader").get("/api/v1/session").json()
    assert me["name"] == "孙领导" and me["scopes"] is None
    assert {role["role"] for role in me["roles"]} == {"unit_leader", "county_leader"}


def test_logging_out_ends_the_session(web: Web) -> None:
    session = web.log_in("clerk")
    assert session.delete("/api/v1/session").status_code == 200
    assert session.get("/api/v1/session").status_code == 401


def test_a_session_ends_after_its_time(web: Web) -> None:
    session = web.log_in("clerk")
    web.county.later(hours=12)
    assert session.get("/api/v1/session").status_code == 401


def test_wrong_passwords_and_unknown_logins_look_alike_and_lock(web: Web) -> None:
    web.log_in("clerk")

    def attempt(login: str, password: str) -> Any:
        return web.nobody.post("/api/v1/session", json={"login": login, "password": password})

    wrong, unknown = attempt("clerk", "wrong"), attempt("who", "wrong")
    assert {k: v for k, v in wrong.json().items() if k != "instance"} == {
        k: v for k, v in unknown.json().items() if k != "instance"
    }
    for _ in range(FAILURES - 1):
        assert attempt("clerk", "wrong").status_code == 401
    assert (attempt("clerk", PASSWORD).status_code, attempt("clerk", PASSWORD).json()["code"]) == (429, "login_locked")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_cookie_is_kept_from_scripts_and_other_sites(web: Web, scheme: str) -> None:
    browser = _browser(web, scheme=scheme)
    (cookie,) = browser.cookies.jar
    assert (cookie.name, cookie.path, cookie.secure) == ("duban_session", "/", scheme == "https")
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "strict"
    assert browser.get("/api/v1/worklist").status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Origin": "http://testserver.elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        (HOST, 200),
    ],
)
def test_a_change_by_cookie_comes_from_our_own_pages(web: Web, headers: dict[str, str], status: int) -> None:
    answer = _browser(web).post("/api/v1/messages/read", json={"ids": None}, headers=headers)
    assert answer.status_code == status
    assert status == 200 or answer.json()["code"] == "cross_site"


def test_nobody_is_logged_in_by_another_site(web: Web) -> None:
    web.log_in("clerk")
    body = {"login": "clerk", "password": PASSWORD, "cookie": True}
    answer = web.nobody.post("/api/v1/session", json=body, headers={"Origin": "http://elsewhere.example"})
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    assert "set-cookie" not in answer.headers


def test_logging_out_by_cookie_takes_the_cookie_away(web: Web) -> None:
    browser = _browser(web)
    assert browser.delete("/api/v1/session", headers=HOST).status_code == 200
    assert not list(browser.cookies.jar)


def test_changing_the_password_needs_the_old_one_and_ends_all_sessions(web: Web) -> None:
    one = web.log_in("clerk")
    path, new = "/api/v1/session/password", "another horse 1980"
    assert one.put(path, json={"old": "wrong", "new": new}).json()["code"] == "wrong_login"
    assert one.put(path, json={"old": PASSWORD, "new": "short"}).json()["code"] == "weak_password"
    assert one.put(path, json={"old": PASSWORD, "new": new}).status_code == 200
    assert one.get("/api/v1/session").status_code == 401
    assert web.nobody.post("/api/v1/session", json={"login": "clerk", "password": new}).status_code == 201


def test_a_token_does_what_its_scopes_say_until_it_is_revoked(web: Web) -> None:
    session = web.log_in("clerk")
    expires = (web.county.now + timedelta(days=30)).isoformat()
    made = session.post("/api/v1/tokens", json={"name": "reader", "scopes": ["read"], "expires_at": expires})
    assert made.status_code == 201
    reader = TestClient(web.app, headers={"Authorization": f"Bearer {made.json()['secret']}"})
    assert reader.get("/api/v1/session").json()["scopes"] == ["read"]
    (token,) = session.get("/api/v1/tokens").json()
    assert (token["name"], token["scopes"]) == ("reader", ["read"]) and "secret" not in token
    assert session.delete(f"/api/v1/tokens/{token['id']}").status_code == 200
    assert reader.get("/api/v1/session").status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": []},
        {"scopes": ["all"]},
        {"expires_at": "2016-02-01T00:00:00Z"},
        {"expires_at": "2030-01-01T00:00:00Z"},
        {"expires_at": "2016-04-01T00:00:00"},
        {"name": " "},
    ],
)
def test_a_token_that_says_too_little_or_lasts_too_long_is_refused(web: Web, change: dict[str, Any]) -> None:
    body = {"name": "x", "scopes": ["read"], "expires_at": "2016-04-01T00:00:00Z", **change}
    assert web.log_in("clerk").post("/api/v1/tokens", json=body).status_code == 422


def test_nobody_ends_the_token_of_another(web: Web) -> None:
    web.by("leader")
    mine = web.log_in("clerk")
    assert mine.delete("/api/v1/tokens/1").status_code == 404
    assert web.by("leader").get("/api/v1/session").status_code == 200
