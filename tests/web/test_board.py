"""督查看板: figures that lead to their lists, and acknowledging escalations."""

import json
import re
from datetime import timedelta

import pytest

from services.engine.sweep import sweep_all
from services.web.trends import HEIGHT, WIDTH, line_chart
from tests.web.site import HTMX, Site


@pytest.fixture
def late(site: Site) -> Site:
    """One petition whose screening is over by two working days, and what the clock did about it."""
    site.county.open()
    site.county.now += timedelta(days=17)
    sweep_all(site.county.database, site.county.engine, site.county.now)
    return site


def _rows(page: str) -> int:
    return len(re.findall(r'<td class="(?:c-title )?l-title', page)) or page.count('l-title"><a')


def test_every_figure_leads_to_as_many_matters(late: Site) -> None:
    late.county.walk("accept", "propose", "approve")
    browser = late.by("supervisor")
    page = browser.get("/board").text
    links = re.findall(r'href="(/ledger\?[^"]+)"[^>]*>(?:<span class="kpi-h">.*?<b>)?(\d+)<', page)
    assert len(links) >= 5
    for href, count in links:
        assert _rows(browser.get(href.replace("&amp;", "&")).text) == int(count), href


def test_the_rate_says_what_it_counts(late: Site) -> None:
    page = late.by("supervisor").get("/board").text
    assert "今年办结 0 件，按期 0 件" in page and "<b>—</b>" in page


def test_whoever_a_rung_addressed_acknowledges_it_once(late: Site) -> None:
    page = late.by("office").get("/board").text
    assert "待我确认的提醒与升级" in page
    rung = re.findall(r'hx-get="(/board/rungs/\d+)"', page)[-1]
    assert "确认后将以您的姓名记入办理记录" in late.by("office").get(rung, headers=HTMX).text
    answer = late.post("office", rung, {"note": "已督促"})
    told = json.loads(answer.headers["hx-trigger"])
    assert answer.status_code == 204 and told["duban:refresh"] and told["duban:close"]
    again = late.post("office", rung)
    assert (
        again.status_code == 409
        and "李主任已确认知悉" in json.loads(again.headers["hx-trigger"])["duban:toast"]["text"]
    )
    assert rung not in late.by("office").get("/board", headers=HTMX).text


def test_nobody_else_is_offered_the_button_or_may_use_it(late: Site) -> None:
    page = late.by("supervisor").get("/board").text
    assert "超期后 1个工作日" in page and "升级至县纪委监委信访室" in page
    assert "/board/rungs/" not in page and "待收到提醒的人员确认" in page
    rung = re.findall(r'hx-get="(/board/rungs/\d+)"', late.by("office").get("/board").text)[-1]
    assert late.post("supervisor", rung).status_code == 403
    assert late.post("elsewhere", rung).status_code == 404


def test_somebody_who_sees_nothing_gets_an_empty_board(site: Site) -> None:
    site.county.open()
    page = site.by("nobody").get("/board").text
    assert "没有在办事项" in page and "全部已确认" in page


def test_a_chart_keeps_within_its_box_and_counts_from_nought() -> None:
    chart = line_chart(["a", "b", "c"], [[0, 7, 23], [0, 0, 0]])
    assert [tick.text for tick in chart.rows] == ["0", "5", "10", "15", "20", "25"]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for line in chart.lines for x, y, _ in line)
    assert chart.lines[0][0][1] == chart.lines[1][2][1] == chart.rows[0].at
    assert [tick.text for tick in line_chart(["a", "b"], [[0, 0]]).rows] == ["0", "1"]
