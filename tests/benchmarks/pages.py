"""What a page costs: processor time of this process and bytes sent, beside a bare route of the same run.

`make bench-pages` prints it. The demo county is told afresh, with as many petitions more as fill a page of 50; nothing
goes over a socket. Bytes are those of bodies as compressed: cold with every script, style and icon the page names,
warm the part that htmx asks for, files being kept for a year.
"""

import asyncio
import os
import re
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from jinja2 import Environment
from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from config.calendar import local_date
from config.settings import Settings
from services import demo, migrations
from services.app import create_app
from services.demo.places import PASSWORD
from services.engine.models import Matter
from services.engine.opening import open_matter
from services.identity.access import load_actor
from services.identity.credentials import open_session
from services.identity.models import Person, Unit
from services.runtime import Runtime, make_runtime
from services.serving.logs import configure_logging
from tests.support.cast import PETITION

WHO = "fangwen"
AT_ONCE = 10
ROUNDS = 30
FULL_PAGE = 60
_NAMED = re.compile(r'(?:href|src)="(/static/[^"#]+)')


@dataclass
class Answer:
    """What came back; `size` counts the body as it was sent."""

    status: int = 0
    body: bytes = b""
    headers: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.body)


@dataclass(frozen=True)
class Client:
    """Asks an application as a browser with a session would, without a socket."""

    app: Callable[..., Awaitable[None]]
    secret: str = ""

    async def get(self, path: str, *, hx: bool = False, packed: bool = True) -> Answer:
        answer = Answer()
        headers = [(b"host", b"127.0.0.1"), (b"cookie", f"duban_session={self.secret}".encode())]
        headers += [(b"accept-encoding", b"gzip, br")] if packed else []
        headers += [(b"hx-request", b"true")] if hx else []
        where, _, query = path.partition("?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": where, "raw_path": where.encode(), "root_path": "", "query_string": query.encode(),
            "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
        }  # fmt: skip

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answer.status, answer.headers = message["status"], dict(message["headers"])
            else:
                answer.body += message.get("body", b"")

        await self.app(scope, receive, send)
        return answer

    async def cold(self, path: str) -> int:
        """Bytes of the page and of all files it names."""
        page = (await self.get(path, packed=False)).body.decode()
        sizes = [(await self.get(address)).size for address in set(_NAMED.findall(page))]
        return (await self.get(path)).size + sum(sizes)


def bare() -> FastAPI:
    """A route with nothing behind it: what FastAPI and a template alone cost here."""
    app, template = FastAPI(), Environment().from_string("<!doctype html><title>{{ title }}</title><p>{{ text }}</p>")

    @app.get("/")
    def show() -> HTMLResponse:
        return HTMLResponse(template.render(title="督办", text="待办"))

    return app


def county(runtime: Runtime, now: datetime) -> int:
    """Tell the demo county, fill the list of `WHO`, and return a matter of his that was handled."""
    migrations.upgrade(runtime.settings.database_url)
    demo.load(runtime, now)
    engine = create_app(runtime).web.state.service.engine
    with runtime.database.write() as session:
        clerk = _person(session, WHO)
        unit = session.scalars(select(Unit.id).where(Unit.parent_id.is_(None))).one()
        for number in range(FULL_PAGE):
            received = (local_date(now) - timedelta(days=number % 20)).isoformat()
            answers = PETITION | {"received_on": received, "summary": f"反映上河村第{number}组道路硬化问题"}
            open_matter(
                engine, session, "petition", answers, load_actor(session, clerk, local_date(now)), now, unit_id=unit
            )
    with runtime.database.read() as session:
        return session.scalars(select(Matter.id).where(Matter.state == "feedback").order_by(Matter.id)).first() or 1


def _person(session: Session, login: str) -> int:
    return session.scalars(select(Person.id).where(Person.login == login)).one()


Asked = tuple[Client, str, bool]
"""Whom to ask for which path, and whether for the part alone that htmx asks for."""


async def milliseconds(asked: list[Asked]) -> dict[Asked, float]:
    """Processor time of one request each, in the best of some rounds: others on the machine only ever add to it.

    All take turns, since a machine may be slower for a minute than for the next.
    """
    best = dict.fromkeys(asked, float("inf"))
    for _ in range(ROUNDS):
        for client, path, hx in asked:
            started = time.process_time()
            for _ in range(AT_ONCE):
                assert (await client.get(path, hx=hx)).status == 200, path
            best[client, path, hx] = min(best[client, path, hx], (time.process_time() - started) / AT_ONCE * 1000)
    return best


async def measure(runtime: Runtime, matter_id: int, secret: str) -> Table:
    """Ask for each page and put down what it cost."""
    ours, plain = Client(create_app(runtime), secret), Client(bare())
    pages = {
        "worklist, 50 rows": "/worklist", "worklist, red": "/worklist?light=red", "worklist, pinyin": "/worklist?q=shc",
        "matter": f"/matters/{matter_id}", "done": "/done", "search": "/search?q=shc",
    }  # fmt: skip
    took = await milliseconds(
        [(plain, "/", False), *((ours, path, hx) for path in pages.values() for hx in (False, True))]
    )
    bare_ms = took[plain, "/", False]
    table = Table("page", "CPU ms", "× bare", "cold KB", "warm KB", "part CPU ms", title="pages, per request")
    table.add_row("bare FastAPI route", f"{bare_ms:.2f}", "1.0", "", "", "")
    for name, path in pages.items():
        whole, part = took[ours, path, False], took[ours, path, True]
        cold, warm = await ours.cold(path), (await ours.get(path, hx=True)).size
        table.add_row(
            name, f"{whole:.2f}", f"{whole / bare_ms:.1f}", f"{cold / 1024:.1f}", f"{warm / 1024:.1f}", f"{part:.2f}"
        )
    return table


def main() -> None:
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as home, open(os.devnull, "w") as nowhere:
        runtime = make_runtime(Settings(home=Path(home)))
        with redirect_stderr(nowhere):  # the log costs what it costs, and is not to be read
            configure_logging("INFO")
            matter_id = county(runtime, now)
            secret, _ = open_session(runtime.database, WHO, PASSWORD, now)
            table = asyncio.run(measure(runtime, matter_id, secret))
        runtime.database.close()
    Console().print(table)


if __name__ == "__main__":
    main()
