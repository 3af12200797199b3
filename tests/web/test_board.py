"""督查看板: figures that lead to their lists, and acknowledging escalations."""

import io
import json
import re
from datetime import date, timedelta

import openpyxl
import pytest

from services.engine.sweep import sweep_all
from services.identity.people import grant
from services.runs.models import RunState, Via
from services.runs.record import Outcome, begin_run, end_run
from services.web.pages import board
from services.web.trends import HEIGHT, WIDTH, line_chart
from tests.web.site import HTMX, Site


@pytest.fixture
def late(site: Site) -> Site:
    """One petition whose screening is over by two working days, and what the clock did about it."""
    site.county.open()
    site.county.now += timedelta(days=17)
    sweep_all(site.county.database, site.county.engine, site.county.now)
    return site


def _numbers(page: str) -> list[tuple[str, int]]:
    """Every figure of the board that leads to a list of matters, with its address."""
    found = re.findall(r'<a [^>]*href="(/ledger[^"]*)"[^>]*data-n="(\d+)"', page)
    return [(href.replace("&amp;", "&"), int(count)) for href, count in found]


def _agree(site: Site, who: str, board: str) -> int:
    """Assert that each figure's list, its count and its workbook have as many rows as it says; return how many."""
    browser = site.by(who)
    figures = _numbers(browser.get(board).text)
    for href, count in figures:
        page = browser.get(href).text
        assert f"共 <b>{count}</b> 件" in page, href
        assert len(re.findall(r'<td class="c-title l-title', page)) == count, href
        book = openpyxl.load_workbook(io.BytesIO(browser.get(href.replace("/ledger?", "/ledger/export?")).content))
        assert book.active.max_row == count + 1, href
    return len(figures)


@pytest.fixture
def busy(late: Site) -> Site:
    """Matters in every place: closed on time and late, handled and late in Liuhe, moved on, fresh."""
    county = late.county
    refused = county.open(problem_fields=["land_requisition"]).matter_id
    for step in ("refuse", "hand_over", "archive"):
        county.act(refused, step, *county.usual(step))
    county.walk("accept", "propose", "approve")
    county.now += timedelta(days=21)
    slow = county.open(problem_fields=["land_requisition"]).matter_id
    county.walk("accept", "propose", "approve")
    county.now += timedelta(days=20)
    for step in ("refuse", "hand_over", "archive"):
        county.act(slow, step, *county.usual(step))
    county.open()
    return late


@pytest.mark.parametrize(
    "query", ["", "?period=month", "?period=quarter", "?period=days&from=2016-03-10&to=2016-04-10"]
)
def test_every_figure_leads_to_as_many_matters(busy: Site, query: str) -> None:
    assert _agree(busy, "supervisor", f"/board{query}") >= 20


def test_figures_narrowed_to_a_unit_agree_too(busy: Site) -> None:
    unit = busy.county.units["liuhe"]
    assert _agree(busy, "supervisor", f"/board?unit={unit}") >= 8
    page = busy.by("supervisor").get(f"/board?unit={unit}").text
    assert "清河县</td>" not in page.split('id="h-units"')[1]


def test_a_township_supervisor_sees_his_subtree_alone(busy: Site) -> None:
    county = busy.county
    with county.database.write() as session:
        grant(session, county.people["nobody"], "supervisor", county.units["liuhe"], date(2010, 1, 1), None, "测试")
    assert _agree(busy, "nobody", "/board") >= 8
    page = busy.by("nobody").get("/board").text
    assert '<span class="kpi-n"><b>2</b> 件' in page  # of five open ones in the county
    ranking = page.split('id="h-fault"')[1].split("</section>")[0]
    assert "柳河乡" in ranking and "清河县" not in ranking
    assert "自动任务运行" not in page
    assert _agree(busy, "nobody", f"/board?unit={county.units['county']}") >= 8
    assert {count for _, count in _numbers(busy.by("elsewhere").get("/board").text)} == {0}


def test_late_days_are_told_one_by_one(busy: Site) -> None:
    page = busy.by("supervisor").get("/board").text
    drawer = re.search(r'hx-get="(/board/units/\d+\?[^"]*)"[^>]*>(\d+) 天<', page)
    assert drawer
    told = busy.by("supervisor").get(drawer[1].replace("&amp;", "&"), headers=HTMX).text
    assert sum(int(days) for days in re.findall(r"<b>(\d+)</b> 天", told)) == int(drawer[2])
    assert busy.by("supervisor").get("/board/units/999999", headers=HTMX).status_code == 404


def test_the_rate_says_what_it_counts(busy: Site) -> None:
    page = busy.by("supervisor").get("/board").text
    assert "本年按期办结率" in page and "<b>50.0</b> %" in page
    assert "<b>—</b>" in busy.by("supervisor").get("/board?period=days&from=2016-01-01&to=2016-01-31").text


def test_htmx_gets_the_board_below_its_filters(late: Site) -> None:
    answer = late.by("supervisor").get("/board?period=quarter&unit=&from=x", headers=HTMX)
    assert "<html" not in answer.text and answer.headers["hx-push-url"] == "/board?period=quarter"


def _mine(site: Site) -> list[str]:
    page = site.by("office").get("/board/rungs?whose=mine").text
    return re.findall(r'name="rungs" value="(\d+)"', page)


def test_whoever_a_rung_addressed_acknowledges_it_once(late: Site) -> None:
    page = late.by("office").get("/board").text
    assert "待我确认的提醒与升级" in page
    dialog = re.findall(r'hx-get="(/board/acknowledge\?rungs=(\d+))"', page)[-1]
    assert "确认后将以您的姓名记入办理记录" in late.by("office").get(dialog[0], headers=HTMX).text
    answer = late.post("office", "/board/acknowledge", {"rungs": dialog[1], "note": "已督促"})
    told = json.loads(answer.headers["hx-trigger"])
    assert answer.status_code == 204 and told["duban:refresh"] and told["duban:close"]
    again = late.post("office", "/board/acknowledge", {"rungs": dialog[1]})
    assert (
        again.status_code == 409
        and "李主任已确认知悉" in json.loads(again.headers["hx-trigger"])["duban:toast"]["text"]
    )
    assert dialog[1] not in _mine(late)


def test_several_are_acknowledged_at_once(late: Site) -> None:
    late.county.open()
    late.county.now += timedelta(days=21)
    sweep_all(late.county.database, late.county.engine, late.county.now)
    mine = _mine(late)
    assert len(mine) >= 2
    assert late.post("office", "/board/acknowledge", {"rungs": mine[0]}).status_code == 204
    answer = late.post("office", "/board/acknowledge", {"rungs": mine, "note": "一并督促"})
    said = json.loads(answer.headers["hx-trigger"])["duban:toast"]
    assert said["bad"] and said["text"].startswith(f"已确认 {len(mine) - 1} 条，1 条未能确认。李主任已确认知悉")
    assert _mine(late) == []


def test_nobody_else_is_offered_the_button_or_may_use_it(late: Site) -> None:
    page = late.by("supervisor").get("/board/rungs").text
    assert "超期后 1个工作日" in page and "升级至县纪委监委信访室" in page
    assert "/board/acknowledge" not in page and "待收到提醒的人员确认" in page
    mine = _mine(late)[-1]
    assert late.post("supervisor", "/board/acknowledge", {"rungs": mine}).status_code == 403
    assert late.post("elsewhere", "/board/acknowledge", {"rungs": mine}).status_code == 404


def test_the_list_of_rungs_has_as_many_as_the_board_says(late: Site) -> None:
    board = late.by("supervisor").get("/board").text
    count = int(re.search(r"待确认提醒与升级</span><span class=\"kpi-n\"><b>(\d+)", board)[1])  # type: ignore[index]
    page = late.by("supervisor").get("/board/rungs?whose=all").text
    assert page.count('class="r-clock"') == count and f"全部 <b>{count}</b>" in page
    board = late.by("office").get("/board").text
    assert f"待我确认 {len(_mine(late))} 条" in board


def test_rungs_come_page_by_page(late: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    late.county.open()
    late.county.now += timedelta(days=21)
    sweep_all(late.county.database, late.county.engine, late.county.now)
    everything = _mine(late)
    monkeypatch.setattr(board, "_PAGE", 1)
    address, seen = "/board/rungs?whose=mine", []
    while address:
        page = late.by("office").get(address).text
        seen += re.findall(r'name="rungs" value="(\d+)"', page)
        following = re.search(r'href="(/board/rungs\?[^"]*cursor=[^"]+)"[^>]*>下一页', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert seen == everything and len(seen) == 2


def test_somebody_who_sees_nothing_gets_an_empty_board(site: Site) -> None:
    site.county.open()
    page = site.by("nobody").get("/board").text
    assert "没有在办事项" in page and "没有待您确认的" in page and not any(count for _, count in _numbers(page))
    assert "全部已确认" in site.by("nobody").get("/board/rungs").text


def test_it_is_loud_while_nobody_watches_the_deadlines(site: Site) -> None:
    county = site.county
    assert "还没有成功检查过期限" in site.by("clerk").get("/board").text
    with county.database.write() as session:
        done = Outcome(RunState.COMPLETED, Via.CLOCK, {"due": 0})
        end_run(session, begin_run(session, "escalate_overdue", county.now, county.now), done, county.now)
    assert "期限检查没有按时进行" not in site.by("supervisor").get("/board").text
    county.now += timedelta(minutes=31)
    page = site.by("supervisor").get("/board").text
    assert "期限检查没有按时进行" in page and "时钟没有运行" in page and "最近一次成功是 2016-03-01 10:00" in page


def test_a_chart_keeps_within_its_box_and_counts_from_nought() -> None:
    chart = line_chart(["a", "b", "c"], [[0, 7, 23], [0, 0, 0]])
    assert [tick.text for tick in chart.rows] == ["0", "5", "10", "15", "20", "25"]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for line in chart.lines for x, y, _ in line)
    assert chart.lines[0][0][1] == chart.lines[1][2][1] == chart.rows[0].at
    assert [tick.text for tick in line_chart(["a", "b"], [[0, 0]]).rows] == ["0", "1"]
