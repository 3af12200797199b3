"""事项台账: filters in the address, columns of choice, and the workbook of exactly what is filtered."""

import io
import re
from datetime import datetime, timedelta

import openpyxl
import pytest

from services.db.session import Database
from services.engine.models import Matter
from tests.web.site import HTMX, Site

SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _titles(site: Site, address: str, who: str = "supervisor") -> list[str]:
    page = site.by(who).get(f"/ledger{address}").text
    return re.findall(r'l-title"><a href="/matters/\d+">([^<]+)<', page)


def _book(site: Site, address: str, who: str = "supervisor") -> list[list[object]]:
    answer = site.by(who).get(f"/ledger/export{address}")
    assert answer.status_code == 200 and answer.headers["content-type"] == SHEET
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert sheet.freeze_panes == "A2"
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def _name(database: Database, matter_id: int, title: str) -> None:
    with database.write() as session:
        session.get_one(Matter, matter_id).title = title


@pytest.fixture
def three(site: Site) -> Site:
    """An accepted petition, one that is overdue by now, and a fresh one."""
    county = site.county
    _name(county.database, county.walk("accept", "propose", "approve"), "甲")
    _name(county.database, county.open().matter_id, "乙")
    county.now += timedelta(days=17)
    _name(county.database, county.open().matter_id, "=1+1")
    return site


@pytest.mark.parametrize(
    ("address", "titles"),
    [
        ("", ["=1+1", "乙", "甲"]),
        ("?status=overdue", ["乙"]),
        ("?status=closed", []),
        ("?state=handling", ["甲"]),
        ("?q=甲", ["甲"]),
        ("?event_from=2016-03-02", ["=1+1"]),
        ("?event_to=2016-03-01&procedure=petition", ["乙", "甲"]),
        ("?due_to=2016-03-20", ["乙"]),
        ("?status=strange&unit=none&due_to=yesterday&kept=perhaps", ["=1+1", "乙", "甲"]),
    ],
)
def test_filters_and_the_workbook_agree(three: Site, address: str, titles: list[str]) -> None:
    assert _titles(three, address) == titles
    book = _book(three, f"{address}{'&' if address else '?'}cols=title")
    assert [row[0] for row in book] == ["标题", *titles]


def test_a_unit_means_it_and_below_unless_only_itself_is_asked_for(three: Site) -> None:
    top = three.county.units["county"]
    assert _titles(three, f"?unit={top}") == ["=1+1", "乙", "甲"]
    assert _titles(three, f"?unit={top}&own=1") == ["=1+1", "乙"]


def test_the_workbook_has_real_dates_and_no_formulas(three: Site) -> None:
    head, first, *_ = _book(three, "?cols=title,due,event,opened,number")
    assert head == ["编号", "标题", "截止日期", "事件日期", "登记时间"]
    number, title, due, event, opened = first
    assert title == "=1+1" and "信访" in str(number)
    assert (due, event) == (datetime(2016, 4, 5), datetime(2016, 3, 18))
    assert opened == datetime(2016, 3, 18, 10)


def test_columns_are_chosen_in_the_address(three: Site) -> None:
    page = three.by("supervisor").get("/ledger?cols=number&cols=title,level").text
    head = re.findall(r'<th class="l-(\w+)">', page)
    assert head == ["number", "title", "level"]
    assert 'href="/ledger/export?cols=number%2Ctitle%2Clevel"' in page


def test_htmx_gets_the_list_and_the_shortest_address(three: Site) -> None:
    answer = three.by("supervisor").get("/ledger?q=&status=open&cols=light,title,state,unit,due,event", headers=HTMX)
    assert "<html" not in answer.text and 'hx-swap-oob="true"' in answer.text
    assert answer.headers["hx-push-url"] == "/ledger?status=open"
    assert three.by("supervisor").get("/ledger", headers=HTMX).headers["hx-push-url"] == "/ledger?all=1"


def test_nobody_sees_or_exports_what_he_may_not_know_of(three: Site) -> None:
    assert _titles(three, "", who="elsewhere") == []
    assert len(_book(three, "", who="elsewhere")) == 1
    assert three.browser().get("/ledger/export").status_code == 303


def test_pages_go_on_where_the_last_one_ended(site: Site) -> None:
    for _ in range(51):
        site.county.open()
    page = site.by("supervisor").get("/ledger?status=open").text
    following = re.search(r'href="(/ledger\?[^"]*cursor=[^"]+)"', page)
    assert following
    assert len(re.findall(r"<tr>", site.by("supervisor").get(following[1].replace("&amp;", "&")).text)) == 2
    assert len(_book(site, "?status=open")) == 52


def test_what_matches_nothing_says_so(three: Site) -> None:
    page = three.by("supervisor").get("/ledger?q=nothing").text
    assert "没有符合条件的事项" in page and "清除筛选" in page
