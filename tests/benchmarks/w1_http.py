"""W1 over HTTP: two web processes, each client logged in, every action a request with an idempotency key.

Ours are two workers of uvicorn behind one port; viewflow's two of gunicorn with threads, sessions and permissions by
Django. Each client is the leader of one township and a handler of the next, and goes on as in W1.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from services.identity.models import Person
from services.identity.passwords import set_password
from tests.benchmarks.racing import Exhausted, Operation, Sample, race
from tests.benchmarks.rivals import PYTHON, ROOT, Rival
from tests.benchmarks.seeds import Seeded
from tests.benchmarks.w1_advance import APPROVAL, RETURN, Advancing

PORT = 21310
WARM_UP = 50
"""Requests of each client before the clock runs: each thread of each process has a connection of its own to warm."""

KEPT_OPEN = 75
"""Seconds a server waits for the next request: a client that is ready waits for the others to be."""

_SECRET = "benchmark-2016-06"


class Browser:
    """A connection that stays open."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def post(self, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        self._connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **headers})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {text[:300]!r}")
        self.cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
        return json.loads(text or b"{}")  # type: ignore[no-any-return]


@contextmanager
def serving(command: Sequence[str | Path], port: int, log: Path, **environ: str) -> Iterator[None]:
    """Run a web server until it answers, and to the end of the block."""
    with log.open("w") as output:
        server = subprocess.Popen(
            [*map(str, command)], cwd=ROOT, env=os.environ | environ, stdout=output, stderr=output
        )
        try:
            _wait_for(port, server, log)
            yield
        finally:
            server.terminate()
            server.wait(30)


def _wait_for(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the web does not come up: {log.read_text()[-2000:]}")


def duban(seeded: Seeded, folder: Path, clients: int, seconds: float) -> Sample:
    townships, work = seeded.county.townships, Advancing(seeded)
    _give_passwords(seeded)
    own = [[m for m, unit in work.waiting if unit == townships[n]] for n in range(clients)]
    environ = {"DUBAN_HOME": str(folder), "DUBAN_DATABASE_URL": seeded.url, "DUBAN_LOG_LEVEL": "ERROR"}
    command = (sys.executable, "-m", "uvicorn", "services.app:create_app", "--factory", "--workers", "2",
               "--port", str(PORT), "--no-access-log", "--log-level", "warning",
               "--timeout-keep-alive", str(KEPT_OPEN))  # fmt: skip
    with serving(command, PORT, folder / "web.log", **environ):
        warm_up = min(WARM_UP, *(len(matters) // 2 for matters in own))
        return race(lambda n: _client(n, own[n], len(townships)), clients, seconds, warm_up)


def _give_passwords(seeded: Seeded) -> None:
    somebody = Person(name="", login="")
    set_password(somebody, _SECRET)
    with psycopg.connect(seeded.url) as connection:
        connection.execute("UPDATE person SET password_hash = %s", (somebody.password_hash,))


def _client(number: int, matters: list[int], townships: int) -> Operation:
    browser = Browser(PORT)

    def log_in(login: str) -> dict[str, str]:
        answer = browser.post("/api/v1/session", {"login": login, "password": _SECRET})
        return {"Authorization": f"Bearer {answer['secret']}"}

    leader, handler = log_in(f"leader{number}"), log_in(f"handler{(number + 1) % townships}")
    steps = iter(
        step for m in matters for step in ((m, "approve", leader, APPROVAL), (m, "send_back", handler, RETURN))
    )

    def advance() -> None:
        matter, action, who, answers = next(steps, (0, "", {}, {}))
        if not matter:
            raise Exhausted
        key = {"Idempotency-Key": str(uuid4())}
        browser.post(f"/api/v1/matters/{matter}/actions/{action}", {"answers": answers}, **who, **key)

    return advance


def viewflow(rival: Rival, folder: Path, clients: int, seconds: float) -> Sample:
    most = max(20, int(40 * seconds)) + WARM_UP // 2
    tasks = json.loads(rival.call("waiting", most * clients))
    command = (PYTHON, "-m", "gunicorn", "--workers", "2", "--threads", "4", "--bind", f"127.0.0.1:{PORT + 1}",
               "--keep-alive", str(KEPT_OPEN), "tests.benchmarks.peers.petitions.wsgi:application")  # fmt: skip
    with serving(command, PORT + 1, folder / "viewflow.log", PETITIONS_DATABASE=rival.url):
        warm_up = min(WARM_UP, len(tasks) // clients // 2)
        return race(lambda n: _viewflow_client(tasks[n::clients]), clients, seconds, warm_up)


def _viewflow_client(tasks: list[int]) -> Operation:
    browser, cookies = Browser(PORT + 1), {}
    for who in ("leader", "handler"):
        browser.post("/login", {"username": who, "password": "benchmark"})
        cookies[who] = {"Cookie": browser.cookie}
    waiting, current = iter(tasks), []

    def advance() -> None:
        if current:
            browser.post(f"/advance/{current.pop()}/send_back", RETURN, **cookies["handler"])
            return
        task = next(waiting, None)
        if task is None:
            raise Exhausted
        current.append(browser.post(f"/advance/{task}/approve", APPROVAL, **cookies["leader"])["next"])

    return advance
