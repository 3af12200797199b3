"""The Prefect server, spoken to over HTTP: `import prefect` would cost the web seconds and 80 MiB."""

import os
from collections.abc import Mapping
from typing import Any, ClassVar, TypedDict
from urllib.parse import urlsplit

import httpx

from config.settings import Settings
from services.db.errors import DubanError

LOOPBACK = "127.0.0.1"
PAGE = 200
"""The most log lines Prefect gives at once."""

_SERVER = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",  # a flow without the server fails at once and is run without it
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",  # keeps 90 days, as the clock's own record
    # Left at five, a server that dies during a run holds the clock up for more than two minutes.
    "PREFECT_CLIENT_MAX_RETRIES": "1",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",  # the clock logs what matters itself
    "PREFECT_LOGGING_COLORS": "false",
}


class PrefectUnreachable(DubanError):
    """Prefect's server does not answer: it is starting or down. Nothing else depends on it."""

    code: ClassVar[str] = "prefect_unreachable"
    status: ClassVar[int] = 503

    def __init__(self) -> None:
        super().__init__(
            "the Prefect server does not answer, so there are no logs to show; it starts again by itself",
            "流程日志服务正在启动或暂不可用，请稍后再试；不影响期限计算和升级提醒。",
        )


class PrefectStatus(TypedDict):
    """`ui` is where Prefect's own pages are: on this machine, or on the server that several machines share."""

    up: bool
    ui: str


class LogLine(TypedDict):
    """`at` is ISO 8601 in UTC, `level` a name of `logging`."""

    at: str
    level: str
    text: str


def prefect_url(settings: Settings) -> str:
    """The server's address: the sibling's on this machine, or the one that several machines share."""
    return settings.prefect_api_url.removesuffix("/api") or f"http://{LOOPBACK}:{settings.prefect_port}"


def prefect_environ(settings: Settings, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """`environ` with everything the Prefect server and its clients need, and no other setting of Prefect's."""
    kept = {name: text for name, text in environ.items() if not name.startswith("PREFECT_")}
    proxied = kept.get("no_proxy") or kept.get("NO_PROXY")
    shared = urlsplit(settings.prefect_api_url).hostname
    unproxied = ",".join(dict.fromkeys(filter(None, [proxied, LOOPBACK, "localhost", shared])))
    login = {"PREFECT_API_AUTH_STRING": settings.prefect_auth} if settings.prefect_auth else {}
    return (
        kept
        | _SERVER
        | login
        | {
            "PREFECT_HOME": str(settings.home / "prefect"),
            "PREFECT_API_URL": f"{prefect_url(settings)}/api",
            "no_proxy": unproxied,
            "NO_PROXY": unproxied,
        }
    )


def prefect_status(settings: Settings, seconds: float = 1.0) -> PrefectStatus:
    """Whether the server answers within `seconds`."""
    try:
        up = ask(settings, "GET", "health", seconds) is True
    except PrefectUnreachable:
        up = False
    return {"up": up, "ui": prefect_url(settings)}


def run_logs(settings: Settings, prefect_run_id: str, limit: int = PAGE, offset: int = 0) -> list[LogLine]:
    """A run's log, oldest line first, at most `PAGE` lines. Raises `PrefectUnreachable`."""
    asked = {
        "logs": {"flow_run_id": {"any_": [prefect_run_id]}},
        "sort": "TIMESTAMP_ASC",
        "limit": min(limit, PAGE),
        "offset": offset,
    }
    lines = ask(settings, "POST", "logs/filter", 5.0, asked)
    return [{"at": line["timestamp"], "level": _level(line["level"]), "text": line["message"]} for line in lines]


def ask(settings: Settings, method: str, path: str, seconds: float, body: Any = None) -> Any:
    """What the server's API answers. Raises `PrefectUnreachable`, also where it refuses."""
    user, _, password = settings.prefect_auth.partition(":")
    try:
        with httpx.Client(trust_env=False, timeout=seconds, auth=(user, password) if user else None) as client:
            answer = client.request(method, f"{prefect_url(settings)}/api/{path}", json=body)
            answer.raise_for_status()
            return answer.json() if answer.content else None
    except (httpx.HTTPError, ValueError) as error:
        raise PrefectUnreachable from error


def _level(number: int) -> str:
    names = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
    return names.get(number, str(number))
