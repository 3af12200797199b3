"""All files of a matter in one archive, made while it is sent."""

import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from sqlalchemy.orm import Session

from services.documents.store import FileStore
from services.engine import journal
from services.engine.core import Engine
from services.engine.errors import MatterNotFound
from services.engine.looking import look
from services.engine.queries import get_matter
from services.identity.access import Actor
from services.runtime import Runtime

_CHUNK = 2**18


@dataclass(frozen=True, slots=True)
class Packed:
    """A file and the name it has in the archive."""

    name: str
    sha256: str
    at: datetime


def collect(session: Session, engine: Engine, actor: Actor, matter_id: int, now: datetime) -> tuple[str, list[Packed]]:
    """Return the matter's number and its files; who took them is on record. Raises MatterNotFound, also without any."""
    matter = get_matter(session, engine, look(session, engine, actor, matter_id), actor, now)
    if not matter.attachments:
        raise MatterNotFound
    packed: list[Packed] = []
    for found in matter.attachments:
        name = numbered(found.name, {one.name.casefold() for one in packed})
        packed.append(Packed(name, found.sha256, found.uploaded_at))
    content = {"files": [found.id for found in matter.attachments]}
    journal.note(session, matter_id, journal.Event("export_files", actor, now, content))
    return matter.number, packed


def numbered(name: str, taken: Collection[str]) -> str:
    """Return the name, with a number before its ending where it is taken: 照片.jpg, 照片 (2).jpg."""
    path, number, wanted = PurePosixPath(name), 1, name
    while wanted.casefold() in taken:
        number += 1
        wanted = f"{path.stem} ({number}){path.suffix}"
    return wanted


def archive(runtime: Runtime, files: Collection[Packed]) -> Iterator[bytes]:
    """Yield the archive piece by piece; a damaged file raises FileDamaged, and what was sent is no whole archive."""
    store, sink = FileStore.of(runtime), _Sink()
    with zipfile.ZipFile(cast(BinaryIO, sink), "w", zipfile.ZIP_STORED) as out:  # most of it is compressed already
        for file in files:
            entry = zipfile.ZipInfo(file.name, file.at.timetuple()[:6])
            with store.open(file.sha256) as source, out.open(entry, "w", force_zip64=True) as target:
                while chunk := source.read(_CHUNK):
                    target.write(chunk)
                    yield sink.taken()
            yield sink.taken()
    yield sink.taken()


class _Sink:
    """A file that cannot go back: what was written is handed on."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, data: bytes) -> int:
        self._held += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def taken(self) -> bytes:
        held, self._held = bytes(self._held), bytearray()
        return held
