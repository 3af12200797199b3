"""What the body of every flow does, whoever woke it: the clock of one machine, which keeps the record itself, or a
worker on one of several, which does nothing but start the flow."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from structlog.contextvars import bound_contextvars

from flows.schedule import Work
from services.db.patience import persist
from services.runs.models import RunState, Via
from services.runs.pulse import beating
from services.runs.queries import done_since
from services.runs.record import Outcome, begin_run, end_run, is_paused, note_prefect_run
from services.runs.timekeeping import trusted_now
from services.runtime import Runtime, runtime
from services.serving.logs import configure_logging


@dataclass(frozen=True, slots=True)
class Waker:
    """One who keeps the record of a run and waits for its numbers."""

    run_id: int | None = None
    done: list[dict[str, Any]] = field(default_factory=list)


_waker: ContextVar[Waker | None] = ContextVar("waker", default=None)


@contextmanager
def woken_by(waker: Waker) -> Iterator[None]:
    """While entered, flows called here hand their numbers to the waker."""
    token = _waker.set(waker)
    try:
        yield
    finally:
        _waker.reset(token)


def utc_now() -> datetime:
    """Flows are an edge: here the clock is read."""
    return datetime.now(UTC)


def present(works: Runtime) -> datetime:
    """The present, if this machine's clock can be right; raise ClockWrong otherwise."""
    return trusted_now(works, utc_now())


def report(numbers: dict[str, Any]) -> dict[str, Any]:
    """Log what the work did to Prefect and hand it on, also to a waker."""
    from prefect import get_run_logger

    if (waker := _waker.get()) is not None:
        waker.done.append(numbers)
    get_run_logger().info(json.dumps(numbers, ensure_ascii=False, default=str))
    return numbers


def carry(name: str, work: Work, as_of: datetime | None) -> dict[str, Any]:
    """Do the flow's work as of an aware instant (None: now) and report its numbers."""
    from prefect.runtime import flow_run

    works, waker = runtime(), _waker.get()
    if waker is None:
        return report(_recorded(works, name, work, as_of))
    if waker.run_id is not None and flow_run.id is not None:
        with works.database.write() as session:
            note_prefect_run(session, waker.run_id, flow_run.id)
    return report(work(works, as_of or present(works)))


def _recorded(works: Runtime, name: str, work: Work, as_of: datetime | None) -> dict[str, Any]:
    """A worker's run: left out where the flow is paused or its slot was done meanwhile, else put on our record."""
    from prefect.runtime import flow_run

    configure_logging(works.settings.log_level, works.settings.log_format)
    started, slot = utc_now(), flow_run.scheduled_start_time or utc_now()
    with works.database.write() as session:
        if is_paused(session, name):
            return {"paused": True}
        if as_of is None and done_since(session, name, slot):
            return {"superseded": True}
        run_id = begin_run(session, name, slot, started, Via.PREFECT, flow_run.id)
    try:
        with bound_contextvars(flow=name, run=run_id), beating(works.database, run_id):
            numbers = work(works, as_of or present(works))
    except Exception as error:
        failed = Outcome(RunState.FAILED, Via.PREFECT, error=repr(error), prefect_run_id=flow_run.id)
        persist(works.database, lambda session: end_run(session, run_id, failed, utc_now()))
        raise
    done = Outcome(RunState.COMPLETED, Via.PREFECT, numbers, prefect_run_id=flow_run.id)
    persist(works.database, lambda session: end_run(session, run_id, done, utc_now()))
    return numbers
