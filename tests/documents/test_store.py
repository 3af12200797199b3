"""Files by content: kept once, whole or not at all."""

import hashlib
import io
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from services.documents import FileDamaged, FileStore, Kept, UploadTooLarge

TEXT = "群众反映材料".encode()


def put(store: FileStore, content: bytes = TEXT) -> Kept:
    with store.incoming(io.BytesIO(content)) as incoming:
        return incoming.keep()


def files_in(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file())


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "files")


def test_it_lies_under_its_hash_readable_by_us_alone(store: FileStore, tmp_path: Path) -> None:
    kept, wanted = put(store), hashlib.sha256(TEXT).hexdigest()
    assert kept == Kept(wanted, len(TEXT))
    (file,) = files_in(tmp_path / "files")
    assert file == tmp_path / "files" / wanted[:2] / wanted[2:4] / wanted
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and file.read_bytes() == TEXT
    with store.open(kept.sha256) as opened:
        assert opened.read() == TEXT


def test_the_same_content_is_kept_once_however_many_send_it(store: FileStore, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        kept = set(pool.map(lambda _: put(store, TEXT * 1000), range(16)))
    assert len(kept) == 1 and len(files_in(tmp_path / "files")) == 1


def test_what_was_not_kept_leaves_nothing(store: FileStore, tmp_path: Path) -> None:
    with store.incoming(io.BytesIO(TEXT)):
        pass
    assert files_in(tmp_path / "files") == []


def test_the_limit_is_exact_and_leaves_nothing(store: FileStore, tmp_path: Path) -> None:
    with store.incoming(io.BytesIO(b"x" * 100), most=100) as incoming:
        assert incoming.kept.size == 100
    with pytest.raises(UploadTooLarge), store.incoming(io.BytesIO(b"x" * 101), most=100):
        pass
    assert files_in(tmp_path / "files") == []


def test_a_stream_that_breaks_leaves_nothing(store: FileStore, tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, *size: Any) -> bytes:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError), store.incoming(Broken()):
        pass
    assert files_in(tmp_path / "files") == []


@pytest.mark.parametrize("damage", ["changed", "cut", "emptied", "gone"])
def test_damage_is_found_before_a_byte_is_handed_out_and_mended_by_sending_again(store: FileStore, damage: str) -> None:
    kept = put(store)
    file = store.path(kept.sha256)
    match damage:
        case "changed":
            file.write_bytes(TEXT[:-1] + b"!")
        case "cut":
            file.write_bytes(TEXT[:-1])
        case "emptied":
            file.write_bytes(b"")
        case "gone":
            file.unlink()
    with pytest.raises(FileDamaged, match=kept.sha256), store.open(kept.sha256):
        pytest.fail("a damaged file was opened")
    assert put(store) == kept and store.is_whole(kept.sha256)
