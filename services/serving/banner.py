"""What the one who started it sees once the web answers."""

import sys
import threading
from collections.abc import Callable, Iterable

import httpx

from config.settings import Settings
from services.runs.prefect_server import LOOPBACK, prefect_url

Login = tuple[str, str, str]
"""Log-in name, password, who that is."""


def web_url(settings: Settings) -> str:
    """The web's address as seen from this machine."""
    host = {"0.0.0.0": LOOPBACK, "::": "::1"}.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def banner(settings: Settings, logins: Iterable[Login]) -> str:
    """The address, where runs can be looked at, and the demo log-ins if there are any."""
    lines = [
        f"Duban 督办 is ready: {web_url(settings)}",
        f"  runs (Prefect, up in a minute): {prefect_url(settings)}",
    ]
    rows = list(logins)
    if rows:
        lines += [
            f"  {login:<16}{password:<20}{who}" for login, password, who in [("log-in", "password", "who"), *rows]
        ]
    return "\n".join([*lines, "  Ctrl-C ends everything."])


def announce(settings: Settings, logins: Callable[[], Iterable[Login]], ended: threading.Event) -> None:
    """Print the banner as soon as the web answers; give up when `ended` is set. Meant for a thread."""
    with httpx.Client(trust_env=False, timeout=2.0) as client:
        while not _answers(client, f"{web_url(settings)}/api/health"):
            if ended.wait(0.2):
                return
    sys.stdout.write(f"{banner(settings, logins())}\n")
    sys.stdout.flush()


def _answers(client: httpx.Client, address: str) -> bool:
    try:
        return client.get(address).is_success
    except httpx.HTTPError:
        return False
