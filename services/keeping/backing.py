"""Backups: one file with the database of a single moment as SQLite, the attachments, the anchors and a manifest.

SQLite writes that file itself (`VACUUM INTO`); from PostgreSQL the rows are read in one repeatable-read snapshot by the
same code that moves installations. So a backup of either restores into either, needs no tools of the server, and can be
looked into with any SQLite.

The keys that seal identities go along only where the backup is encrypted: apart from them it opens no seal.
"""

import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.calendar import SHANGHAI
from services.db.session import Database
from services.documents.store import FileStore
from services.engine.models import Attachment
from services.keeping.alone import only_backup
from services.keeping.archive import parse_recipients, writing
from services.keeping.checking import check_files
from services.keeping.errors import CannotBackUp
from services.keeping.progress import Progress, silent
from services.keeping.snapshots import snapshot
from services.keeping.tables import schema_version
from services.runtime import Runtime

FORMAT = 1
MANIFEST, DATABASE, KEY, FILES, ANCHORS = "manifest.json", "duban.db", "secret.key", "files", "anchors"
_NAMED = "duban-????????-??????.tar.gz*"


@dataclass(frozen=True, slots=True)
class _Contents:
    """What goes in: paths by their names in the archive, and what the manifest says of it."""

    members: dict[str, Path]
    manifest: dict[str, Any]
    bytes: int


def back_up(
    runtime: Runtime, file: Path, now: datetime, recipients: Sequence[str] = (), progress: Progress = silent
) -> dict[str, Any]:
    """Write a backup while everything goes on; the file appears once it is whole, and replaces none.

    Returns {"file", "bytes", "rows", "contents", "missing", "encrypted", "key_inside"}; `missing` are contents that
    attachments name but that are not there. Raises CannotBackUp.
    """
    parse_recipients(recipients)
    _refuse_bad_place(file)
    home = runtime.settings.home
    with only_backup(home), _staging(home) as staging:
        try:
            contents = _collect(runtime, staging, now, bool(recipients), progress)
            _refuse_full_disk(file.parent, contents.bytes)
            size = _pack(file, contents, recipients, progress)
        except OSError as error:
            raise CannotBackUp(f"{file} was not written: {error.strerror}; make room or give another folder") from error
    manifest = contents.manifest
    return {
        "file": str(file), "bytes": size, "rows": sum(of["rows"] for of in manifest["tables"].values()),
        "contents": manifest["contents"], "missing": manifest["missing"], "encrypted": bool(recipients),
        "key_inside": manifest["key_inside"],
    }  # fmt: skip


def back_up_nightly(runtime: Runtime, now: datetime) -> dict[str, Any]:
    """Write tonight's backup into the folder of the settings and delete the oldest beyond those to keep."""
    settings = runtime.settings
    if not settings.backup_keep:
        return {"written": 0, "kept": 0, "removed": 0}
    settings.backup_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ending = "tar.gz.age" if settings.backup_recipients else "tar.gz"
    file = settings.backup_folder / f"duban-{now.astimezone(SHANGHAI):%Y%m%d-%H%M%S}.{ending}"
    written = back_up(runtime, file, now, settings.backup_recipients)
    removed = _remove_old(settings.backup_folder, settings.backup_keep)
    kept = len(_backups(settings.backup_folder))
    return {**written, "missing": len(written["missing"]), "written": 1, "kept": kept, "removed": removed}


def _remove_old(folder: Path, keep: int) -> int:
    """Only once the new one is whole; what a killed backup left goes too."""
    for part in folder.glob(".duban-*.part"):
        part.unlink(missing_ok=True)
    old = _backups(folder)[:-keep]
    for file in old:
        file.unlink(missing_ok=True)
    return len(old)


def _backups(folder: Path) -> list[Path]:
    return sorted(folder.glob(_NAMED), key=lambda file: file.name)


def _refuse_bad_place(file: Path) -> None:
    if file.exists():
        raise CannotBackUp(f"{file} exists; give another name")
    if not file.parent.is_dir() or not os.access(file.parent, os.W_OK):
        raise CannotBackUp(f"{file.parent} is no folder that can be written to")


def _refuse_full_disk(folder: Path, needed: int) -> None:
    if (free := shutil.disk_usage(folder).free) < needed:
        raise CannotBackUp(f"{folder} has {free // 2**20} MiB left, up to {needed // 2**20 + 1} are needed; make room")


@contextmanager
def _staging(home: Path) -> Iterator[Path]:
    for left in home.glob("backing-*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix="backing-", dir=home) as folder:
        yield Path(folder)


def _collect(runtime: Runtime, staging: Path, now: datetime, sealed: bool, progress: Progress) -> _Contents:
    settings = runtime.settings
    counted = snapshot(runtime.database, staging / DATABASE, progress)
    staged = Database(f"sqlite:///{staging / DATABASE}")
    store = FileStore.of(runtime)
    with staged.read() as session:
        version = schema_version(session.connection())
        files = check_files(session, store, progress)
        named = _named_contents(session)
    staged.close()  # which also folds its log into the one file
    missing = {lost["sha256"] for lost in files["missing"]}
    anchors = sorted(settings.anchor_folder.glob("*")) if settings.anchor_folder.is_dir() else []
    members = {
        DATABASE: staging / DATABASE,
        **({KEY: settings.secret_file} if sealed else {}),
        **{f"{ANCHORS}/{path.name}": path for path in anchors if path.is_file()},
        **{f"{FILES}/{name}": store.path(name) for name in named if name not in missing},
    }
    manifest = {
        "format": FORMAT, "made_at": now.isoformat(), "schema": version, "pack": settings.pack, "key_inside": sealed,
        "from": runtime.database.engine.dialect.name, "database_sha256": sha256_of(staging / DATABASE),
        "tables": counted, "contents": len(named) - len(missing), "missing": files["missing"], "anchors": len(anchors),
    }  # fmt: skip
    return _Contents(members, manifest, sum(path.stat().st_size for path in members.values()))


def _named_contents(session: Session) -> list[str]:
    return list(session.scalars(select(Attachment.sha256).distinct().order_by(Attachment.sha256)))


def sha256_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _pack(file: Path, contents: _Contents, recipients: Sequence[str], progress: Progress) -> int:
    """Write aside, then move to its name: nobody finds half a backup under it. Return its size in bytes."""
    part = file.with_name(f".{file.name}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            with writing(out, recipients) as archive:
                _add(archive, contents, progress)
            out.flush()
            os.fsync(out.fileno())
        part.rename(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return file.stat().st_size


def _add(archive: tarfile.TarFile, contents: _Contents, progress: Progress) -> None:
    manifest = json.dumps(contents.manifest, ensure_ascii=False, indent=1).encode()
    described = tarfile.TarInfo(MANIFEST)
    described.size, described.mode = len(manifest), 0o600
    archive.addfile(described, io.BytesIO(manifest))
    with progress("bytes packed", contents.bytes) as done:
        for name, path in contents.members.items():
            member = tarfile.TarInfo(name)
            with path.open("rb") as file:
                member.size, member.mode = os.fstat(file.fileno()).st_size, 0o600
                archive.addfile(member, file)
            done(member.size)
