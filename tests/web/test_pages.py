"""What holds for every page: who may see it, its headers, no inline script, and errors in Chinese."""

import gzip
import json
import re

import pytest

from tests.web.site import HTMX, Site

PAGES = ["/worklist", "/watching", "/done", "/messages", "/profile"]
PUBLIC = ["/login", "/receipt", "/nothing/here"]
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\son[a-z]+=|\shx-on|javascript:|https?://", re.IGNORECASE)


@pytest.mark.parametrize("path", [*PAGES, *PUBLIC])
def test_every_page_has_the_policy_and_nothing_inline(site: Site, path: str) -> None:
    answer = site.by("clerk").get(path)
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not INLINE.search(answer.text.replace("http://www.w3.org/2000/svg", ""))
    assert '<html lang="zh-CN"' in answer.text and "<title>" in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_no_page_without_a_session(site: Site, path: str) -> None:
    assert site.browser().get(path).headers["location"].startswith("/login")


@pytest.mark.parametrize("path", ["/worklist", "/watching", "/done", "/messages"])
def test_htmx_gets_the_list_alone_and_the_back_button_the_page(site: Site, path: str) -> None:
    browser = site.by("clerk")
    assert "<html" not in browser.get(path, headers=HTMX).text
    assert "<html" in browser.get(path, headers={**HTMX, "HX-History-Restore-Request": "true"}).text


def test_what_is_not_there_is_said_in_chinese(site: Site) -> None:
    answer = site.by("clerk").get("/nothing/here")
    assert answer.status_code == 404 and "没有这个页面" in answer.text and "返回我的待办" in answer.text


def test_a_refusal_under_htmx_is_a_toast(site: Site) -> None:
    answer = site.post("clerk", "/matters/999/follow")
    assert answer.status_code == 404 and answer.headers["hx-reswap"] == "none"
    toast = json.loads(answer.headers["hx-trigger"])["duban:toast"]
    assert toast["bad"] and re.search("[\u4e00-\u9fff]", toast["text"])


def test_a_mistake_of_ours_shows_its_number_and_no_cause(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the secret cause")

    monkeypatch.setattr("services.web.pages.messages.list_messages", fail)
    answer = site.by("clerk").get("/messages")
    assert answer.status_code == 500 and answer.headers["x-request-id"] in answer.text
    assert "secret cause" not in answer.text and answer.headers["content-security-policy"] == POLICY


def test_static_files_are_compressed_and_kept_by_their_content(site: Site) -> None:
    browser = site.browser()
    found = re.search(r'href="(/static/app.css\?v=\w+)"', browser.get("/login").text)
    assert found
    answer = browser.get(found[1])
    assert answer.headers["content-encoding"] == "gzip" and "immutable" in answer.headers["cache-control"]
    assert browser.get(found[1], headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert browser.get("/static/app.css?v=old").headers["cache-control"] == "no-cache"
    plain = browser.get(found[1], headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.text == answer.text
    assert browser.get("/static/../app.py").status_code == 404


def test_pages_are_packed_for_whoever_takes_them_so(site: Site) -> None:
    browser = site.browser()
    packed, plain = (browser.get("/login", headers={"Accept-Encoding": taken}) for taken in ("gzip, br", "identity"))
    assert packed.headers["content-encoding"] == "gzip" and "Accept-Encoding" in packed.headers["vary"]
    assert "content-encoding" not in plain.headers
    assert packed.text.endswith("</html>") and 2 * int(packed.headers["content-length"]) < len(plain.content)
    with browser.stream("GET", "/login", headers={"Accept-Encoding": "gzip"}) as sent:
        assert gzip.decompress(b"".join(sent.iter_raw())).decode().startswith("<!doctype html>")


def test_the_api_answers_beside_the_web(site: Site) -> None:
    assert site.browser().get("/api/v1/worklist").json()["code"] == "not_authenticated"
    assert site.browser().get("/api/health").status_code == 200


def test_a_receipt_is_looked_up_without_script(site: Site) -> None:
    code = site.county.open().receipt_code or ""
    browser = site.browser()
    assert "办理状态：已登记" in browser.get("/receipt", params={"code": code.lower()}).text
    unknown, mistyped = (browser.get("/receipt", params={"code": c}) for c in ("0000-0000-0000-0", "1"))
    assert (unknown.status_code, mistyped.status_code) == (404, 404)
    assert unknown.text.replace("0000-0000-0000-0", "") == mistyped.text.replace('value="1"', 'value=""')
    answers = {browser.get("/receipt", params={"code": code}).status_code for _ in range(12)}
    assert answers == {200, 429}


def test_a_receipt_in_handling_tells_the_end_of_the_period(site: Site) -> None:
    opened = site.county.open()
    for step in ("accept", "propose", "approve"):
        site.county.act(opened.matter_id, step, *site.county.usual(step))
    page = site.browser().get("/receipt", params={"code": opened.receipt_code}).text
    assert "办理状态：办理中" in page and "<dd>2016-04-01" in page and 'aria-current="step">办理' in page
