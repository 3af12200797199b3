"""Triggers for a machine whose clock may jump."""

from datetime import datetime, timedelta

from apscheduler.triggers.base import BaseTrigger

FAR = timedelta(hours=1)


class Unhurried(BaseTrigger):  # type: ignore[misc]
    """Another trigger, but what lies far behind is skipped at one step.

    The scheduler counts every time that was missed, in a list: after its machine's clock has jumped by years these are
    millions. One of them is enough, since several missed make one run.
    """

    def __init__(self, trigger: BaseTrigger) -> None:
        self._trigger = trigger

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        following: datetime | None = self._trigger.get_next_fire_time(previous_fire_time, now)
        if following is not None and following < now - FAR:
            following = self._trigger.get_next_fire_time(None, now)
        return following
