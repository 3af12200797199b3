"""登记新事项: who may, where, the form with its rows and its sealed part, the code that is shown once."""

import html
import re
from typing import Any

import httpx

from tests.web.site import Site

PETITION: dict[str, Any] = {
    "a.channel": "letter", "a.received_on": "2016-03-01", "a.summary": "反映上河村低保问题", "a.content": "截留低保金",
    "a.problem_fields": ["subsidies"], "a.anonymous": "false", "a.complainant.name": "林举报",
    "a.reported.0.name": "某村干部", "a.reported.0.post": "村支书", "a.group_size": "1", "a.representatives": "1",
}  # fmt: skip


def _send(site: Site, who: str = "clerk", **more: Any) -> httpx.Response:
    page = site.by(who).get("/matters/new/petition").text
    key = re.search(r'name="request_key" value="([^"]+)"', page)
    unit = re.search(r'<option value="(\d+)"[^>]* selected', page)
    assert key and unit
    return site.post(who, "/matters/new/petition", {"request_key": key[1], "unit": unit[1], **PETITION, **more})


def test_everybody_is_offered_what_he_may_open(site: Site) -> None:
    assert "/matters/new/petition" in site.by("clerk").get("/matters/new").text
    assert "您没有可以登记的事项" in site.by("nobody").get("/matters/new").text
    for path in ("/matters/new/petition", "/matters/new/nothing"):
        assert site.by("nobody").get(path).status_code == 403
    for who in ("clerk", "conduct", "manager", "township_discipline"):
        assert 'href="/matters/new"' in site.by(who).get("/worklist").text
    for who in ("nobody", "leader"):
        assert 'href="/matters/new"' not in site.by(who).get("/worklist").text
    assert site.post("nobody", "/matters/new/petition", PETITION).status_code == 403


def test_the_receipts_code_is_shown_once(site: Site) -> None:
    answer = _send(site)
    assert answer.status_code == 200 and "只显示这一次" in answer.text and answer.headers["cache-control"] == "no-store"
    code = re.search(r'receipt-code">([0-9A-Z-]+)<', answer.text)
    matter = re.search(r'href="(/matters/\d+)"', answer.text)
    assert code and matter and "duban:performed" in answer.headers["hx-trigger"]
    assert "办理状态：已登记" in site.browser().get("/receipt", params={"code": code[1]}).text
    page = site.by("clerk").get(matter[1]).text
    assert code[1] not in page and "林举报" not in page and "某村干部" in page


def test_sent_twice_it_is_opened_once(site: Site) -> None:
    page = site.by("clerk").get("/matters/new/petition").text
    key = re.findall(r'name="request_key" value="([^"]+)"', page)[0]
    first, second = _send(site, request_key=key), _send(site, request_key=key)
    address = re.compile(r'href="(/matters/\d+)"')
    assert address.findall(first.text) == address.findall(second.text) and "receipt-code" not in second.text


def test_a_wrong_form_comes_back_with_all_its_rows(site: Site) -> None:
    rows = {"a.reported.1.name": "", "a.reported.1.post": "", "a.reported.4.post": "会计"}
    answer = _send(site, **{"a.summary": " ", "a.received_on": "2030-01-01", "a.anonymous": "", **rows})
    text = html.unescape(answer.text)
    assert answer.status_code == 422 and "处需要修改" in text and 'value="某村干部"' in text and 'value="会计"' in text
    assert 'id="f-a.reported.1.name-e"' in text and "f-a.reported.4" not in text and 'value="林举报"' in text


def test_what_concerns_the_whole_form_is_said_on_top(site: Site) -> None:
    answer = _send(site, **{"a.anonymous": "true"})
    assert answer.status_code == 422 and "匿名件不得填写举报人" in answer.text


def test_a_unit_that_was_not_offered_is_refused(site: Site) -> None:
    answer = _send(site, "township_clerk", unit=site.county.units["water"])
    assert answer.status_code == 422 and "请选择登记单位" in answer.text
