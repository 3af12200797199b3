"""事项台账: filters in the address, columns of choice, and the workbook of exactly what is filtered."""

import io
import re
from datetime import datetime, timedelta
from urllib.parse import parse_qs

import openpyxl
import pytest
from sqlalchemy import select

from services.db.session import Database
from services.engine import journal
from services.engine.core import Engine
from services.engine.models import Entry, Matter
from services.ledgers.models import Export, SavedView
from services.ledgers.showing import AnswerColumn, columns_for
from statemachines.kit.forms import Sealed, marks
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
        ("?status=normal", ["=1+1"]),
        ("?status=soon", ["甲"]),
        ("?level=1", []),
        ("?opened_from=2016-03-02&opened_to=2016-03-31", ["=1+1"]),
        ("?q=qhx", ["=1+1", "乙"]),
        ("?q=柳河", ["甲"]),
        ("?q=LHX", ["甲"]),
        ("?q=y", ["乙"]),
        ("?late_by=1&own=1&level=none", ["乙"]),
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


def _column(site: Site, address: str, title: str) -> list[object]:
    head, *rows = _book(site, address)
    return [row[head.index(title)] for row in rows]


def test_a_procedure_brings_the_columns_of_its_forms_and_lists(three: Site) -> None:
    cols = "cols=title,open.channel,open.received_on,open.problem_fields,open.anonymous,propose.disposition"
    page = three.by("supervisor").get(f"/ledger?procedure=petition&{cols}").text
    assert "来源" in page and "处置方式" in page and "来信" in page and "选定事项类型后" not in page
    address = f"?procedure=petition&{cols}&q=甲"
    assert _column(three, address, "来源") == ["来信"]
    assert _column(three, address, "收件日期") == [datetime(2016, 3, 1)]
    assert _column(three, address, "匿名") == ["否"]
    assert _column(three, address, "处置方式") == ["初步核实"]
    assert "propose.disposition" not in three.by("supervisor").get(f"/ledger?{cols}").text


def test_a_unit_answered_is_told_by_name(site: Site) -> None:
    answers = {
        "summary": "督办群众反映", "demand": "限期整改", "source": "date_given", "given_due": "2016-03-20",
        "handler_unit": site.county.units["liuhe"],
    }  # fmt: skip
    site.county.open("supervisor", "supervised_handling", **answers)
    address = "?procedure=supervised_handling&cols=title,open.handler_unit,open.given_due"
    assert _column(site, address, "承办单位") == ["柳河乡"]
    assert _column(site, address, "限办日期") == [datetime(2016, 3, 20)]


def test_nothing_sealed_can_be_a_column(engine: Engine) -> None:
    for key, procedure in engine.registry.procedures.items():
        sealed = {
            name for name, found in marks(procedure.opening.form).items() if any(isinstance(m, Sealed) for m in found)
        }
        shown = {column.field for column in columns_for(engine, key).values() if isinstance(column, AnswerColumn)}
        assert not sealed & shown
    assert "complainant" not in {
        c.field for c in columns_for(engine, "petition").values() if isinstance(c, AnswerColumn)
    }


def test_whoever_is_named_finds_nothing_by_search_or_columns(three: Site) -> None:
    assert _titles(three, "?q=jia", who="elsewhere") == []
    assert "共 <b>0</b> 件" in three.by("elsewhere").get("/ledger?q=a&all=1").text


def test_an_export_is_in_the_journal_of_every_matter_that_left(three: Site) -> None:
    three.by("supervisor").get("/ledger/export?state=handling&cols=number")
    with three.county.database.read() as session:
        notes = session.execute(
            select(Entry.matter_id, Entry.actor_name, Entry.content).where(Entry.action == "export")
        ).all()
        (export,) = session.scalars(select(Export)).all()
        assert journal.verify(session)["ok"]
    assert [(note.actor_name, note.content) for note in notes] == [
        ("郑督查", {"export": export.id, "columns": ["number"]})
    ]
    assert (export.person_id, export.address, export.written, export.file) == (
        three.county.people["supervisor"], "state=handling&cols=number", 1, None,
    )  # fmt: skip
    page = three.by("supervisor").get(f"/matters/{notes[0].matter_id}").text
    assert "导出台账" in page


def test_views_are_kept_by_name_and_one_of_them_comes_first(three: Site) -> None:
    saved = three.post("supervisor", "/ledger/views?status=overdue&cols=title,number", {"name": " 超期 件 "})
    assert saved.status_code == 204 and "duban:views" in saved.headers["hx-trigger"]
    view = _views(three)["超期 件"]
    assert view.address == "status=overdue&cols=number%2Ctitle"
    assert f'href="/ledger?{view.address.replace("&", "&amp;")}"' in three.by("supervisor").get("/ledger?all=1").text
    three.post("supervisor", f"/ledger/views/{view.id}/default", {"chosen": "1"})
    opened = three.by("supervisor").get("/ledger")
    assert (opened.status_code, opened.headers["location"]) == (303, f"/ledger?{view.address}")
    assert _titles(three, "?all=1") == ["=1+1", "乙", "甲"]
    three.post("supervisor", f"/ledger/views/{view.id}", {"name": "逾期"})
    assert _views(three).keys() == {"逾期"}
    three.post("supervisor", "/ledger/views?q=甲", {"name": "逾期"})  # the same name takes the new filters
    assert parse_qs(_views(three)["逾期"].address) == {"q": ["甲"]}
    three.post("supervisor", f"/ledger/views/{view.id}/delete")
    assert _views(three) == {} and three.by("supervisor").get("/ledger").status_code == 200


@pytest.mark.parametrize(
    ("name", "why"), [("", "请填写"), ("  ", "请填写"), ("长" * 31, "不超过 30 个字"), ("甲", "同名")]
)
def test_a_view_needs_a_name_of_its_own(three: Site, name: str, why: str) -> None:
    for taken in ("甲", "乙"):
        three.post("supervisor", "/ledger/views", {"name": taken})
    second = _views(three)["乙"].id
    answer = three.post("supervisor", f"/ledger/views/{second}", {"name": name})
    assert answer.status_code == 422 and why in answer.text


def test_nobody_touches_the_views_of_another(three: Site) -> None:
    three.post("supervisor", "/ledger/views", {"name": "甲"})
    view = _views(three)["甲"].id
    for path in (f"/ledger/views/{view}", f"/ledger/views/{view}/default", f"/ledger/views/{view}/delete"):
        assert three.post("office", path, {"name": "乙", "chosen": "1"}).status_code == 404
    assert _views(three).keys() == {"甲"} and "甲" not in three.by("office").get("/ledger/views", headers=HTMX).text


def _views(site: Site) -> dict[str, SavedView]:
    with site.county.database.read() as session:
        return {view.name: view for view in session.scalars(select(SavedView))}
