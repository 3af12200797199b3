"""Content-addressed files: <folder>/aa/bb/<sha256>, each content once, readable by this service alone."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from services.documents.errors import FileDamaged, UploadTooLarge
from services.runtime import Runtime

MOST_BYTES = 50 * 2**20
_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Kept:
    """A content in the store. `size` is in bytes."""

    sha256: str
    size: int


class FileStore:
    """The store below one folder; any number of processes may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def of(cls, runtime: Runtime) -> "FileStore":
        return cls(runtime.settings.home / "files")

    @contextmanager
    def incoming(self, stream: BinaryIO, most: int = MOST_BYTES) -> Iterator["Incoming"]:
        """Receive a stream aside; it is gone on leaving unless it was kept. Raises UploadTooLarge."""
        aside = self._folder / "incoming"
        aside.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=aside)  # made with mode 0600
        try:
            with os.fdopen(handle, "w+b") as file:
                kept = _copy(stream, file, most)
                yield Incoming(self, file, Path(name), kept)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)

    def path(self, sha256: str) -> Path:
        """Return where a content lies, or would."""
        return self._folder / sha256[:2] / sha256[2:4] / sha256

    @contextmanager
    def open(self, sha256: str) -> Iterator[BinaryIO]:
        """Open a content for reading, after it was found whole; raise FileDamaged."""
        try:
            file = self.path(sha256).open("rb")
        except OSError:
            raise FileDamaged(sha256) from None
        with file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise FileDamaged(sha256)
            file.seek(0)
            yield file

    def untouched_since(self, before: datetime) -> Iterator[str]:
        """Yield the contents that nobody brought (again) since then."""
        for path in self._folder.glob("??/??/*"):
            if path.stat().st_mtime < before.timestamp():
                yield path.name

    def drop_unfinished(self, before: datetime) -> int:
        """Remove what was coming in when its process was killed, if that was before then; return how many."""
        left = [path for path in self._folder.glob("incoming/*") if path.stat().st_mtime < before.timestamp()]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def remove(self, sha256: str) -> None:
        self.path(sha256).unlink(missing_ok=True)

    def is_whole(self, sha256: str) -> bool:
        try:
            with self.open(sha256):
                return True
        except FileDamaged:
            return False


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file received but not yet kept: to be looked at first."""

    store: FileStore
    file: BinaryIO
    aside: Path
    kept: Kept

    def keep(self) -> Kept:
        """Move it to its place, durably. A content that is there and whole is left alone, a damaged one replaced."""
        place = self.store.path(self.kept.sha256)
        with suppress(FileNotFoundError):
            os.utime(place)  # in use again: whoever clears away what is unused leaves it for now
        if self.store.is_whole(self.kept.sha256):
            return self.kept
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.file.flush()
        os.fsync(self.file.fileno())
        self.aside.rename(place)
        for folder in (place.parent, place.parent.parent, place.parent.parent.parent):
            _sync_folder(folder)
        return self.kept


def _copy(stream: BinaryIO, file: BinaryIO, most: int) -> Kept:
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        if size > most:
            raise UploadTooLarge(most)
        digest.update(chunk)
        file.write(chunk)
    file.flush()
    file.seek(0)
    return Kept(digest.hexdigest(), size)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
