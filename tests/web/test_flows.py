"""自动任务: the flows and their runs, logs, running again, and what the page says while Prefect is down."""

import json
import re
from datetime import timedelta

import httpx
import pytest

from flows.schedule import SCHEDULE
from services.administration import record
from services.runs import prefect_server
from services.runs.health import SWEPT_WITHIN, next_times, note_plan
from services.runs.models import FlowIncident, RunState, Trouble, Via
from services.runs.overview import FLOWS
from services.runs.pausing import pauses
from services.runs.record import Outcome, begin_run, claim_requested, end_run
from tests.web.site import HTMX, Site

DAYS = {"mon": "一", "tue": "二", "wed": "三", "thu": "四", "fri": "五", "sat": "六", "sun": "日"}


def _in_words(cron: str) -> str:
    """A line of the schedule as the page says it: 每 10 分钟, 每日 05:35, 每周一 08:00, 每月 1 日 06:05."""
    minute, hour, day, month, weekday = cron.split()
    if step := re.fullmatch(r"(?:\*|\d+-59)/(\d+)", minute):
        return f"每 {step[1]} 分钟"
    assert month == "*"
    when = f"周{DAYS[weekday]}" if weekday != "*" else f"月 {day} 日" if day != "*" else "日"
    return f"每{when} {int(hour):02}:{int(minute):02}"


def _run(site: Site, flow: str, outcome: Outcome | None) -> int:
    now = site.county.now
    with site.county.database.write() as session:
        run = begin_run(session, flow, now, now)
        if outcome is not None:
            end_run(session, run, outcome, now + timedelta(seconds=65))
    return run


def test_titles_and_times_are_those_of_the_schedule() -> None:
    told = {name: (flow.title, flow.when) for name, flow in FLOWS.items()}
    assert told == {row.name: (row.title, _in_words(row.cron)) for row in SCHEDULE}


def test_runs_show_state_duration_and_numbers_even_when_prefect_is_down(site: Site) -> None:
    done = Outcome(RunState.COMPLETED, Via.CLOCK, {"due": 12, "fired": 7, "skipped": 0})
    _run(site, "escalate_overdue", done)
    _run(site, "deliver_notifications", Outcome(RunState.FAILED, Via.CLOCK, None, "OSError: no route"))
    page = site.by("supervisor").get("/flows").text
    assert "流程引擎（Prefect）暂不可用" in page and "不影响期限计算" in page
    assert "1 分 5 秒" in page and "执行措施 <b>7</b>" in page and "跳过" not in page
    assert "失败" in page and "no route" not in page  # English stands in the drawer alone
    assert "没有需要处理的" not in page and "尚未运行" in page


def test_a_flow_that_did_not_start_in_time_is_marked(site: Site) -> None:
    _run(site, "escalate_overdue", Outcome(RunState.COMPLETED, Via.WATCH, {"fired": 2}))
    late = FlowIncident(flow="escalate_overdue", trouble=Trouble.LATE, opened_at=site.county.now)
    with site.county.database.write() as session:
        session.add(late)
    assert site.by("supervisor").get("/flows").text.count("没有按时运行") == 1
    with site.county.database.write() as session:
        session.merge(late).closed_at = site.county.now
    assert "没有按时运行" not in site.by("supervisor").get("/flows").text


def test_one_flow_can_be_looked_at_alone(site: Site) -> None:
    for flow in ("verify_journal", "draw_samples"):
        _run(site, flow, Outcome(RunState.COMPLETED, Via.CLOCK, {}))
    page = site.by("supervisor").get("/flows?flow=verify_journal").text
    assert "流转记录防篡改校验：运行记录" in page
    assert page.split('id="runs"')[1].count("<tr>") == 2
    assert "<html" not in site.by("supervisor").get("/flows", headers=HTMX).text


def test_the_drawer_shows_the_log(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [{"timestamp": "2016-03-01T02:00:05+00:00", "level": 30, "message": "waiting <once>"}]
    monkeypatch.setattr(prefect_server, "ask", lambda *_: lines)
    run = _run(site, "verify_journal", Outcome(RunState.COMPLETED, Via.PREFECT, {"matters": 3}, None, "abc"))
    drawer = site.by("supervisor").get(f"/flows/runs/{run}", headers=HTMX).text
    assert "10:00:05" in drawer and "警告" in drawer and "waiting &lt;once&gt;" in drawer and "核对事项" in drawer


def test_a_log_that_cannot_be_had_is_said(site: Site) -> None:
    run = _run(site, "verify_journal", Outcome(RunState.COMPLETED, Via.PREFECT, {}, None, "abc"))
    alone = _run(site, "verify_journal", Outcome(RunState.CRASHED, Via.CLOCK, None, "it <ended>"))
    assert "暂不可用" in site.by("supervisor").get(f"/flows/runs/{run}", headers=HTMX).text
    drawer = site.by("supervisor").get(f"/flows/runs/{alone}", headers=HTMX).text
    assert "没有逐条日志" in drawer and "it &lt;ended&gt;" in drawer
    assert site.by("supervisor").get("/flows/runs/999").status_code == 404


def test_running_again_asks_the_clock_once(site: Site) -> None:
    _run(site, "verify_journal", Outcome(RunState.COMPLETED, Via.CLOCK, {}))
    for _ in range(2):
        answer = site.post("supervisor", "/flows/run", {"flow": "verify_journal"})
        assert (
            answer.status_code == 204
            and "已安排重跑" in json.loads(answer.headers["hx-trigger"])["duban:toast"]["text"]
        )
    with site.county.database.write() as session:
        asked = claim_requested(session, site.county.now)
        assert asked is not None and asked.requested_by == site.county.people["supervisor"]
        assert claim_requested(session, site.county.now) is None
    assert site.post("supervisor", "/flows/run", {"flow": "no_such"}).status_code == 404


def _said(answer: httpx.Response) -> str:
    return str(json.loads(answer.headers["hx-trigger"])["duban:toast"]["text"])


def test_a_flow_is_paused_with_a_reason_and_resumed(site: Site) -> None:
    _run(site, "escalate_overdue", Outcome(RunState.COMPLETED, Via.CLOCK, {}))
    asked = site.by("office").get("/flows/pause?flow=escalate_overdue", headers=HTMX).text
    assert "不会提醒，也不会升级" in asked and "暂停理由" in asked
    wrong = site.post("office", "/flows/pause", {"flow": "escalate_overdue", "reason": "  "})
    assert wrong.status_code == 422 and "请填写暂停理由" in wrong.text
    answer = site.post("office", "/flows/pause", {"flow": "escalate_overdue", "reason": "机房停电检修"})
    assert answer.status_code == 204 and _said(answer) == "已暂停"
    for path, who in (("/flows", "supervisor"), ("/board", "clerk")):
        page = site.by(who).get(path).text
        assert (
            "到期提醒与逾期升级已暂停" in page and "李主任于 2016-03-01 10:00 暂停" in page and "机房停电检修" in page
        )
    assert site.post("office", "/flows/pause", {"flow": "escalate_overdue", "reason": "再次"}).status_code == 409
    again = site.post("supervisor", "/flows/run", {"flow": "escalate_overdue"})
    assert again.status_code == 409 and "请先恢复" in _said(again)
    assert "已恢复" in _said(site.post("office", "/flows/resume", {"flow": "escalate_overdue"}))
    assert "已暂停" not in site.by("supervisor").get("/board").text
    assert site.post("office", "/flows/resume", {"flow": "escalate_overdue"}).status_code == 409
    with site.county.database.write() as session:
        caught_up = claim_requested(session, site.county.now)
        assert caught_up is not None and caught_up.flow == "escalate_overdue"
        deeds = record.find(session, record.Wanted(), 10)
        assert [(deed.action, deed.actor_name) for deed in deeds] == [
            ("flow_resumed", "李主任"), ("flow_paused", "李主任"),
        ]  # fmt: skip
        assert deeds[1].content["after"] == {"flow": "escalate_overdue", "reason": "机房停电检修"}
        assert record.verify(session)["ok"]


@pytest.mark.parametrize("who", ["supervisor", "township_leader", "clerk"])
def test_who_only_watches_pauses_nothing(site: Site, who: str) -> None:
    assert site.post(who, "/flows/pause", {"flow": "verify_journal", "reason": "试试"}).status_code == 403
    assert site.post(who, "/flows/resume", {"flow": "verify_journal"}).status_code == 403
    with site.county.database.read() as session:
        assert pauses(session) == {}


def test_what_nobody_knows_cannot_be_paused(site: Site) -> None:
    assert site.post("office", "/flows/pause", {"flow": "no_such", "reason": "试试"}).status_code == 404
    assert "暂停</button>" not in site.by("supervisor").get("/flows").text


def test_the_next_time_is_the_clocks_own_word(site: Site) -> None:
    now = site.county.now
    assert "未知" in site.by("supervisor").get("/flows").text
    with site.county.database.write() as session:
        note_plan(session, {"verify_journal": now + timedelta(hours=3), "gone": None}, now)
        note_plan(session, {"verify_journal": now + timedelta(hours=5)}, now)
        assert next_times(session, now) == {"verify_journal": now + timedelta(hours=5)}
    assert ">15:00</time>" in site.by("supervisor").get("/flows").text
    site.county.now += timedelta(minutes=4)  # a clock that is silent may be dead: its plan is worth nothing
    assert ">15:00</time>" not in site.by("supervisor").get("/flows").text


@pytest.mark.parametrize(("host", "linked"), [("127.0.0.1", True), ("duban.county.example", False)])
def test_prefects_own_pages_are_linked_on_its_machine_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch, host: str, linked: bool
) -> None:
    monkeypatch.setattr(prefect_server, "ask", lambda *_: True)
    monkeypatch.setattr("services.web.pages.flows._LOOPBACK", {"testclient", "127.0.0.1"})
    page = site.by("supervisor").get("/flows", headers={"host": host}).text
    assert ("打开流程引擎界面" in page) == linked and ("仅可在服务器本机打开" in page) != linked
    assert "Prefect）暂不可用" not in page


@pytest.mark.parametrize("who", ["clerk", "township_leader", "nobody"])
def test_it_is_for_those_who_supervise_the_county(site: Site, who: str) -> None:
    run = _run(site, "verify_journal", Outcome(RunState.COMPLETED, Via.CLOCK, {}))
    assert site.by(who).get("/flows").status_code == 403
    assert site.by(who).get(f"/flows/runs/{run}").status_code == 403
    assert site.post(who, "/flows/run", {"flow": "verify_journal"}).status_code == 403


def test_a_sweep_that_is_late_is_said_around_every_page_to_those_who_supervise(site: Site) -> None:
    def said(who: str) -> str:
        return site.by(who).get("/counts", headers=HTMX).text

    assert "还没有成功检查过期限" in said("supervisor")
    _run(site, "escalate_overdue", Outcome(RunState.COMPLETED, Via.CLOCK, {}))
    assert "成功" not in said("supervisor")
    site.county.now += SWEPT_WITHIN + timedelta(minutes=2)
    late = said("office")
    assert 'id="watch"' in late and "期限检查没有按时进行" in late and 'href="/flows"' in late
    assert "期限检查没有" not in said("handler")
    from_there = {**HTMX, "HX-Current-URL": "http://testserver/flows?flow=x"}
    assert "期限检查没有" not in site.by("office").get("/counts", headers=from_there).text, "the page itself says so"
