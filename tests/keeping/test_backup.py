"""Backups: one file from either database, restored into either, whole or not at all."""

import contextlib
import os
import stat
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from sqlalchemy import text

from config.settings import Settings
from services import migrations
from services.db.session import Database
from services.documents.store import FileStore
from services.identity.models import Sealed
from services.identity.sealing import Vault
from services.identity.store import open_field
from services.keeping import archive, restoring
from services.keeping.backing import back_up, back_up_nightly
from services.keeping.copying import copy_database
from services.keeping.errors import (
    BackupUnusable,
    CannotBackUp,
    CopyDiffers,
    RestoreRefused,
    SourceInUse,
    TargetNotEmpty,
)
from services.keeping.restoring import restore, verify_backup
from services.keeping.tables import digests
from services.runtime import Runtime
from tests.keeping.conftest import NOW


@pytest.fixture
def key(tmp_path: Path) -> tuple[Path, str]:
    """An age key pair: the file of the secret half, and the public half."""
    return tmp_path / "age.key", archive.new_key(tmp_path / "age.key")


@pytest.fixture
def empty(works: Runtime, tmp_path: Path) -> Settings:
    """A place with the key file of the demo county and nothing else."""
    place = tmp_path / "empty"
    place.mkdir()
    (place / "secret.key").write_bytes(works.settings.secret_file.read_bytes())
    (place / "secret.key").chmod(0o600)
    return Settings(home=place)


def test_a_backup_holds_everything_but_the_key(works: Runtime, tmp_path: Path, empty: Settings) -> None:
    answer = back_up(works, tmp_path / "b.tar.gz", NOW)
    assert (answer["missing"], answer["encrypted"], answer["key_inside"]) == ([], False, False)
    assert stat.S_IMODE((tmp_path / "b.tar.gz").stat().st_mode) == 0o600
    with tarfile.open(tmp_path / "b.tar.gz") as opened:
        names = opened.getnames()
    assert names[:2] == ["manifest.json", "duban.db"]
    assert "secret.key" not in names
    restored = restore(empty, tmp_path / "b.tar.gz")
    assert (restored["ok"], restored["key_from"], restored["contents"]) == (True, "place", answer["contents"])
    assert _same(works, empty)
    assert sorted(p.name for p in empty.home.iterdir() if not p.name.endswith((".lock", "-wal", "-shm"))) == [
        "duban.db", "files", "secret.key"
    ]  # fmt: skip


def test_an_encrypted_backup_restores_from_nothing_but_itself(
    works: Runtime, tmp_path: Path, key: tuple[Path, str], open_home: Callable[..., Runtime]
) -> None:
    """And the complainants' identities open again: the key file came along."""
    back_up(works, tmp_path / "b.age", NOW, [key[1]])
    assert b"duban.db" not in (tmp_path / "b.age").read_bytes()
    restored = restore(Settings(home=tmp_path / "new"), tmp_path / "b.age", key[0])
    assert (restored["ok"], restored["key_from"]) == (True, "backup")
    with open_home(tmp_path / "new").database.read() as session:
        sealed = session.query(Sealed).first()
        assert sealed is not None
        opened = open_field(session, open_home(tmp_path / "new").vault, sealed.matter_id, sealed.name)
    assert opened == open_field_of(works, sealed.matter_id, sealed.name)


def test_without_the_secret_key_nothing_is_read(works: Runtime, tmp_path: Path, key: tuple[Path, str]) -> None:
    back_up(works, tmp_path / "b.age", NOW, [key[1]])
    archive.new_key(tmp_path / "other.key")
    for identity, why in ((None, "--identity"), (tmp_path / "other.key", "does not open")):
        with pytest.raises(BackupUnusable, match=why):
            restore(Settings(home=tmp_path / "new"), tmp_path / "b.age", identity)
    assert _rest(tmp_path / "new") == []


def test_a_backup_of_postgres_restores_into_sqlite_and_back(
    works: Runtime, target: str, tmp_path: Path, empty: Settings, open_home: Callable[..., Runtime]
) -> None:
    copy_database(works, target)
    moved = open_home(works.settings.home, database_url=target)
    back_up(moved, tmp_path / "p.tar.gz", NOW)
    assert verify_backup(moved.settings, tmp_path / "p.tar.gz")["differing"] == []
    assert restore(empty, tmp_path / "p.tar.gz")["from"] == "postgresql"
    assert _same(works, empty)
    migrations.empty(target)
    second = Settings(home=tmp_path / "second", database_url=target, secret_file=empty.secret_file)
    assert restore(second, tmp_path / "p.tar.gz")["ok"]
    assert _same(works, second)


def test_a_restore_into_postgres_that_fails_leaves_it_empty(
    works: Runtime, target: str, tmp_path: Path, empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(works, tmp_path / "b.tar.gz", NOW)
    place = Settings(home=tmp_path / "place", database_url=target, secret_file=empty.secret_file)
    with monkeypatch.context() as broken:
        broken.setattr(restoring, "digests", _fail)
        with pytest.raises(KeyboardInterrupt):
            restore(place, tmp_path / "b.tar.gz")
    assert _rest(place.home) == []
    assert restore(place, tmp_path / "b.tar.gz")["ok"], "the place is as empty as before"


def test_it_is_made_while_people_write(works: Runtime, tmp_path: Path, empty: Settings) -> None:
    """All rows of a table change together, again and again: the backup never holds some changed and some not."""
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            with works.database.write() as session:
                session.execute(text("UPDATE person SET failed_count = failed_count + 1"))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        back_up(works, tmp_path / "b.tar.gz", NOW)
    finally:
        ended.set()
        writer.join()
    restore(empty, tmp_path / "b.tar.gz")
    with contextlib.closing(Database(empty.database_url)) as database, database.read() as session:
        assert len(set(session.execute(text("SELECT failed_count FROM person")).scalars())) == 1


@pytest.mark.parametrize("what", ["database", "files"])
def test_a_place_that_is_not_empty_is_refused(works: Runtime, tmp_path: Path, what: str) -> None:
    back_up(works, tmp_path / "b.tar.gz", NOW)
    place = tmp_path / "home"
    if what == "files":
        works.database.close()
        os.unlink(place / "duban.db")
    before = _rest(place)
    with pytest.raises(TargetNotEmpty, match=what):
        restore(Settings(home=place), tmp_path / "b.tar.gz")
    assert _rest(place) == before


def test_the_key_file_must_be_there_and_be_the_right_one(works: Runtime, tmp_path: Path) -> None:
    back_up(works, tmp_path / "b.tar.gz", NOW)
    with pytest.raises(RestoreRefused, match=r"secret\.key is missing"):
        restore(Settings(home=tmp_path / "new"), tmp_path / "b.tar.gz")
    Vault.create_if_missing(tmp_path / "wrong" / "secret.key")
    with pytest.raises(RestoreRefused, match="not the one of this backup"):
        restore(Settings(home=tmp_path / "wrong"), tmp_path / "b.tar.gz")
    assert _rest(tmp_path / "wrong") == ["secret.key"]


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_damaged_or_cut_off_backup_is_refused(
    works: Runtime, tmp_path: Path, empty: Settings, key: tuple[Path, str], encrypted: bool
) -> None:
    whole = tmp_path / "b.tar.gz"
    back_up(works, whole, NOW, [key[1]] if encrypted else ())
    content = bytearray(whole.read_bytes())
    cut = tmp_path / "cut.tar.gz"
    for kept in (len(content) // 2, len(content) - 5):
        cut.write_bytes(content[:kept])
        with pytest.raises(BackupUnusable):
            restore(empty, cut, key[0])
    content[len(content) // 2] ^= 1
    cut.write_bytes(content)
    with pytest.raises(BackupUnusable):
        restore(empty, cut, key[0])
    cut.write_bytes(b"something else")
    with pytest.raises(BackupUnusable, match="no backup"):
        restore(empty, cut, key[0])
    assert _rest(empty.home) == ["secret.key"]
    assert restore(empty, whole, key[0])["ok"]


def test_a_file_that_was_gone_already_is_named_and_the_rest_restored(
    works: Runtime, tmp_path: Path, empty: Settings
) -> None:
    gone = next((works.settings.home / "files").glob("??/??/*"))
    os.unlink(gone)
    answer = back_up(works, tmp_path / "b.tar.gz", NOW)
    assert [lost["sha256"] for lost in answer["missing"]] == [gone.name]
    restored = restore(empty, tmp_path / "b.tar.gz")
    assert (restored["ok"], [lost["sha256"] for lost in restored["check"]["files"]["missing"]]) == (False, [gone.name])
    assert _same(works, empty)


def test_a_killed_restore_is_cleared_away_but_a_finished_one_never(
    works: Runtime, tmp_path: Path, empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(works, tmp_path / "b.tar.gz", NOW)
    with monkeypatch.context() as killed:
        killed.setattr(restoring, "_move", _fail)  # before the database is moved in
        killed.setattr(restoring, "_clear_left", lambda _: None)  # nor does a killed process clear up
        with pytest.raises(KeyboardInterrupt):
            restore(empty, tmp_path / "b.tar.gz")
    assert "files" in _rest(empty.home)
    with monkeypatch.context() as killed:
        killed.setattr(restoring, "_clear_left", _clear_once(restoring._clear_left))
        assert restore(empty, tmp_path / "b.tar.gz")["ok"]
    assert "restoring" in _rest(empty.home)
    with pytest.raises(TargetNotEmpty):
        restore(empty, tmp_path / "b.tar.gz")
    assert _same(works, empty)


def test_a_served_place_is_left_alone(works: Runtime, tmp_path: Path, empty: Settings) -> None:
    back_up(works, tmp_path / "b.tar.gz", NOW)
    with FileLock(empty.home / "serve.lock"), pytest.raises(SourceInUse):
        restore(empty, tmp_path / "b.tar.gz")


def test_verifying_finds_what_differs(works: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    back_up(works, tmp_path / "b.tar.gz", NOW)
    assert verify_backup(works.settings, tmp_path / "b.tar.gz")["ok"]
    real = restoring._look

    def altered(settings: Settings, staging: Path, *more: Any) -> Any:
        answer = real(settings, staging, *more)
        with contextlib.closing(Database(f"sqlite:///{staging}/duban.db")) as database, database.write() as session:
            session.execute(text("UPDATE person SET name = '别人' WHERE id = 1"))
        return answer

    monkeypatch.setattr(restoring, "_look", altered)
    assert verify_backup(works.settings, tmp_path / "b.tar.gz")["differing"] == ["person"]
    assert not list(works.settings.home.glob("verifying-*"))


def test_no_half_backup_is_left_and_none_replaced(
    works: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "out" / "b.tar.gz"
    file.parent.mkdir()
    with monkeypatch.context() as full:
        full.setattr("services.keeping.backing.os.fsync", _disk_full)
        with pytest.raises(CannotBackUp, match="No space left"):
            back_up(works, file, NOW)
    assert list(file.parent.iterdir()) == []
    back_up(works, file, NOW)
    before = file.read_bytes()
    with pytest.raises(CannotBackUp, match="exists"):
        back_up(works, file, NOW)
    assert file.read_bytes() == before
    with pytest.raises(CannotBackUp, match="age public key"):
        back_up(works, tmp_path / "c", NOW, ["age1nonsense"])


def test_a_copy_that_differs_from_postgres_is_no_backup(
    works: Runtime, target: str, tmp_path: Path, open_home: Callable[..., Runtime], monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_database(works, target)
    monkeypatch.setattr("services.keeping.snapshots._digests_of", lambda *_: {})
    with pytest.raises(CopyDiffers):
        back_up(open_home(works.settings.home, database_url=target), tmp_path / "p.tar.gz", NOW)
    assert not (tmp_path / "p.tar.gz").exists()


def test_the_nightly_backup_keeps_the_latest(works: Runtime, open_home: Callable[..., Runtime]) -> None:
    few = open_home(works.settings.home, backup_keep=2)
    (few.settings.home / "backups").mkdir()
    (few.settings.home / "backups" / "by-hand.tar.gz").touch()
    told = [back_up_nightly(few, NOW.replace(day=day)) for day in (24, 25, 26)]
    assert [(one["written"], one["kept"], one["removed"], one["missing"]) for one in told] == [
        (1, 1, 0, 0), (1, 2, 0, 0), (1, 2, 1, 0)
    ]  # fmt: skip
    left = sorted(file.name for file in few.settings.backup_folder.iterdir())
    assert left == ["by-hand.tar.gz", "duban-20261125-180000.tar.gz", "duban-20261126-180000.tar.gz"]
    assert back_up_nightly(open_home(works.settings.home, backup_keep=0), NOW)["written"] == 0


def open_field_of(works: Runtime, matter_id: int, name: str) -> str | None:
    with works.database.read() as session:
        return open_field(session, works.vault, matter_id, name)


def _clear_once(real: Callable[[Settings], None]) -> Callable[[Settings], None]:
    """What a process does that is killed just after its database stands: it clears up at its start only."""
    calls: list[Settings] = []

    def clear(settings: Settings) -> None:
        calls.append(settings)
        if len(calls) == 1:
            real(settings)

    return clear


def _same(works: Runtime, settings: Settings) -> bool:
    with contextlib.closing(Database(settings.database_url)) as database, database.read() as session:
        there = digests(session.connection())
    with works.database.read() as session:
        here = digests(session.connection())
    store = FileStore(settings.home / "files")
    files = [path.name for path in (works.settings.home / "files").glob("??/??/*")]
    return here == there and all(map(store.is_whole, files))


def _rest(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir() if not path.name.endswith((".lock", "-wal", "-shm")))


def _fail(*_: object) -> None:
    raise KeyboardInterrupt


def _disk_full(_: int) -> None:
    raise OSError(28, "No space left on device")
