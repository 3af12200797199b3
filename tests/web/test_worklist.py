"""我的待办: whose it is, filters, search by pinyin, order, pages, unread, and several at once."""

import html
import io
import json
import re
from typing import Any

import pytest
from openpyxl import load_workbook

from services.notifications.attention import note_seen
from tests.web.site import HTMX, Site


def _titles(page: str) -> list[str]:
    cells = re.findall(r'<td class="c-title"><a [^>]*>(.*?)</a>', page, re.DOTALL)
    return [html.unescape(re.sub(r"<span.*?</span>", "", cell)) for cell in cells]


def _items(page: str) -> list[int]:
    return [int(found) for found in re.findall(r'name="items" value="(\d+)"', page)]


def _list(site: Site, who: str = "clerk", **asked: Any) -> str:
    answer = site.by(who).get("/worklist", params=asked, headers=HTMX)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_everybody_sees_his_own_and_nobody_elses(site: Site) -> None:
    site.county.open(summary="反映上河村低保问题")
    assert _titles(_list(site)) == ["反映上河村低保问题"]
    assert "待办已全部办结" in _list(site, "elsewhere")


@pytest.mark.parametrize(
    ("q", "found"), [("低保", 1), ("fyshcdb", 1), ("DIBAO", 0), ("〔2016〕1号", 1), ("qhx", 1), ("没有", 0), ("%", 0)]
)
def test_search_by_characters_number_unit_and_initials(site: Site, q: str, found: int) -> None:
    site.county.open(summary="反映上河村低保问题")
    page = _list(site, q=q)
    assert len(_titles(page)) == found
    assert found or ("没有符合条件的事项" in page and "清除筛选" in page)


def test_the_tiles_count_what_the_other_filters_leave(site: Site) -> None:
    site.county.open(summary="甲")
    site.county.later(days=40)
    site.county.open(summary="乙")
    for asked in ({}, {"q": "信访"}):
        page = _list(site, **asked)
        assert '<b id="n-all" hx-swap-oob="true">2</b>' in page and '<b id="n-red" hx-swap-oob="true">1</b>' in page
    assert _titles(_list(site, light="red")) == ["甲"]
    assert _titles(_list(site)) == ["甲", "乙"]
    assert _titles(_list(site, sort="-due")) == _titles(_list(site, sort="-opened")) == ["乙", "甲"]


def test_pages_go_on_where_the_last_one_ended(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.web.worklists.LIMIT", 2)
    for summary in "甲乙丙":
        site.county.open(summary=summary)
    for asked in ({}, {"sort": "opened"}, {"q": "信访"}):
        first = _list(site, **asked)
        link = re.search(r'href="([^"]+)"[^>]*>下一页', first)
        assert link
        rest = site.by("clerk").get(html.unescape(link[1]), headers=HTMX).text
        assert _titles(first) + _titles(rest) == ["甲", "乙", "丙"]
        assert "回到第一页" in rest and "下一页" not in rest


def test_odd_addresses_do_no_harm(site: Site) -> None:
    for asked in ({"unit": "x"}, {"light": "pink"}, {"sort": "no"}, {"claimed": "no"}, {"unit": "9" * 30}):
        assert "待办已全部办结" in _list(site, **asked)
    assert site.by("clerk").get("/worklist?cursor=nonsense").status_code == 422


def test_a_row_is_bold_until_its_matter_was_opened(site: Site) -> None:
    matter = site.county.open().matter_id
    assert 'class="unread"' in _list(site)
    site.county.later(minutes=1)
    with site.county.database.write() as session:
        note_seen(session, site.county.actor("clerk", session), matter, site.county.now)
    assert 'class="unread"' not in _list(site)
    assert 'class="unread"' in _list(site, "clerk2")


def test_claiming_several(site: Site) -> None:
    site.county.open()
    site.county.open()
    items = _items(_list(site))
    answer = site.post("clerk", "/worklist/claim", {"items": items})
    assert answer.status_code == 204
    assert json.loads(answer.headers["hx-trigger"])["duban:toast"] == {"text": "已签收 2 件", "bad": False}
    assert len(_titles(_list(site, claimed="mine"))) == 2 and _titles(_list(site, claimed="unclaimed")) == []
    late = site.post("clerk2", "/worklist/claim", {"items": items})
    assert json.loads(late.headers["hx-trigger"])["duban:toast"]["bad"]


def test_handing_on_needs_a_person_and_a_reason(site: Site) -> None:
    site.county.open()
    items = _items(_list(site))
    dialog = site.by("clerk").get("/worklist/transfer", params={"items": items}, headers=HTMX).text
    assert "钱信访" in dialog and "赵信访" not in dialog
    wrong = site.post("clerk", "/worklist/transfer", {"items": items, "reason": "  "})
    assert wrong.status_code == 422 and "请选择接办人" in wrong.text and "请填写转办理由" in wrong.text
    site.post("clerk", "/worklist/claim", {"items": items})
    to = site.county.people["clerk2"]
    done = site.post("clerk", "/worklist/transfer", {"items": items, "to": to, "reason": "出差"})
    assert json.loads(done.headers["hx-trigger"])["duban:toast"]["text"] == "已转办 1 件"
    assert _titles(_list(site)) == [] and len(_titles(_list(site, "clerk2", claimed="mine"))) == 1


def test_urging_tells_what_each_refused(site: Site) -> None:
    site.county.open()
    items = _items(_list(site))
    assert "请填写催办内容" in site.post("clerk", "/worklist/urge", {"items": items, "text": " "}).text
    first = site.post("clerk", "/worklist/urge", {"items": items, "text": "请抓紧"})
    assert json.loads(first.headers["hx-trigger"])["duban:toast"]["text"] == "已催办 1 件"
    again = json.loads(site.post("clerk", "/worklist/urge", {"items": items, "text": "请抓紧"}).headers["hx-trigger"])
    assert again["duban:toast"]["bad"] and "1 件未能催办" in again["duban:toast"]["text"]
    messages = site.by("clerk2").get("/messages").text
    assert "请抓紧" in messages and "消息，1 条未读" in messages


def test_items_of_others_are_passed_over(site: Site) -> None:
    site.county.open()
    items = _items(_list(site))
    answer = site.post("elsewhere", "/worklist/claim", {"items": items})
    assert "已不在您的待办中" in json.loads(answer.headers["hx-trigger"])["duban:toast"]["text"]


def test_following_and_what_one_had_a_hand_in(site: Site) -> None:
    matter = site.county.walk("accept")
    browser = site.by("clerk")
    assert site.post("elsewhere", f"/matters/{matter}/follow").status_code == 404
    assert "还没有关注的事项" in browser.get("/watching").text
    assert site.post("clerk", f"/matters/{matter}/follow").status_code == 204
    assert len(_titles(browser.get("/watching").text)) == 1
    assert len(_titles(browser.get("/done").text)) == 1 and _titles(site.by("clerk2").get("/done").text) == []
    assert "没有符合条件的事项" in browser.get("/done?status=closed").text
    site.post("clerk", f"/matters/{matter}/unfollow")
    assert _titles(browser.get("/watching").text) == []


def test_messages_are_read_one_by_one_or_all(site: Site) -> None:
    site.county.open()
    site.post("clerk", "/worklist/urge", {"items": _items(_list(site)), "text": "请抓紧"})
    browser = site.by("clerk2")
    link = re.search(r'href="(/messages/\d+)"', browser.get("/messages").text)
    assert link
    assert browser.get(link[1]).headers["location"].startswith("/matters/")
    assert "没有未读消息" in browser.get("/messages?unread=1").text
    assert site.by("clerk").get(link[1]).headers["location"] == "/messages"
    marked = json.loads(site.post("clerk2", "/messages/read").headers["hx-trigger"])
    assert marked["duban:toast"]["text"] == "没有未读消息"


def test_each_row_is_told_what_became_of_it(site: Site) -> None:
    for summary in ("甲", "乙"):
        site.county.open(summary=summary)
    first, second = _items(_list(site))
    site.post("clerk", "/worklist/urge", {"items": [first], "text": "请抓紧"})
    answer = site.post("clerk", "/worklist/urge", {"items": [first, second], "text": "请抓紧"})
    assert answer.status_code == 200 and answer.headers["hx-retarget"] == "#dialog-body"
    told = re.findall(r'<li class="(bad|good)">.*?<b>(.*?)</b>.*?<em>(.*?)</em>', answer.text, re.DOTALL)
    assert [(kind, title) for kind, title, _ in told] == [("bad", "甲"), ("good", "乙")]
    assert "已催办 1 件，未能催办 1 件" in answer.text and told[0][2] != told[1][2]


def test_exports_what_is_chosen_or_what_the_filters_leave(site: Site) -> None:
    for summary in ("甲问题", "乙问题", "丙"):
        site.county.open(summary=summary)
    chosen = _items(_list(site))[:1]
    for asked, titles in (({"items": chosen}, ["甲问题"]), ({"q": "wt"}, ["乙问题", "甲问题"]), ({"light": "red"}, [])):
        assert _exported(site, "clerk", **asked) == titles
    assert _exported(site, "elsewhere", items=chosen) == []
    assert 'href="/worklist/export?q=wt"' in _list(site, q="wt")


def _exported(site: Site, who: str, **asked: Any) -> list[str]:
    answer = site.by(who).get("/worklist/export", params=asked)
    assert answer.status_code == 200
    rows = list(load_workbook(io.BytesIO(answer.content)).active.iter_rows(values_only=True))
    return [row[list(rows[0]).index("标题")] for row in rows[1:]]
