"""Copies leave once, none is lost, and none tells what a matter is about."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Lock, Thread

import pytest
from sqlalchemy import func, select, update

from config.settings import Settings
from services.engine.messages import message_rows, send
from services.engine.models import Message
from services.identity.sealing import Vault
from services.notifications.channels import NotDelivered
from services.notifications.outbox import LONGEST_PAUSE, deliver
from services.runtime import Runtime
from tests.support.cast import County

CHANNEL = "json://127.0.0.1:9"


@pytest.fixture
def runtime(county: County, vault: Vault, tmp_path: Path) -> Runtime:
    return Runtime(Settings(home=tmp_path, notify_urls=(CHANNEL,)), county.database, vault)


def write(county: County, number: int, matter: int | None = None) -> None:
    """Messages to different people about one matter, or about none."""
    with county.database.write() as session:
        people = list(county.people.values())[:number]
        send(session, message_rows(people, matter, "told", "林举报反映的问题", county.now))


def matters(county: County, number: int) -> list[int]:
    """Matters with one message each: their copies differ."""
    made = [county.walk() for _ in range(number)]
    for matter in made:
        write(county, 1, matter)
    return made


def rows(county: County) -> list[Message]:
    with county.database.read() as session:
        return list(session.scalars(select(Message).order_by(Message.id)))


def test_each_leaves_once_with_number_and_deadline_only(county: County, runtime: Runtime) -> None:
    matters(county, 3)
    sent: list[str] = []
    assert deliver(runtime, county.now, sent.append) == {"due": 3, "sent": 3, "failed": 0, "waiting": 0, "skipped": 0}
    assert sorted(sent) == [f"信访〔2016〕{n}号，期限2016-03-16，请登录系统查看" for n in (1, 2, 3)]
    assert deliver(runtime, county.now, sent.append)["due"] == 0 and len(sent) == 3
    assert all(m.sent_at == county.now and m.attempts == 1 for m in rows(county))


def test_people_told_of_the_same_share_a_copy(county: County, runtime: Runtime) -> None:
    write(county, 5, county.walk())
    write(county, 2)
    sent: list[str] = []
    assert deliver(runtime, county.now, sent.append)["sent"] == 7
    assert len(sent) == 2 and "您有新的督办消息，请登录系统查看" in sent


def test_two_deliverers_at_once_send_nothing_twice_and_leave_nothing(county: County, runtime: Runtime) -> None:
    matters(county, 45)
    sent: Counter[str] = Counter()
    lock = Lock()

    def note(text: str) -> None:
        with lock:
            sent[text] += 1

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: deliver(runtime, county.now, note), range(2)))
    assert sum(r["sent"] for r in results) == 45
    assert len(sent) == 45 and set(sent.values()) == {1}


def test_a_failure_is_kept_and_tried_again_later_and_later(county: County, runtime: Runtime) -> None:
    matters(county, 1)
    pauses = []

    def refuse(_: str) -> None:
        raise NotDelivered("no channel took it")

    for attempt in range(1, 13):
        result = deliver(runtime, county.now, refuse)
        assert (result["failed"], result["waiting"], result["sent"]) == (1, 1, 0)
        (message,) = rows(county)
        assert (message.attempts, message.last_error, message.sent_at) == (attempt, "no channel took it", None)
        assert deliver(runtime, message.next_try_at - timedelta(seconds=1), refuse)["due"] == 0
        pauses.append(message.next_try_at - county.now)
        county.now = message.next_try_at
    assert pauses == sorted(pauses) and pauses[0] == timedelta(minutes=1) and pauses[1] == timedelta(minutes=2)
    assert pauses[-1] == LONGEST_PAUSE
    assert deliver(runtime, county.now, lambda _: None)["sent"] == 1  # days later, and still not lost


def test_one_that_fails_does_not_hold_up_the_others(county: County, runtime: Runtime) -> None:
    matters(county, 3)

    def fail_second(text: str) -> None:
        if "2号" in text:
            raise ConnectionError("smtp://user:password@host")

    assert deliver(runtime, county.now, fail_second) | {"skipped": 0} == {
        "due": 3, "sent": 2, "failed": 1, "waiting": 1, "skipped": 0,
    }  # fmt: skip
    assert [m.last_error for m in rows(county)] == [None, "ConnectionError", None]  # and no password


def test_a_deliverer_that_died_leaves_its_batch_to_the_next(county: County, runtime: Runtime) -> None:
    matters(county, 2)

    def die(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver(runtime, county.now, die)
    sent: list[str] = []
    assert deliver(runtime, county.now, sent.append)["due"] == 0  # its lease runs
    assert deliver(runtime, county.now + timedelta(hours=1), sent.append)["sent"] == 2


def test_without_channels_nothing_is_tried(county: County, vault: Vault, tmp_path: Path) -> None:
    matters(county, 2)
    quiet = Runtime(Settings(home=tmp_path), county.database, vault)
    assert deliver(quiet, county.now) == {"due": 0, "sent": 0, "failed": 0, "waiting": 0, "skipped": 2}
    assert all(m.attempts == 0 and m.sent_at is None for m in rows(county))


def test_old_messages_do_not_leave_when_channels_are_first_set_up(county: County, runtime: Runtime) -> None:
    matters(county, 2)
    county.later(days=7, seconds=1)
    write(county, 1)
    sent: list[str] = []
    result = deliver(runtime, county.now, sent.append)
    assert (result["skipped"], result["sent"], len(sent)) == (2, 1, 1)
    assert deliver(runtime, county.now, sent.append) == {"due": 0, "sent": 0, "failed": 0, "waiting": 0, "skipped": 0}


def test_reading_in_the_app_and_sending_do_not_mix(county: County, runtime: Runtime) -> None:
    matters(county, 1)
    with county.database.write() as session:
        session.execute(update(Message).values(read_at=county.now))
    deliver(runtime, county.now, lambda _: None)
    with county.database.read() as session:
        assert session.scalar(select(func.count()).where(Message.read_at.is_not(None))) == 1


def listening(status: int) -> tuple[HTTPServer, list[str]]:
    """A receiver on loopback, as a chat's web hook would be."""
    got: list[str] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["message"])
            self.send_response(status)
            self.end_headers()

        log_message: Callable[..., None] = lambda *_: None

    server = HTTPServer(("127.0.0.1", 0), Hook)
    Thread(target=server.serve_forever, daemon=True).start()
    return server, got


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise's, when it is imported
@pytest.mark.parametrize(("status", "sent"), [(200, 1), (500, 0)])
def test_through_a_real_channel(sqlite_county: County, vault: Vault, tmp_path: Path, status: int, sent: int) -> None:
    matters(sqlite_county, 1)
    server, got = listening(status)
    try:
        url = f"json://127.0.0.1:{server.server_port}"
        settings = Settings(home=tmp_path, notify_urls=(url,))
        result = deliver(Runtime(settings, sqlite_county.database, vault), sqlite_county.now)
    finally:
        server.shutdown()
        server.server_close()
    assert (result["sent"], result["failed"]) == (sent, 1 - sent)
    assert got[0] == "信访〔2016〕1号，期限2016-03-16，请登录系统查看"
    assert "127.0.0.1" not in (rows(sqlite_county)[0].last_error or "")
