"""`duban serve`: look whether it can start, then start everything and stay until told to end."""

import contextlib
import errno
import socket
import threading
from collections.abc import Iterable, Iterator
from typing import ClassVar

from filelock import FileLock, Timeout

from config.settings import Settings
from services.db.errors import DubanError
from services.runs.prefect_server import LOOPBACK
from services.serving.banner import Login, announce
from services.serving.children import children
from services.serving.logs import configure_logging
from services.serving.supervisor import Supervisor


class AlreadyServing(DubanError):
    """Another `duban serve` works on this data folder."""

    code: ClassVar[str] = "already_serving"
    status: ClassVar[int] = 409


class PortUnusable(DubanError):
    """An address to listen on is taken, or is not one of this machine."""

    code: ClassVar[str] = "port_unusable"
    status: ClassVar[int] = 409


def serve(settings: Settings) -> None:
    """Run web, clock and Prefect server until SIGTERM, SIGINT or SIGHUP; then leave no process behind.

    Raises `AlreadyServing` or `PortUnusable` before anything is started. Main thread only.
    """
    configure_logging(settings.log_level, settings.log_format)
    with _sole_use(settings):
        _check_port(settings.host, settings.port, "DUBAN_HOST or DUBAN_PORT")
        _check_port(LOOPBACK, settings.prefect_port, "DUBAN_PREFECT_PORT")
        ended = threading.Event()
        announcing = threading.Thread(target=announce, args=(settings, _demo_logins, ended), daemon=True)
        announcing.start()
        try:
            Supervisor(children(settings)).run()
        finally:
            ended.set()


@contextlib.contextmanager
def _sole_use(settings: Settings) -> Iterator[None]:
    settings.home.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(settings.home / "serve.lock", timeout=0):
            yield
    except Timeout:
        raise AlreadyServing(
            f"another duban serve works on {settings.home}; end that one, or set DUBAN_HOME to another folder"
        ) from None


def _check_port(host: str, port: int, variables: str) -> None:
    """Bind as uvicorn will: two children failing over and over would tell less than one sentence now."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be listened on ({error.strerror})"
        raise PortUnusable(f"port {port} on {host} {why}; end what uses it, or set {variables}") from error


def _demo_logins() -> Iterable[Login]:
    """Only when the banner is due: opening the database must not delay the web."""
    from services.demo import demo_logins
    from services.runtime import runtime

    return demo_logins(runtime())
