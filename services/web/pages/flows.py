"""自动任务: what the clock runs and how that went, with logs, running again, pausing and resuming."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Form, Path, Query, Request, Response
from sqlalchemy.orm import Session

from config.calendar import SHANGHAI, local_date
from services.administration import record
from services.db.errors import DubanError
from services.engine.aside import AsideRow, list_aside
from services.engine.aside import try_again as aside_again
from services.engine.errors import NotPermitted
from services.runs.health import SWEEP, next_times, watch
from services.runs.incidents import open_troubles
from services.runs.models import FlowRun, RunState, Via
from services.runs.overview import FLOWS, find_run, latest_runs, numbers_of, refuse_unless_watching
from services.runs.pausing import ReasonMissing, may_pause, pause_flow, pauses, resume_flow
from services.runs.prefect_server import PAGE, LogLine, prefect_status, run_logs
from services.runs.queries import list_runs
from services.runs.record import is_paused, request_run
from services.runs.timekeeping import confirm
from services.web.calls import Call
from services.web.forgery import Visitor
from services.web.rendering import done, render, wants_fragment

log = structlog.get_logger("administration")
router = APIRouter()
STATES = {
    RunState.REQUESTED: ("grey", "clock", "等待执行"), RunState.RUNNING: ("blue", "loader-2", "运行中"),
    RunState.COMPLETED: ("green", "circle-check", "成功"), RunState.FAILED: ("red", "circle-x", "失败"),
    RunState.CRASHED: ("red", "plug-x", "中断"),
}  # fmt: skip
LEVELS = {"DEBUG": "调试", "INFO": "信息", "WARNING": "警告", "ERROR": "错误", "CRITICAL": "严重"}
_LIMIT = 30
_SOON = timedelta(seconds=5)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
RunId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/flows")
def show(
    request: Request,
    call: Visitor,
    flow: Annotated[str, Query(max_length=100)] = "",
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
) -> Response:
    """The table of flows and their runs, latest first; for htmx without asking whether Prefect is up."""
    refuse_unless_watching(call.actor)
    flow = flow if flow in FLOWS else ""
    with call.read() as session:
        latest = latest_runs(session)
        runs = list_runs(session, flow or None, _LIMIT + 1, before)
        shown = [row_of(run) for run in runs[:_LIMIT]]
        rows = [(key, titled, row_of(latest[key]) if key in latest else None) for key, titled in FLOWS.items()]
        aside = _aside(session, call)
        following_times, paused, watched = next_times(session, call.now), pauses(session), watch(session, call.now)
        troubles = open_troubles(session)
    following = str(shown[-1]["id"]) if len(runs) > _LIMIT else None
    more: dict[str, Any] = {}
    if not wants_fragment(request):
        settings = call.service.runtime.settings
        more = {"prefect": prefect_status(settings, 0.5), "several": settings.several_machines}
        more["near"] = not settings.several_machines and _is_near(request)
    return render(
        request, call, "flows/page.html", fragment="flows/list.html", rows=rows, runs=shown, following=following,
        flow=flow, before=before, states=STATES, flows=FLOWS, next_times=following_times, paused=paused, watch=watched,
        troubles=troubles, may_pause=may_pause(call.actor), aside=aside, **more,
    )  # fmt: skip


@router.get("/flows/runs/{run_id}")
def show_run(request: Request, call: Visitor, run_id: RunId) -> Response:
    """The drawer of one run: its numbers and the log that Prefect keeps."""
    refuse_unless_watching(call.actor)
    with call.read() as session:
        run = row_of(find_run(session, run_id))
    lines, trouble = _lines(call, run["prefect_run_id"])
    template = "flows/run.html"
    return render(
        request, call, template, fragment=template, run=run, lines=lines, trouble=trouble, states=STATES,
        flows=FLOWS, levels=LEVELS, most=PAGE,
    )  # fmt: skip


@router.post("/flows/run")
def run_again(call: Visitor, flow: Annotated[str, Form(max_length=100)]) -> Response:
    """重跑: the clock takes it up within seconds; every flow is safe to run twice."""
    refuse_unless_watching(call.actor)
    with call.write() as session:
        run = request_run(session, flow, call.now, call.actor.id)
        log.info("run requested", by=call.actor.id, name=call.actor.name, flow=flow, run=run.id)
    return done("已安排重跑，稍候自动显示结果", refresh=True)


@router.post("/flows/retry")
def try_again(call: Visitor, matter: Annotated[int, Form(ge=1, le=2**63 - 1)]) -> Response:
    """立即重试: what was set aside of this matter is tried by a sweep within seconds."""
    refuse_unless_watching(call.actor)
    with call.write() as session:
        tried = aside_again(session, call.now, [matter])
        if not is_paused(session, SWEEP) and latest_runs(session).get(SWEEP):
            request_run(session, SWEEP, call.now, call.actor.id)
    log.info("set aside, tried again", by=call.actor.id, name=call.actor.name, matter=matter, clocks=tried)
    return done("已安排重试，稍候自动显示结果", refresh=True)


@router.get("/flows/pause")
def ask_to_pause(request: Request, call: Visitor, flow: Annotated[str, Query(max_length=100)]) -> Response:
    """The dialog of 暂停."""
    refuse_unless_watching(call.actor)
    return _pause_dialog(request, call, flow)


@router.post("/flows/pause")
def pause(
    request: Request, call: Visitor, flow: Annotated[str, Form(max_length=100)],
    reason: Annotated[str, Form(max_length=2000, pattern=r"^[^\x00]*$")] = "",
) -> Response:  # fmt: skip
    """暂停: the clock leaves the flow out from its next turn on."""
    try:
        with call.write() as session:
            pause_flow(session, flow, reason, call.actor, call.now)
            _note(session, call, "flow_paused", None, {"flow": flow, "reason": reason.strip()})
    except ReasonMissing as refusal:
        return _pause_dialog(request, call, flow, reason, refusal.zh)
    log.warning("flow paused", by=call.actor.id, name=call.actor.name, flow=flow, reason=reason)
    return done("已暂停", bad=True, refresh=True, close=True)


@router.post("/flows/resume")
def resume(call: Visitor, flow: Annotated[str, Form(max_length=100)]) -> Response:
    """恢复: the clock runs it within seconds and catches up."""
    with call.write() as session:
        resume_flow(session, flow, call.actor, call.now)
        _note(session, call, "flow_resumed", {"flow": flow}, None)
    log.warning("flow resumed", by=call.actor.id, name=call.actor.name, flow=flow)
    return done("已恢复，随即补上暂停期间的工作", refresh=True)


@router.post("/flows/time")
def confirm_time(call: Visitor) -> Response:
    """时间无误: the clock is right although the record says otherwise; flows go on by it."""
    if not may_pause(call.actor):
        raise NotPermitted("this needs an administrator of the county", "由县级领导、县信访室或系统管理员确认")
    with call.write() as session:
        confirm(session, call.now)
        _note(session, call, "time_confirmed", None, {"at": call.now.isoformat()})
    log.warning("time confirmed", by=call.actor.id, name=call.actor.name, at=call.now.isoformat())
    return done("已确认，自动任务按当前时间继续", refresh=True)


def _note(
    session: Session, call: Call, action: str, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    """Both are deeds of administration, in its record for good."""
    content = {"unit": None, "person": None, "before": before, "after": after}
    record.write(session, call.actor, call.now, action, content, unit_id=None, person_id=None)


def _aside(session: Session, call: Call) -> list[dict[str, Any]]:
    """What is set aside, each with the title of its clock; nothing of matters that keep the caller away."""
    return [{**asdict(row), "what": _title(call, row)} for row in list_aside(session, call.person_id)]


def _title(call: Call, row: AsideRow) -> str:
    if row.clock is None:
        return "后续办理"
    rule = call.engine.registry.current(row.procedure, local_date(call.now)).policy.clocks.get(row.clock)
    return rule.title if rule else "期限"


def _pause_dialog(request: Request, call: Call, flow: str, reason: str = "", error: str = "") -> Response:
    template = "flows/pause.html"
    return render(
        request, call, template, fragment=template, status=422 if error else 200, flow=flow, reason=reason,
        error=error, title=FLOWS[flow].title if flow in FLOWS else flow, sweep=flow == SWEEP,
    )  # fmt: skip


def row_of(run: FlowRun) -> dict[str, Any]:
    """A run for a template, which outlives the session."""
    return {
        "id": run.id, "flow": run.flow, "state": RunState(run.state), "scheduled_for": run.scheduled_for,
        "started_at": run.started_at, "lasted": _lasted(run.started_at, run.ended_at),
        "by_hand": run.requested_by is not None or run.via == Via.HAND,
        "numbers": numbers_of(run.result), "error": run.error, "via": run.via, "prefect_run_id": run.prefect_run_id,
    }  # fmt: skip


def _lasted(started: datetime | None, ended: datetime | None) -> str:
    """How long a run took: 0.4 秒, 12 秒, 3 分 5 秒."""
    if started is None or ended is None:
        return ""
    lasted = ended - started
    if lasted < _SOON:
        return f"{lasted.total_seconds():.1f} 秒"
    minutes, seconds = divmod(int(lasted.total_seconds()), 60)
    return f"{minutes} 分 {seconds} 秒" if minutes else f"{seconds} 秒"


def _lines(call: Call, prefect_run_id: str | None) -> tuple[list[LogLine], str]:
    if prefect_run_id is None:
        return [], "这次运行没有经过日志服务，只有本机记录的结果，没有逐条日志。"
    try:
        found = run_logs(call.service.runtime.settings, prefect_run_id)
    except DubanError as refusal:
        return [], refusal.zh
    lines: list[LogLine] = [{**line, "at": _local(line["at"])} for line in found]
    return lines, "" if lines else "这次运行没有写下日志。"


def _local(at: str) -> str:
    return datetime.fromisoformat(at).astimezone(SHANGHAI).strftime("%H:%M:%S")


def _is_near(request: Request) -> bool:
    """Prefect's own pages answer on this machine alone: a link to them elsewhere would lead nowhere.

    Behind a proxy everybody comes from this machine, but not everybody's browser is at it.
    """
    return request.client is not None and {request.client.host, request.url.hostname or ""} <= _LOOPBACK
