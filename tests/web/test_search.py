"""搜索: all one may know of and nothing else, by characters, number, unit and pinyin; in pages; first hits at once."""

import html
import re
from typing import Any

import pytest

from tests.web.site import HTMX, Site


def _found(site: Site, who: str = "leader", **asked: Any) -> str:
    answer = site.by(who).get("/search", params=asked, headers=HTMX)
    assert answer.status_code == 200, answer.text
    return answer.text


def _titles(page: str) -> list[str]:
    return [html.unescape(title) for title in re.findall(r'<td class="c-title"><a [^>]*>(.*?)</a>', page)]


def _count(page: str) -> str:
    counted = re.search(r"共 <b>(.*?)</b> 件", page)
    return counted[1] if counted else "nothing said"


@pytest.mark.parametrize(
    ("q", "found"),
    [("低保", 1), ("fyshcdb", 1), ("FYSH", 1), ("〔2016〕1号", 1),
     ("2016", 1), ("柳河", 1), ("lhx", 1), ("%", 0), ("没有", 0)],
)  # fmt: skip
def test_by_characters_number_unit_and_initials(site: Site, q: str, found: int) -> None:
    site.county.walk("accept", "propose", "approve", summary="反映上河村低保问题")
    page = _found(site, q=q)
    assert len(_titles(page)) == found and _count(page) == str(found)
    assert found or "没有符合条件的事项" in page


def test_it_reaches_beyond_ones_own_worklist(site: Site) -> None:
    site.county.walk("accept", "propose", "approve", summary="反映上河村低保问题")
    assert _titles(_found(site, "clerk2", q="低保")) == ["反映上河村低保问题"]


@pytest.mark.parametrize("q", ["低保", "fyshcdb"])
def test_who_is_named_or_elsewhere_finds_nothing_and_no_number(site: Site, q: str) -> None:
    named = [{"name": "孙领导", "person": site.county.people["leader"]}]
    site.county.open(summary="反映上河村低保问题", reported=named)
    for who in ("leader", "elsewhere", "nobody"):
        page = _found(site, who, q=q)
        assert _titles(page) == [] and _count(page) == "0"
        assert "没有找到" in site.by(who).get("/search/quick", params={"q": q}, headers=HTMX).text
    assert _count(_found(site, "clerk", q=q)) == "1"


@pytest.mark.parametrize("q", ["林举报", "ljb", "13900000000"])
def test_nothing_sealed_is_searched(site: Site, q: str) -> None:
    site.county.open(summary="反映上河村低保问题")
    assert _titles(_found(site, "clerk", q=q)) == []


def test_filters_narrow_and_stay_in_the_address(site: Site) -> None:
    site.county.open(summary="甲问题")
    site.county.walk("accept", "propose", "approve", summary="乙问题")
    units = site.county.units
    for asked, titles in (
        ({"unit": units["liuhe"]}, ["乙问题"]), ({"status": "closed"}, []), ({"procedure": "spot_check"}, []),
        ({"status": "nonsense", "unit": "x"}, ["乙问题", "甲问题"]),
    ):  # fmt: skip
        assert _titles(_found(site, "clerk", q="问题", **asked)) == titles
        assert _titles(_found(site, "clerk", q="wt", **asked)) == titles


@pytest.mark.parametrize("q", ["问题", "wt"])
def test_pages_go_on_where_the_last_one_ended(site: Site, monkeypatch: pytest.MonkeyPatch, q: str) -> None:
    monkeypatch.setattr("services.web.searching.search.__defaults__", (None, 2))
    for name in "甲乙丙":
        site.county.open(summary=f"{name}问题")
    first = _found(site, "clerk", q=q)
    link = re.search(r'href="([^"]+)"[^>]*>下一页', first)
    assert link and _count(first) == "3"
    rest = site.by("clerk").get(html.unescape(link[1]), headers=HTMX).text
    assert _titles(first) + _titles(rest) == ["丙问题", "乙问题", "甲问题"] and "下一页" not in rest


def test_the_first_hits_come_at_once(site: Site) -> None:
    for number in range(10):
        site.county.open(summary=f"<b>第{number}组</b>")
    browser = site.by("clerk")
    box = browser.get("/search/quick", params={"q": "组"}, headers=HTMX).text
    assert box.count("<li>") == 8 and "查看全部 10 件" in box and "&lt;b&gt;第9组" in box
    assert "/search?q=%E7%BB%84" in box
    assert browser.get("/search/quick", params={"q": " "}, headers=HTMX).text.strip() == ""


def test_the_page_asks_for_something_first(site: Site) -> None:
    site.county.open(summary="甲问题")
    page = site.by("clerk").get("/search").text
    assert "输入关键字开始搜索" in page and "甲问题" not in page
    assert site.by("clerk").get("/search?q=x&cursor=nonsense").status_code == 422
