"""The flows of this installation for people: what each is called, when it runs, and how its last run went."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.engine.errors import NotPermitted
from services.identity.access import Actor
from services.identity.errors import NotFound
from services.identity.units import is_root
from services.runs.models import FlowRun

_WATCHING = frozenset({"admin", "supervisor", "county_office", "county_leader"})


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow in words. `flows/schedule.py` decides when it runs; a test holds the two together."""

    title: str
    when: str
    what: str


FLOWS: Mapping[str, Flow] = {
    "escalate_overdue": Flow("到期提醒与逾期升级", "每 10 分钟", "检查所有期限，按阶梯提醒、升级、交办。"),
    "deliver_notifications": Flow("通知投递", "每 5 分钟", "把站内消息的副本发到邮件等渠道。"),
    "refresh_calendar": Flow("工作日历更新与期限重算", "每日 00:05", "按最新放假安排重算期限，暂定日期随之确定。"),
    "clear_uploads": Flow("清理未使用的上传文件", "每日 03:15", "删除上传满 14 天而未随表单提交的文件。"),
    "anchor_journal": Flow("流转记录存证", "每日 01:25", "把办理记录校验链的末端写入数据库之外的存证文件。"),
    "back_up": Flow("每夜备份", "每日 01:55", "把数据库、附件和存证写入一个备份文件，只保留最近几份。"),
    "verify_journal": Flow("流转记录防篡改校验", "每日 02:35", "逐条核对办理记录的校验链，并与存证比对。"),
    "open_obligations": Flow("定期事项到期产生", "每日 00:35", "按周期为各单位产生应办事项，无工作日的期间免除。"),
    "propose_candidates": Flow(
        "按规则提出待研判事项", "每日 06:25", "依据已办事项的结果提出，由人研判，不作任何处理。"
    ),
    "close_periods": Flow("年度得分固定与更正", "每日 05:35", "年度结束后固定各单位、人员得分；迟到的计分另列更正。"),
    "draw_samples": Flow("函询了结抽查与质量抽检", "每日 06:05", "到抽查日时随机抽取事项。"),
}


def latest_runs(session: Session) -> dict[str, FlowRun]:
    """Return the latest run of each flow that ever ran, by its name."""
    latest = select(func.max(FlowRun.id)).group_by(FlowRun.flow)
    return {run.flow: run for run in session.scalars(select(FlowRun).where(FlowRun.id.in_(latest)))}


def find_run(session: Session, run_id: int) -> FlowRun:
    """Return one run; raise NotFound."""
    if (run := session.get(FlowRun, run_id)) is None:
        raise NotFound(f"there is no run {run_id}", "没有这次运行记录。")
    return run


def may_watch(actor: Actor) -> bool:
    """Whether the actor supervises or administers the whole county."""
    return any(grant.role in _WATCHING and is_root(grant.path) for grant in actor.grants)


def refuse_unless_watching(actor: Actor) -> None:
    """Raise NotPermitted unless the actor supervises or administers the whole county."""
    if not may_watch(actor):
        raise NotPermitted(
            "this needs a supervising role on the county", "自动任务由县级督查人员和系统管理员查看、重跑"
        )


def numbers_of(result: Mapping[str, Any] | None) -> list[tuple[str, int]]:
    """Return what a run did, in words and numbers; zeros and what is no number are left out."""
    numbers = ((_NUMBERS[name], count) for name, count in (result or {}).items() if name in _NUMBERS)
    return [(title, count) for title, count in numbers if type(count) is int and count]


_NUMBERS = {
    "due": "到期", "fired": "执行措施", "skipped": "跳过", "set_aside": "暂搁", "failed_deeds": "未能执行",
    "sent": "已发送", "failed": "失败", "waiting": "等待重试", "looked_at": "检查期限", "moved": "改期",
    "still_provisional": "仍为暂定", "matters": "核对事项", "entries": "核对记录",
    "opened": "产生事项", "waived": "免除", "left": "留待下次",
    "proposed": "提出事项", "added": "补充依据", "written": "写出备份", "kept": "保留备份", "removed": "删除旧备份",
    "missing": "缺失附件", "heads": "新增存证", "anchors": "核对存证",
}  # fmt: skip
