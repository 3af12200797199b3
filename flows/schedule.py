"""When each flow runs: the one table, for the clock of one machine and for Prefect deployments on several.

Times are local (Asia/Shanghai). Days of the week are written by name: APScheduler counts Monday as 0, cron as 1.
Nothing here imports Prefect.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, Protocol

from apscheduler.triggers.cron import CronTrigger

from config.calendar import SHANGHAI

Work = Callable[..., dict[str, Any]]
"""Called with (runtime, now, **parameters), `now` aware; safe to call twice; returns what it did in numbers."""


class PrefectFlow(Protocol):
    """What is used of a `prefect.Flow`, without importing it."""

    name: str

    def __call__(self, *, return_state: bool, **parameters: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A row of the table: the flow `flows.<name>:<name>` and the plain function at `work` ("module:function").

    `grace`: how late a run may still start because the clock was busy; after a longer delay the catch-up at the
    next start, or the next slot, does its work.
    """

    name: str
    title: str
    work: str
    cron: str
    grace: timedelta
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def trigger(self) -> CronTrigger:
        """The cron line in local time."""
        return CronTrigger.from_crontab(self.cron, timezone=SHANGHAI)

    def load_work(self) -> Work:
        """The plain function, which needs no Prefect."""
        module, _, function = self.work.partition(":")
        work: Work = getattr(import_module(module), function)
        return work

    def load_flow(self) -> PrefectFlow:
        """The Prefect flow; the first call in a process imports Prefect (seconds)."""
        flow: PrefectFlow = getattr(import_module(f"flows.{self.name}"), self.name)
        return flow

    def last_slot(self, now: datetime) -> datetime | None:
        """The latest time up to `now` at which it was due, no further back than `grace`; None if there was none."""
        trigger = self.trigger()
        latest, after = None, now - self.grace
        while (slot := trigger.get_next_fire_time(None, after)) is not None and slot <= now:
            latest, after = slot, slot + timedelta(seconds=1)
        return latest

    def next_slot(self, now: datetime) -> datetime | None:
        """The first time after `now` at which it is due."""
        following: datetime | None = self.trigger().get_next_fire_time(None, now)
        return following

    def missed_since(self, last: datetime | None, now: datetime) -> bool:
        """Whether a slot has passed since `last`, the last one that was run (None: it never ran)."""
        return last is None or self.slot_missed(last, now) is not None

    def slot_missed(self, last: datetime | None, now: datetime) -> datetime | None:
        """The first slot after `last` if it has passed; None if not, and where it never ran."""
        following = None if last is None else self.next_slot(last + timedelta(seconds=1))
        return following if following is not None and following <= now else None


SCHEDULE: tuple[Scheduled, ...] = (
    Scheduled(
        "escalate_overdue",
        "到期提醒与逾期升级",
        "services.engine.sweep:sweep",
        "*/10 * * * *",
        grace=timedelta(minutes=30),
    ),
    # Two minutes after the sweep, so that what it wrote goes out at once. The inbox does not wait for this.
    Scheduled(
        "deliver_notifications",
        "通知投递",
        "services.notifications.outbox:deliver",
        "2-59/5 * * * *",
        grace=timedelta(minutes=30),
    ),
    Scheduled(
        "refresh_calendar",
        "工作日历更新与期限重算",
        "services.engine.recomputing:refresh_calendar",
        "5 0 * * *",
        grace=timedelta(hours=12),
    ),
    Scheduled(
        "open_obligations",
        "定期事项到期产生",
        "services.engine.obligations:open_obligations",
        "35 0 * * *",  # after the calendar: a period without a working day is waived
        grace=timedelta(hours=12),
    ),
    Scheduled(
        "clear_uploads",
        "清理未使用的上传文件",
        "services.documents.clearing:clear_unused",
        "15 3 * * *",
        grace=timedelta(hours=12),
    ),
    Scheduled(
        "verify_journal",
        "流转记录防篡改校验",
        "services.keeping.anchors:verify_everything",
        "35 2 * * *",
        grace=timedelta(hours=12),
    ),
    Scheduled(
        "anchor_journal",
        "流转记录存证",
        "services.keeping.anchors:anchor_journal",
        "25 1 * * *",  # before the backup, which takes the anchors along
        grace=timedelta(hours=12),
    ),
    Scheduled(
        "back_up",
        "每夜备份",
        "services.keeping.backing:back_up_nightly",
        "55 1 * * *",
        grace=timedelta(hours=12),
    ),
    Scheduled(
        "propose_candidates",
        "按规则提出待研判事项",
        "services.engine.candidates:propose_candidates",
        "25 6 * * *",
        grace=timedelta(hours=12),
    ),
    Scheduled(
        "draw_samples",
        "函询了结抽查与质量抽检",
        "services.sampling.draws:draw_due_samples",
        "5 6 * * *",  # the day of a half-year's quality sample is announced by no table, this one included
        grace=timedelta(days=7),
    ),
    Scheduled(
        "close_periods",
        "年度得分固定与更正",
        "services.scoring.computing:close_periods",
        "35 5 * * *",
        grace=timedelta(days=7),
    ),
)
