"""Database or disk failed under a page: it says whether anything was changed, and what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from services.db.failures import CommitLost
from services.db.session import Database
from services.web.pages import uploads
from tests.support.invariants import check, entries, matter
from tests.web.site import OURS, Site, token_of
from tests.web.test_matter import _act, _meta, _page, _triggered

FULL = OperationalError("INSERT secret", {}, Exception("database or disk is full"))
AWAY = OperationalError("SELECT secret", {}, Exception("connection refused"))


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (FULL, 507, "清理磁盘空间"),
        (AWAY, 503, "本次操作未生效"),
        (OSError(errno.ENOSPC, "secret"), 507, "已填内容仍在"),
    ],
)
def test_an_upload_says_what_is_wrong(
    site: Site, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, says: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(uploads, "receive", fail)
    browser = site.by("clerk")
    headers = {**OURS, "X-CSRF-Token": token_of(browser.get("/profile").text)}
    answer = browser.post("/uploads", files={"file": ("a.pdf", b"%PDF-1.4")}, headers=headers)
    assert answer.status_code == status and says in answer.text and "secret" not in answer.text


@contextmanager
def commits_are_lost(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything is committed, and nobody hears of it."""
    write = Database.write

    @contextmanager
    def lost(database: Database) -> Iterator[Any]:
        with write(database) as session:
            yield session
        raise CommitLost("the connection is closed")

    with monkeypatch.context() as patched:
        patched.setattr(Database, "write", lost)
        yield


def test_a_commit_of_which_nobody_knows_is_safe_to_send_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    county = site.county
    matter_id = county.walk()
    page = _page(site, matter_id, "clerk", do="accept")
    with commits_are_lost(monkeypatch):
        answer = _act(site, matter_id, "accept", "clerk", {}, page)
    assert answer.status_code == 503 and answer.headers["hx-reswap"] == "none"  # the form stays, with its key
    assert "无法确定是否已经生效" in _triggered(answer)["duban:toast"]["text"]
    assert matter(county, matter_id)["state"] == "triage"
    again = _act(site, matter_id, "accept", "clerk", {}, page)
    assert "此前已提交成功" in _triggered(again)["duban:toast"]["text"] and _meta(page)["request_key"]
    assert [e["action"] for e in entries(county, matter_id)].count("accept") == 1
    check(county)
