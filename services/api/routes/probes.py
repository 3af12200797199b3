"""Whether the process is up, and whether it can work."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime

import structlog
from fastapi import APIRouter, Response
from sqlalchemy import select

from services.api.shapes import Shown
from services.engine.models import Text
from services.http.calls import Now, Service, TheService
from services.identity.sealing import Vault
from services.migrations.migrating import is_current
from services.runs.health import watch

LEAST_ROOM = 500 * 2**20
"""Bytes that should be left on the disk: an attachment is up to 50 MiB, and a backup needs its room."""

router = APIRouter(tags=["probes"])
log = structlog.get_logger(__name__)


class Health(Shown):
    """The process answers; nothing else is looked at."""

    ok: bool


class Check(Shown):
    """One thing that must be in order; `problem` says how to mend it, null if nothing is wrong.

    Without what is `fatal` nothing can be done here; all else only says that somebody should look.
    """

    name: str
    problem: str | None
    fatal: bool


class Readiness(Shown):
    """`ready`: requests may come; `degraded`: ready, but something is not as it should be."""

    ready: bool
    degraded: bool
    checks: list[Check]


@router.get("/health")
async def show_health() -> Health:
    """Say that the process is up. Asks no thread and no database."""
    return Health(ok=True)


@router.get("/ready", responses={503: {"model": Readiness, "description": "it cannot work; the checks say why"}})
def show_readiness(the: TheService, now: Now, response: Response) -> Readiness:
    """Say whether it can work, and what is wrong.

    A sweep that is late keeps nobody from working, and would be no better elsewhere: then it is degraded.
    """
    checks = list(_checks(the, now))
    wrong = [check for check in checks if check.problem is not None]
    ready = not any(check.fatal for check in wrong)
    response.status_code = 200 if ready else 503
    return Readiness(ready=ready, degraded=ready and bool(wrong), checks=checks)


def _checks(the: Service, now: datetime) -> Iterator[Check]:
    asked: list[tuple[str, bool, Callable[[], str | None], str]] = [
        ("database", True, lambda: _database(the), "the database does not answer; see the log, and DUBAN_DATABASE_URL"),
        ("schema", True, lambda: _schema(the), "the schema cannot be read; run: duban db upgrade"),
        ("key", True, lambda: _key(the), "the key file cannot be used; restore the one this database was made with"),
        ("pack", True, lambda: _pack(the), "the policy pack cannot be read; run: duban policy check"),
        ("disk", True, lambda: _disk(the), "the data folder cannot be written to; see DUBAN_HOME, and make room"),
        ("room", False, lambda: _room(the), "the room on the data folder's disk cannot be told"),
        ("sweep", False, lambda: _sweep(the, now), "nobody knows when deadlines were last looked at"),
    ]
    for name, fatal, check, otherwise in asked:
        try:
            yield Check(name=name, problem=check(), fatal=fatal)
        except Exception as error:  # whatever it is, the answer is that this is not in order
            log.error("not ready", check=name, why=str(error))
            yield Check(name=name, problem=otherwise, fatal=fatal)


def _database(the: Service) -> str | None:
    with the.runtime.database.read() as session:
        session.execute(select(1))
    return None


def _schema(the: Service) -> str | None:
    return None if is_current(the.runtime.database) else "the schema is not this version's; run: duban db upgrade"


def _key(the: Service) -> str | None:
    """The key in use, and the one in the file now, must have signed what this database keeps."""
    with the.runtime.database.read() as session:
        kept = session.scalars(select(Text).order_by(Text.first_used_at.desc()).limit(1)).first()
    for vault in (the.runtime.vault, Vault(the.runtime.settings.secret_file)):
        if kept is not None and not vault.verify(f"version\n{kept.text}", kept.signature):
            return "the key file is not the one this database was made with; restore it"
    return None


def _pack(the: Service) -> str | None:
    return None if the.engine.registry.procedures else "the policy pack has no procedure; see DUBAN_PACK"


def _disk(the: Service) -> str | None:
    """Attachments, and SQLite itself, need more than a folder that looks right."""
    with tempfile.TemporaryFile(dir=the.runtime.settings.home) as file:
        file.write(b"\0" * 4096)
        file.flush()
        os.fsync(file.fileno())
    return None


def _room(the: Service) -> str | None:
    left = shutil.disk_usage(the.runtime.settings.home).free
    return None if left >= LEAST_ROOM else f"{left // 2**20} MiB are left on the data folder's disk; make room"


def _sweep(the: Service, now: datetime) -> str | None:
    with the.runtime.database.read() as session:
        watched = watch(session, now)
    if watched.paused is not None:
        return f"the sweep of deadlines is paused since {watched.paused.since.isoformat()}; resume it on /flows"
    if watched.time_wrong is not None:
        return "this machine's clock cannot be right; set it, or if it is right run: duban clock confirm"
    if not watched.overdue:
        return None
    last = watched.swept_at.isoformat() if watched.swept_at else "never"
    clock = "runs; see its latest runs" if watched.clock_alive else "does not run; start it"
    return f"deadlines were last looked at: {last}; the clock {clock}"
