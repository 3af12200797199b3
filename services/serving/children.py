"""The commands of this installation's processes: the three of one machine, and those of several."""

import os
import sys
from pathlib import Path

from config.settings import Settings
from services.runs.prefect_server import LOOPBACK, prefect_environ
from services.serving.supervisor import ChildSpec

WEB_FIRST = 4.0
"""Seconds in which the web comes up alone: people wait for it, and for nothing else."""


def children(settings: Settings) -> tuple[ChildSpec, ...]:
    """Web, clock and Prefect server, in the order in which they are to end: each may need the later ones."""
    environ = dict(os.environ) | settings.as_environ()
    prefect = prefect_environ(settings, environ)
    return (
        ChildSpec("web", web_command(settings), environ, grace=8.0),
        ChildSpec("clock", (sys.executable, "-m", "flows.clock"), prefect, grace=20.0, wait=WEB_FIRST),
        ChildSpec("prefect", _prefect_server(settings), prefect, 10.0, prefect_log(settings), wait=WEB_FIRST),
    )


def prefect_log(settings: Settings) -> Path:
    """Where the Prefect server's own output goes."""
    return settings.home / "logs" / "prefect.log"


def web_command(settings: Settings) -> tuple[str, ...]:
    """One web process. Whom it takes for the caller: whoever a trusted proxy names, else whoever connects."""
    return (
        *(sys.executable, "-m", "uvicorn", "services.app:create_app", "--factory"),
        *("--host", settings.host, "--port", str(settings.port)),
        *("--no-access-log", "--log-level", "warning", "--no-server-header"),
        *("--timeout-graceful-shutdown", "5", "--forwarded-allow-ips", settings.proxies),
    )


def worker_command(name: str, limit: int) -> tuple[str, ...]:
    """Prefect's own worker on our pool."""
    return (
        *(sys.executable, "-m", "prefect", "worker", "start", "--pool", "duban", "--type", "process"),
        *("--name", name, "--limit", str(limit), "--install-policy", "never"),
    )


def _prefect_server(settings: Settings) -> tuple[str, ...]:
    return (
        *(sys.executable, "-m", "prefect", "server", "start"),
        *("--host", LOOPBACK, "--port", str(settings.prefect_port)),
    )
