"""A flow's work done by somebody at the command line: on the record like any other run."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from services.runs.models import RunState, Via
from services.runs.record import Outcome, begin_run, end_run
from services.runtime import Runtime


def by_hand(
    runtime: Runtime, flow: str, work: Callable[[], dict[str, Any]], now: datetime, clock: Callable[[], datetime]
) -> dict[str, Any]:
    """Do `work` from `now` until `clock` says, and return its numbers; what it raises is recorded, and raised.

    It is written down once it is over: nobody would find a run dead whose terminal was closed.
    """
    try:
        result = work()
        outcome = Outcome(RunState.COMPLETED, Via.HAND, result)
    except BaseException as error:
        outcome = Outcome(RunState.FAILED, Via.HAND, error=repr(error))
        raise
    finally:
        with runtime.database.write() as session:
            end_run(session, begin_run(session, flow, now, now, Via.HAND), outcome, clock())
    return result
