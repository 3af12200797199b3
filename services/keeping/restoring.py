"""Backups put back into an empty place: unpacked aside, looked at as a whole, then moved in; the database comes last.

Until the database stands nothing does: a restore that was killed is cleared away by the next one.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from sqlalchemy.orm import Session

from config.settings import Settings
from services.db.session import Database
from services.documents.store import FileStore
from services.identity.sealing import Vault
from services.keeping.alone import unused
from services.keeping.archive import is_encrypted, reading
from services.keeping.backing import ANCHORS, DATABASE, FILES, FORMAT, KEY, MANIFEST, sha256_of
from services.keeping.checking import check
from services.keeping.errors import BackupUnusable, CopyDiffers, RestoreRefused, TargetNotEmpty
from services.keeping.progress import Progress, silent
from services.keeping.tables import Counted, digests, fill, filled, strangers
from services.migrations import upgrade

_STAGING, _PLACING = "restoring", "placing"
_MEMBER = re.compile(rf"{re.escape(DATABASE)}|{re.escape(KEY)}|{ANCHORS}/[A-Za-z0-9._-]+|{FILES}/[0-9a-f]{{64}}")


def restore(
    settings: Settings, file: Path, identity: Path | None = None, progress: Progress = silent
) -> dict[str, Any]:
    """Put a backup into the empty place that the settings name, on either kind of database.

    Returns {"made_at", "from", "rows", "contents", "anchors", "key_from", "check", "ok"}; `check` names what is
    missing or was not whole when the backup was made. Anchors that are in the folder of the settings stay, and count
    instead of those of the backup. Raises RestoreRefused, TargetNotEmpty, BackupUnusable, SourceInUse; then nothing
    has changed.
    """
    return _restore(settings, file, identity, progress)[0]


def verify_backup(
    settings: Settings, file: Path, identity: Path | None = None, progress: Progress = silent
) -> dict[str, Any]:
    """Restore into an empty place inside the data folder, compare with the manifest, and leave nothing behind.

    Returns what `restore` does, and in "differing" the tables that do not hold what they held.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="verifying-", dir=settings.home) as folder:
        home = Path(folder)
        known = {} if is_encrypted(file) else {"secret_file": settings.secret_file}
        place = Settings.model_validate({"home": home, "pack": settings.pack, **known})
        answer, wanted = _restore(place, file, identity, progress)
        with _opened(home / DATABASE) as session:
            counted = digests(session.connection(), progress, "rows compared")
    differing = sorted(name for name, of in wanted.items() if counted.get(name) != of)
    return {**answer, "differing": differing, "ok": answer["ok"] and not differing}


def _restore(
    settings: Settings, file: Path, identity: Path | None, progress: Progress
) -> tuple[dict[str, Any], Counted]:
    """Return the answer, and what the manifest says that the tables held."""
    with unused(settings.home, "a restore is for an empty place"):
        _clear_left(settings)
        _refuse_filled(settings)
        staging = settings.home / _STAGING
        try:
            staging.mkdir(mode=0o700)
            manifest = _unpack(file, identity, staging, progress)
            answer = _look(settings, staging, manifest, progress)
            _place(settings, staging, progress)
        finally:
            _clear_left(settings)
    return answer, manifest["tables"]


def _refuse_filled(settings: Settings) -> None:
    if found := _found_in_database(settings):
        raise TargetNotEmpty(f"the database is not empty ({found}); restore into an empty one")
    if _holds_files(settings.home / FILES):  # without a database they are somebody's, too
        raise TargetNotEmpty(f"{settings.home / FILES} is not empty; restore into an empty place")


def _holds_files(folder: Path) -> bool:
    return folder.is_dir() and any(path.is_file() for path in folder.rglob("*"))


def _found_in_database(settings: Settings) -> str:
    """Say what is in it; nothing where there is none yet."""
    if (file := _sqlite_file(settings)) is not None and not file.exists():
        return ""
    database = Database(settings.database_url)
    try:
        with database.read() as session:
            found, others = filled(session.connection()), strangers(session.connection())
    finally:
        database.close()
    return ", ".join([f"{name}: {rows}" for name, rows in sorted(found.items())] + others)


def _unpack(file: Path, identity: Path | None, staging: Path, progress: Progress) -> dict[str, Any]:
    with reading(file, identity) as members, progress("files unpacked", None) as done:
        name, content = next(members, ("", None))
        if name != MANIFEST or content is None:
            raise BackupUnusable(f"{file} is no backup made by duban: it does not begin with a manifest")
        manifest = _read_manifest(content)
        store = FileStore(staging / FILES)
        for name, content in members:
            _take(staging, store, name, content)
            done(1)
    if not (staging / DATABASE).exists() or sha256_of(staging / DATABASE) != manifest["database_sha256"]:
        raise BackupUnusable("the database in this backup is not the one its manifest speaks of")
    return manifest


def _read_manifest(content: IO[bytes]) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.load(content)
        known = manifest["format"]
    except (ValueError, KeyError, TypeError):
        raise BackupUnusable("the manifest of this backup cannot be read") from None
    if known != FORMAT:
        raise BackupUnusable(f"this is a backup of format {known}, this version reads {FORMAT}; use a newer one")
    return manifest


def _take(staging: Path, store: FileStore, name: str, content: IO[bytes]) -> None:
    """Unpack one member; what is damaged is found by its hash later."""
    if not _MEMBER.fullmatch(name):
        raise BackupUnusable(f"the backup holds {name}, which no backup has")
    target = staging / name
    if name.startswith(f"{FILES}/"):
        target = store.path(name.removeprefix(f"{FILES}/"))
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with target.open("xb") as out:
        target.chmod(0o600)
        shutil.copyfileobj(content, out, 2**20)


def _look(settings: Settings, staging: Path, manifest: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Bring the database to this version's schema, find the keys, and look at everything."""
    upgrade(f"sqlite:///{staging / DATABASE}")
    vault, key_from = _find_keys(settings, staging)
    with _opened(staging / DATABASE) as session:
        checked = check(session, FileStore(staging / FILES), vault, progress)
    if any(checked["key"].values()):
        raise RestoreRefused(f"the key file {settings.secret_file} is not the one of this backup; put that one there")
    known = {lost["sha256"] for lost in manifest["missing"]}
    if lost := [one["sha256"] for one in checked["files"]["missing"] if one["sha256"] not in known]:
        raise BackupUnusable(f"{len(lost)} files are damaged or missing in this backup: {', '.join(lost)}")
    rows = sum(of["rows"] for of in manifest["tables"].values())
    return {
        "made_at": manifest["made_at"], "from": manifest["from"], "rows": rows, "contents": manifest["contents"],
        "anchors": manifest["anchors"], "key_from": key_from, "check": checked, "ok": checked["ok"],
    }  # fmt: skip


def _find_keys(settings: Settings, staging: Path) -> tuple[Vault, str]:
    """The keys that are there already, else those in the backup."""
    if settings.secret_file.exists():
        return Vault(settings.secret_file), "place"
    if (staging / KEY).exists():
        return Vault(staging / KEY), "backup"
    raise RestoreRefused(
        f"{settings.secret_file} is missing, and this backup does not hold it (only encrypted ones do); "
        "put the installation's key file there first"
    )


def _place(settings: Settings, staging: Path, progress: Progress) -> None:
    """Move everything in, after noting what: until the database stands `_clear_left` undoes it."""
    placed = {staging / FILES: settings.home / FILES, staging / ANCHORS: settings.anchor_folder}
    placed = {source: to for source, to in placed.items() if source.exists() and not _holds_files(to)}
    (staging / _PLACING).write_text(json.dumps([str(to) for to in placed.values()]))
    for source, to in placed.items():
        shutil.rmtree(to, ignore_errors=True)  # it holds no file
        shutil.move(source, to)
    if not settings.secret_file.exists():
        _move(staging / KEY, settings.secret_file)
    if (file := _sqlite_file(settings)) is None:
        _fill(settings, staging / DATABASE, progress)
        return
    for ending in ("-wal", "-shm"):
        file.with_name(file.name + ending).unlink(missing_ok=True)
    _move(staging / DATABASE, file)


def _move(source: Path, to: Path) -> None:
    """All of it or nothing, also onto another disk."""
    to.parent.mkdir(parents=True, exist_ok=True)
    beside = to.with_name(f".{to.name}.restoring")
    shutil.move(source, beside)
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    beside.replace(to)


def _fill(settings: Settings, staged: Path, progress: Progress) -> None:
    """All rows in one transaction, compared before it is committed."""
    upgrade(settings.database_url)
    target = Database(settings.database_url)
    try:
        with _opened(staged) as source, target.write() as session:
            fill(source.connection(), session.connection(), progress)
            if digests(session.connection(), progress) != digests(source.connection(), progress):
                raise CopyDiffers("what arrived differs from the backup; nothing was kept")
    finally:
        target.close()


def _clear_left(settings: Settings) -> None:
    """Remove what a restore left behind, and what it had placed if its database never came to stand."""
    staging = settings.home / _STAGING
    placing = staging / _PLACING
    if placing.exists() and not _found_in_database(settings):
        for folder in json.loads(placing.read_text() or "[]"):
            shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def _opened(file: Path) -> Iterator[Session]:
    database = Database(f"sqlite:///{file}")
    try:
        with database.read() as session:
            yield session
    finally:
        database.close()


def _sqlite_file(settings: Settings) -> Path | None:
    url = settings.database_url
    return Path(url.removeprefix("sqlite:///").split("?")[0]) if url.startswith("sqlite:///") else None
