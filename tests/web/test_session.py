"""Logging in and out, sessions that end, and requests that other sites forge."""

import pytest

from tests.web.site import HTMX, OURS, PASSWORD, Site, token_of


def test_a_page_asks_for_log_in_and_leads_back(site: Site) -> None:
    site.by("clerk")
    browser = site.browser()
    asked = browser.get("/worklist?light=red")
    assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=/worklist%3Flight%3Dred")
    answer = site.log_in(browser, "clerk", data={"next": "/worklist?light=red"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/worklist?light=red")
    assert browser.get("/worklist").status_code == 200


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "", "/\nx"])
def test_log_in_never_leads_to_another_site(site: Site, elsewhere: str) -> None:
    site.by("clerk")
    answer = site.log_in(site.browser(), "clerk", data={"next": elsewhere})
    assert answer.headers["location"] == "/worklist"


def test_the_cookie_is_out_of_reach(site: Site) -> None:
    site.by("clerk")
    cookie = site.log_in(site.browser(), "clerk").headers["set-cookie"]
    assert "duban_session=" in cookie and "HttpOnly" in cookie and "SameSite=strict" in cookie


def test_a_wrong_password_is_said_and_the_name_stays(site: Site) -> None:
    site.by("clerk")
    answer = site.log_in(site.browser(), "clerk", "wrong")
    assert answer.status_code == 401
    assert "用户名或密码不正确" in answer.text and 'value="clerk"' in answer.text and "wrong" not in answer.text


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_nobody_is_logged_in_by_another_site(site: Site, headers: dict[str, str]) -> None:
    site.by("clerk")
    browser = site.browser()
    token = token_of(browser.get("/login").text)
    answer = browser.post("/login", data={"login": "clerk", "password": PASSWORD, "csrf": token}, headers=headers)
    assert answer.status_code == 403 and "duban_session" not in browser.cookies


def test_a_form_without_the_token_is_refused(site: Site) -> None:
    browser = site.by("clerk")
    for data in ({}, {"csrf": "0" * 32}, {"csrf": token_of(site.browser().get("/login").text)}):
        assert browser.post("/logout", data=data, headers=OURS).status_code == 403
    assert browser.get("/worklist").status_code == 200


def test_a_page_outlives_its_session_but_not_its_person(site: Site) -> None:
    browser = site.by("clerk")
    token = token_of(browser.get("/worklist").text)
    site.county.later(hours=13)
    site.log_in(browser, "clerk")
    headers = {**HTMX, "X-CSRF-Token": token}
    assert browser.post("/messages/read", headers=headers).status_code == 204
    assert site.by("leader").post("/messages/read", headers=headers).status_code == 403


def test_logging_out_ends_the_session(site: Site) -> None:
    browser = site.by("clerk")
    secret = browser.cookies["duban_session"]
    token = token_of(browser.get("/worklist").text)
    assert browser.post("/logout", data={"csrf": token}, headers=OURS).headers["location"] == "/login"
    again = site.browser()
    again.cookies.set("duban_session", secret)
    assert again.get("/worklist").status_code == 303


def test_a_session_that_ends_under_htmx_is_told_and_goes_on_from_a_dialog(site: Site) -> None:
    browser = site.by("clerk")
    site.county.later(hours=13)
    refused = browser.get("/worklist", headers=HTMX)
    assert refused.status_code == 401 and "location" not in refused.headers
    dialog = browser.get("/login?login=clerk", headers=HTMX)
    assert "<html" not in dialog.text and 'value="clerk" readonly' in dialog.text
    data = {"login": "clerk", "password": "wrong", "csrf": token_of(dialog.text)}
    assert browser.post("/login", data=data, headers=HTMX).status_code == 422
    answer = browser.post("/login", data={**data, "password": PASSWORD}, headers=HTMX)
    assert answer.status_code == 204 and "duban:loggedin" in answer.headers["hx-trigger"]
    assert browser.get("/worklist", headers=HTMX).status_code == 200


def test_a_token_of_a_machine_opens_no_page(site: Site) -> None:
    assert site.browser().get("/worklist", headers={"Authorization": "Bearer dbt_x"}).status_code == 303


def test_changing_the_password_goes_on_here_and_ends_elsewhere(site: Site) -> None:
    here, there = site.by("clerk"), site.browser()
    site.log_in(there, "clerk")
    new = "another horse 1980"
    for old, first, again, said in [
        ("wrong", new, new, "原密码不正确"), (PASSWORD, new, "else", "两次输入"), (PASSWORD, "short", "short", "密码"),
    ]:  # fmt: skip
        answer = site.post("clerk", "/profile/password", {"old": old, "new": first, "again": again})
        assert answer.status_code == 422 and said in answer.text and 'aria-invalid="true"' in answer.text
    answer = site.post("clerk", "/profile/password", {"old": PASSWORD, "new": new, "again": new})
    assert answer.status_code == 204 and answer.headers["hx-redirect"] == "/profile"
    assert (here.get("/profile").status_code, there.get("/profile").status_code) == (200, 303)
