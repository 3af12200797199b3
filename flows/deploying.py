"""`python -m flows.deploying`: makes the deployments of a Prefect server what the table says, and says what it changed.

By code and not in a `prefect.yaml`: the table is the one place that says when, and a second file would have to be kept
like it; Prefect's own command neither removes what has gone from a file nor says what it changed. It is spoken to over
HTTP, without the seconds that importing Prefect takes. No deployment has a concurrency limit: a run whose process was
killed would hold its slot for minutes and the sweeps behind it up, while two at once do nothing twice.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from config.settings import BadSettings, Settings, load_settings
from flows.schedule import SCHEDULE, Scheduled
from services.db.errors import DubanError
from services.runs.pausing import pauses
from services.runs.prefect_server import PrefectUnreachable, ask
from services.runtime import runtime

POOL = NAME = TAG = "duban"
"""The work pool, the name of every deployment (`escalate-overdue/duban`), and the tag by which ours are known."""

TIMEZONE = "Asia/Shanghai"
_SECONDS = 30.0
Change = dict[str, Any]
"""`flow` and `change`: created, updated (with `fields`), removed or unchanged."""


def main() -> int:
    """Print what was changed as JSON on one line; 2 and a sentence where that could not be done."""
    try:
        settings = load_settings()
        answer = {"deployments": deploy(settings, SCHEDULE), "paused": _paused()}
    except PrefectUnreachable as error:
        why = f"{error.__cause__}" if error.__cause__ else "no answer"
        sys.stderr.write(f"duban: prefect_unreachable: {why}; check DUBAN_PREFECT_API_URL and DUBAN_PREFECT_AUTH\n")
        return 2
    except (BadSettings, DubanError) as error:
        sys.stderr.write(f"duban: {error}\n")
        return 2
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return 0


def deploy(settings: Settings, schedule: Sequence[Scheduled]) -> list[Change]:
    """Create, update and remove deployments until they are what the schedule says; pauses in Prefect are kept.

    Raises `PrefectUnreachable`.
    """
    _ensure_pool(settings)
    found = {deployment["entrypoint"]: deployment for deployment in _ours(settings)}
    changes = [_bring_about(settings, item, found.pop(_entrypoint(item), None)) for item in schedule]
    for entrypoint, gone in found.items():
        ask(settings, "DELETE", f"deployments/{gone['id']}", _SECONDS)
        changes.append({"flow": str(entrypoint).rpartition(".")[2], "change": "removed"})
    return changes


def _ensure_pool(settings: Settings) -> None:
    """A worker fills in how its pool starts processes."""
    asked = {"work_pools": {"name": {"any_": [POOL]}}}
    if not ask(settings, "POST", "work_pools/filter", _SECONDS, asked):
        ask(settings, "POST", "work_pools/", _SECONDS, {"name": POOL, "type": "process"})


def _ours(settings: Settings) -> list[dict[str, Any]]:
    asked = {"deployments": {"tags": {"all_": [TAG]}}, "limit": 200}
    found: list[dict[str, Any]] = ask(settings, "POST", "deployments/filter", _SECONDS, asked)
    return found


def _entrypoint(item: Scheduled) -> str:
    """A module and no file: workers find it in their own installation, wherever that is."""
    return f"flows.{item.name}.{item.name}"


def _bring_about(settings: Settings, item: Scheduled, found: Mapping[str, Any] | None) -> Change:
    wanted = _wanted(item)
    if found is None:
        flow = ask(settings, "POST", "flows/", _SECONDS, {"name": item.name.replace("_", "-")})
        ask(settings, "POST", "deployments/", _SECONDS, {"name": NAME, "flow_id": flow["id"], **wanted})
        return {"flow": item.name, "change": "created"}
    fields = _differing(wanted, found)
    if not fields:
        return {"flow": item.name, "change": "unchanged"}
    standing_still = any(not each["active"] for each in found["schedules"])
    wanted["schedules"][0]["active"] = not standing_still
    ask(settings, "PATCH", f"deployments/{found['id']}", _SECONDS, wanted)
    return {"flow": item.name, "change": "updated", "fields": fields}


def _wanted(item: Scheduled) -> dict[str, Any]:
    return {
        "entrypoint": _entrypoint(item),
        "work_pool_name": POOL,
        "description": item.title,
        "parameters": dict(item.parameters),
        "tags": [TAG],
        "concurrency_limit": None,
        "schedules": [{"active": True, "schedule": {"cron": item.cron, "timezone": TIMEZONE, "day_or": True}}],
    }


def _differing(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Names of what is not as wanted, pauses apart."""
    is_so = {
        **{name: found[name] for name in ("entrypoint", "work_pool_name", "description", "parameters", "tags")},
        "concurrency_limit": (found.get("global_concurrency_limit") or {}).get("limit"),
        "schedules": [each["schedule"] for each in found["schedules"]],
    }
    should_be = {**wanted, "schedules": [each["schedule"] for each in wanted["schedules"]]}
    return [name for name, value in should_be.items() if is_so[name] != value]


def _paused() -> list[str]:
    """Flows that people paused on the page 自动任务: every run asks for that, so no deployment has to be touched."""
    with runtime().database.read() as session:
        return sorted(pauses(session))


if __name__ == "__main__":
    sys.exit(main())
