"""How administrators work over HTTP; other deeds than those of `services.administration` go to the log."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from services.administration.office import Office
from services.http.calls import Call

log = structlog.get_logger("administration")


@contextmanager
def office(call: Call) -> Iterator[Office]:
    """The caller at work in one transaction."""
    with call.write() as session:
        yield Office(session, call.actor, call.now, call.engine.registry.pack.roles)


def log_deed(call: Call, deed: str, **what: Any) -> None:
    """Leave a trace of a deed that changed nobody and no unit: a run asked for, a journal checked."""
    log.info(deed, by=call.actor.id, name=call.actor.name, **what)
