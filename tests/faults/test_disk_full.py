"""The disk is full: whoever asks is told so and how to mend it, nothing is half done, and with room it goes on."""

import io
import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from config.settings import Settings
from services.db.failures import DiskFull, explain
from services.db.session import Database
from services.documents import FileStore, receive
from services.identity.sealing import Vault
from services.runtime import Runtime
from tests.api.web import serve
from tests.support.cast import County
from tests.support.dump import dump
from tests.support.figures import repeats, tell
from tests.support.invariants import check

ROOT = Path(__file__).parents[2]
MOUNT = 'mount -t tmpfs -o size=12m tmpfs "$1" && shift && exec "$@"'


@contextmanager
def no_more_pages(database: Database, more: int) -> Iterator[None]:
    """SQLite's own limit of a file's size: `more` pages from now it is full, as a disk would be."""

    def limit(connection: Any, _: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + more}")

    database.engine.dispose()
    event.listen(database.engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(database.engine, "connect", limit)
        database.engine.dispose()


def test_sqlite_full_at_any_page_changes_nothing(sqlite_county: County) -> None:
    """Long texts need several pages: each change runs out of room after one page more than the time before."""
    county, refused, long = sqlite_county, 0, "长" * 5000
    for _ in range(repeats(2)):
        matter_id = county.walk("accept", "propose", "approve")
        for change in (
            lambda: county.open(content=long),
            lambda m=matter_id: county.act(m, "note_progress", "handler", {"content": long}),
        ):
            refused += _refused_until_there_is_room(county, change)
    check(county)
    assert refused >= repeats(2) * 2
    tell("SQLite full", refused=refused, half_done=0)


def _refused_until_there_is_room(county: County, change: Callable[[], object]) -> int:
    for more in count():
        before = dump(county.database)
        try:
            with no_more_pages(county.database, more):
                change()
        except OperationalError as error:
            assert isinstance(explain(error), DiskFull)
            assert dump(county.database) == before
        else:
            return more
    raise AssertionError("unreachable")


@contextmanager
def no_larger_files(most: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_an_upload_that_finds_no_room_leaves_nothing(sqlite_county: County, vault: Vault, tmp_path: Path) -> None:
    runtime = Runtime(Settings(home=tmp_path), sqlite_county.database, vault)
    content = b"%PDF-1.4\n" + bytes(3 * 2**20)
    for most in range(2**16, 3 * 2**20, 2**20 // repeats(2)):
        with pytest.raises(OSError) as full, no_larger_files(most):
            receive(runtime, "说明.pdf", io.BytesIO(content))
        assert isinstance(explain(full.value), DiskFull)
        assert [p for p in (tmp_path / "files").rglob("*") if p.is_file()] == []
    kept = receive(runtime, "说明.pdf", io.BytesIO(content)).kept
    assert FileStore.of(runtime).is_whole(kept.sha256)


def test_so_does_one_that_finds_none_while_it_comes_in(sqlite_county: County, vault: Vault, tmp_path: Path) -> None:
    """A large body waits in a temporary file before anything of ours sees it."""
    web = serve(sqlite_county, vault, tmp_path)
    sender = web.by("clerk")
    with no_larger_files(2 * 2**20):
        answer = sender.post("/api/v1/attachments", files={"file": ("a.pdf", b"%PDF-1.4\n" + bytes(4 * 2**20))})
    assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
    assert not (tmp_path / "files").exists()


def test_a_disk_that_fills_up_and_is_freed(tmp_path: Path) -> None:
    """A file system of 12 MB for the database and the files of one installation."""
    where = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", MOUNT, "sh", str(tmp_path))
    if subprocess.run([*where, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here without rights")
    command = [*where, sys.executable, "-m", "tests.faults.small_disk", str(tmp_path), str(repeats(1))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counted = json.loads(done.stdout.splitlines()[-1])
    assert counted["full"] >= 8 * repeats(1) and counted["done"] > 0
    tell("disk full", **counted, half_done=0)
