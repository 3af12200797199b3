"""The table of runs: written by whoever runs a flow, whether Prefect is there or not, so that it is the whole story."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from services.db.base import Base
from services.identity.models import Person


class RunState(StrEnum):
    """`requested` waits for the clock; `crashed` was running when its process died."""

    REQUESTED = "requested"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CRASHED = "crashed"


class Via(StrEnum):
    """Who keeps the logs: Prefect, or nobody but the clock itself while Prefect was away, the watch that stepped in
    because no worker came, or somebody at the command line."""

    PREFECT = "prefect"
    CLOCK = "clock"
    WATCH = "watch"
    HAND = "hand"


class Trouble(StrEnum):
    """What is wrong with a flow: not started in its time, ended in an error, or its process died."""

    LATE = "late"
    FAILED = "failed"
    CRASHED = "crashed"


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


_WAITING = text("state IN ('requested', 'running')")
_PAUSED = text("resumed_at IS NULL")
_OPEN = text("closed_at IS NULL")


class FlowRun(Base):
    """One run of one flow. `scheduled_for` is its slot in the table, or when it was asked for by hand.

    `result` is the flow's dict of numbers; `error` is set when it failed or crashed. `beats` grows while its process
    lives, see `services/runs/pulse.py`.
    """

    __tablename__ = "flow_run"
    __table_args__ = (
        _one_of("state", RunState),
        _one_of("via", Via),
        Index("ix_flow_run_flow_slot", "flow", "scheduled_for"),
        Index("ix_flow_run_ended", "flow", "state", "id"),
        Index("ix_flow_run_waiting", "state", sqlite_where=_WAITING, postgresql_where=_WAITING),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    flow: Mapped[str]
    scheduled_for: Mapped[datetime]
    requested_by: Mapped[int | None] = mapped_column(ForeignKey(Person.id))
    state: Mapped[str]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    beats: Mapped[int] = mapped_column(default=0)
    via: Mapped[str | None]
    prefect_run_id: Mapped[str | None]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str | None] = mapped_column(Text)


class FlowPause(Base):
    """A flow that somebody stopped on purpose, and why; it runs again once `resumed_at` is set. Kept for good."""

    __tablename__ = "flow_pause"
    __table_args__ = (
        Index("uq_flow_pause_active", "flow", unique=True, sqlite_where=_PAUSED, postgresql_where=_PAUSED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    flow: Mapped[str]
    reason: Mapped[str] = mapped_column(Text)
    paused_at: Mapped[datetime]
    paused_by: Mapped[int] = mapped_column(ForeignKey(Person.id))
    resumed_at: Mapped[datetime | None]
    resumed_by: Mapped[int | None] = mapped_column(ForeignKey(Person.id))


class FlowIncident(Base):
    """Something wrong with a flow, of which supervisors were told once; over when `closed_at` is set."""

    __tablename__ = "flow_incident"
    __table_args__ = (
        _one_of("trouble", Trouble),
        Index("uq_flow_incident_open", "flow", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    flow: Mapped[str]
    trouble: Mapped[str]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class FlowPlan(Base):
    """When a flow runs next; `noted_at` is the sign of life of the clock, or of the watch on several machines, renewed
    every minute. The row is also what is held while deciding about its flow."""

    __tablename__ = "flow_plan"

    flow: Mapped[str] = mapped_column(primary_key=True)
    next_at: Mapped[datetime | None]
    noted_at: Mapped[datetime]
