"""Whether the process is up, and whether it can work."""

from collections.abc import Callable, Iterator

import structlog
from fastapi import APIRouter, Response
from sqlalchemy import select

from services.api.shapes import Shown
from services.engine.models import Text
from services.http.calls import Service, TheService
from services.identity.sealing import Vault
from services.migrations.migrating import is_current

router = APIRouter(tags=["probes"])
log = structlog.get_logger(__name__)


class Health(Shown):
    """The process answers; nothing else is looked at."""

    ok: bool


class Check(Shown):
    """One thing that must be in order; `problem` says how to mend it, null if nothing is wrong."""

    name: str
    problem: str | None


class Readiness(Shown):
    ready: bool
    checks: list[Check]


@router.get("/health")
async def show_health() -> Health:
    """Say that the process is up. Asks no thread and no database."""
    return Health(ok=True)


@router.get("/ready", responses={503: {"model": Readiness, "description": "it cannot work; the checks say why"}})
def show_readiness(the: TheService, response: Response) -> Readiness:
    """Say whether it can work, and if not, what is wrong."""
    checks = list(_checks(the))
    ready = all(check.problem is None for check in checks)
    response.status_code = 200 if ready else 503
    return Readiness(ready=ready, checks=checks)


def _checks(the: Service) -> Iterator[Check]:
    asked: list[tuple[str, Callable[[Service], str | None], str]] = [
        ("database", _database, "the database does not answer; see the log, and DUBAN_DATABASE_URL"),
        ("schema", _schema, "the schema cannot be read; run: duban db upgrade"),
        ("key", _key, "the key file cannot be used; restore the one this database was made with"),
        ("pack", _pack, "the policy pack cannot be read; run: duban policy check"),
    ]
    for name, check, otherwise in asked:
        try:
            yield Check(name=name, problem=check(the))
        except Exception as error:  # whatever it is, the answer is that this is not in order
            log.error("not ready", check=name, why=str(error))
            yield Check(name=name, problem=otherwise)


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
