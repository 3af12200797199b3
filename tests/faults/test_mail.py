"""The mail server away for a day, and breaking off at the worst moment: nothing is lost, nothing leaves twice but for
the one case in which nobody can know."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from config.settings import Settings
from services.engine.messages import message_rows, send
from services.engine.models import Message
from services.identity.sealing import Vault
from services.notifications import outbox
from services.notifications.outbox import deliver
from services.runtime import Runtime
from tests.support.cast import County
from tests.support.figures import repeats, tell
from tests.support.mail import CUT, UP, mail_server

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise's
EVERY = timedelta(hours=2)
BURST = 120


def _write(county: County, count: int) -> None:
    """Messages about a matter of their own each, so that every copy has a text of its own."""
    for _ in range(count):
        matter_id = county.open().matter_id
        with county.database.write() as session:
            send(session, message_rows([county.people["clerk"]], matter_id, "told", "有新情况", county.now))


def _unsent(county: County) -> list[Message]:
    with county.database.read() as session:
        return list(session.scalars(select(Message).where(Message.sent_at.is_(None))))


def test_a_day_without_a_mail_server(sqlite_county: County, vault: Vault, tmp_path: Path) -> None:
    county = sqlite_county
    with mail_server() as server:
        runtime = Runtime(Settings(home=tmp_path, notify_urls=(server.url,)), county.database, vault)
        _write(county, 2)
        assert deliver(runtime, county.now)["sent"] == 2
    written, taken = 2, server.taken
    for _ in range(12):  # a day
        if written < 8:
            _write(county, 1)
            written += 1
        result = deliver(runtime, county.now)
        assert result["sent"] == 0
        county.now += EVERY
    assert len(_unsent(county)) == written - 2
    assert all(m.last_error and m.next_try_at <= county.now + outbox.LONGEST_PAUSE for m in _unsent(county))
    with mail_server(server.port) as again:
        for _ in range(3):
            deliver(runtime, county.now)
            county.now += EVERY
    assert _unsent(county) == []
    taken += again.taken
    assert len(taken) == written and set(taken.values()) == {1}
    tell("a day without a mail server", written=written, arrived=len(taken), twice=0)


def test_while_it_is_down_a_heap_costs_one_batch_of_tries(county: County, vault: Vault, tmp_path: Path) -> None:
    """Each try may take a time-out: a thousand reminders must not keep the clock busy for hours."""
    people = list(county.people.values())
    with county.database.write() as session:
        for _ in range(BURST // len(people) + 1):
            send(session, message_rows(people, None, "told", "有新情况", county.now))
        ids = session.scalars(select(Message.id)).all()
        assert len(ids) >= BURST
    tried: Counter[str] = Counter()

    def down(text: str) -> None:
        tried[text] += 1
        raise ConnectionRefusedError

    runtime = Runtime(Settings(home=tmp_path, notify_urls=("json://127.0.0.1:9",)), county.database, vault)
    result = deliver(runtime, county.now, down)
    assert (result["due"], result["failed"], result["waiting"]) == (len(ids), outbox.BATCH, len(ids))
    assert tried.total() == 1  # one text in this batch
    assert deliver(runtime, county.now + outbox.FIRST_PAUSE, lambda _: None)["sent"] == len(ids)


def test_a_server_that_breaks_off_before_it_answers_gets_a_copy_twice_and_loses_none(
    sqlite_county: County, vault: Vault, tmp_path: Path
) -> None:
    county, times = sqlite_county, repeats(3)
    with mail_server() as server:
        runtime = Runtime(Settings(home=tmp_path, notify_urls=(server.url,)), county.database, vault)
        for _ in range(times):
            server.mode = CUT
            _write(county, 1)
            assert deliver(runtime, county.now)["failed"] == 1
            server.mode = UP
            county.later(minutes=2)
            assert deliver(runtime, county.now)["sent"] == 1
            assert deliver(runtime, county.now)["due"] == 0
    assert len(server.taken) == times and set(server.taken.values()) == {2}
    tell("a mail server that breaks off before its answer", copies=times, lost=0, twice=times)
