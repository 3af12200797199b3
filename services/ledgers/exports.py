"""Exports of the ledger: small ones at once, large ones written aside while their owner watches, and kept for a day."""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, ClassVar
from urllib.parse import parse_qsl, urlencode

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.db.rows import insert_ids
from services.engine.core import Engine
from services.engine.errors import Conflict
from services.engine.queries.matters import count_matters
from services.identity.access import Actor
from services.identity.errors import NotFound
from services.ledgers.asking import Asking, read_asking
from services.ledgers.exporting import write_ledger
from services.ledgers.models import Export, ExportState
from services.runtime import Runtime

log = structlog.get_logger("ledger")

AT_ONCE = 2000
"""Up to so many rows are sent as soon as they are asked for."""
KEPT_FOR = timedelta(days=1)
DEAD_AFTER = timedelta(minutes=2)
"""A batch takes a fraction of a second: who has not shown a sign of life for so long was cut off."""
AT_A_TIME = 2
"""How many are written at once by one process; the others wait their turn."""
_hands = threading.BoundedSemaphore(AT_A_TIME)


class ExportRunning(Conflict):
    """A person has one large export at a time."""

    code: ClassVar[str] = "export_running"

    def __init__(self) -> None:
        super().__init__(
            "an export of yours is being written; wait for it or cancel it",
            "您的上一次导出尚未完成，请等待完成或先取消",
        )


class ExportGone(NotFound):
    """No such export of this person, or its file is not there (any more)."""

    code: ClassVar[str] = "export_gone"

    def __init__(self) -> None:
        super().__init__("there is no such file; export again", "导出文件不存在或已过期，请重新导出。")


def count_asked(session: Session, engine: Engine, actor: Actor, asking: Asking, now: datetime) -> int:
    """Count what the asked ledger has for this actor."""
    only = asking.conditions(session, engine, actor, now)
    return count_matters(session, engine, actor, now, filters=asking.filters, only=only)


def export_now(runtime: Runtime, engine: Engine, actor: Actor, asking: Asking, now: datetime, file: IO[bytes]) -> int:
    """Write a small export into an open file; the record of it stays. Return the number of rows."""
    assert actor.id is not None
    with runtime.database.write() as session:
        (export_id,) = insert_ids(session, Export, [_row(actor.id, asking, 0, now, ExportState.DONE)])
    written = write_ledger(runtime.database, engine, actor.id, asking, now, file, export_id=export_id)
    with runtime.database.write() as session:
        session.execute(update(Export).where(Export.id == export_id).values(total=written, written=written))
    log.info("ledger exported", by=actor.id, name=actor.name, export=export_id, rows=written, **asking.address)
    return written


def begin_export(runtime: Runtime, engine: Engine, actor: Actor, asking: Asking, total: int, now: datetime) -> int:
    """Begin a large export in a thread of its own; return its id. Raises ExportRunning."""
    assert actor.id is not None
    tidy_up(runtime, now)
    with runtime.database.write() as session:
        running = Export.person_id == actor.id, Export.state == ExportState.RUNNING
        if session.scalar(select(Export.id).where(*running)) is not None:
            raise ExportRunning
        file = f"{secrets.token_hex(16)}.xlsx"
        (export_id,) = insert_ids(session, Export, [_row(actor.id, asking, total, now, ExportState.RUNNING, file)])
    log.info("export begun", by=actor.id, name=actor.name, export=export_id, rows=total, **asking.address)
    writing = threading.Thread(target=write_aside, args=(runtime, engine, export_id), name="export", daemon=True)
    writing.start()
    return export_id


def write_aside(runtime: Runtime, engine: Engine, export_id: int) -> None:
    """Write a large export into its file, which appears under its name once it is whole."""
    with runtime.database.read() as session:
        export = session.get_one(Export, export_id)
    assert export.file is not None
    beat = _Beat(runtime, export)
    folder = _folder(runtime)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    whole = folder / export.file
    part = whole.with_suffix(".part")
    try:
        asking = read_asking(engine, dict(parse_qsl(export.address)))
        with _a_free_hand(beat), part.open("xb") as file:
            write_ledger(
                runtime.database, engine, export.person_id, asking, export.asked_at, file,
                export_id=export_id, go_on=beat,
            )  # fmt: skip
        if beat(beat.written):
            part.rename(whole)
            beat.end(ExportState.DONE)
    except Exception:
        log.exception("export_failed", export=export_id)
        beat.end(ExportState.FAILED)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _a_free_hand(beat: "_Beat") -> Iterator[None]:
    """Wait for one's turn, showing that one is alive."""
    while not _hands.acquire(timeout=DEAD_AFTER.total_seconds() / 4):
        beat(0)
    try:
        yield
    finally:
        _hands.release()


class _Beat:
    """Called after each batch: notes how far it is, and asks whether to go on."""

    def __init__(self, runtime: Runtime, export: Export) -> None:
        self._runtime, self._export, self._began = runtime, export, time.monotonic()
        self.written = 0

    def __call__(self, written: int) -> bool:
        self.written = written
        return self._note(written=written, beat_at=self._now())

    def end(self, state: ExportState) -> None:
        # what others did meanwhile may have made it more or less
        self._note(state=state, ended_at=self._now(), total=self.written)

    def _note(self, **columns: Any) -> bool:
        """Write it down while the export runs; false once it does not any more."""
        with self._runtime.database.write() as session:
            mine = Export.id == self._export.id, Export.state == ExportState.RUNNING
            changed = session.execute(update(Export).where(*mine).values(**columns).returning(Export.id))
            return changed.first() is not None

    def _now(self) -> datetime:
        return self._export.asked_at + timedelta(seconds=time.monotonic() - self._began)


def latest_export(session: Session, actor: Actor, now: datetime) -> Export | None:
    """Return the actor's latest large export while its owner may want to know of it."""
    recent = Export.person_id == actor.id, Export.asked_at > now - KEPT_FOR, Export.file.is_not(None)
    return session.scalars(select(Export).where(*recent).order_by(Export.id.desc()).limit(1)).first()


def cancel_export(session: Session, actor: Actor, export_id: int, now: datetime) -> None:
    """Stop an export of one's own at its next batch; nothing happens where it has ended. Raises ExportGone."""
    _own(session, actor, export_id)
    session.execute(
        update(Export)
        .where(Export.id == export_id, Export.state == ExportState.RUNNING)
        .values(state=ExportState.CANCELLED, ended_at=now)
    )


def open_export(runtime: Runtime, session: Session, actor: Actor, export_id: int, now: datetime) -> IO[bytes]:
    """Open the file of one's own finished export; raise ExportGone."""
    export = _own(session, actor, export_id)
    if export.state != ExportState.DONE or export.file is None or export.asked_at <= now - KEPT_FOR:
        raise ExportGone
    try:
        return (_folder(runtime) / export.file).open("rb")
    except FileNotFoundError:
        raise ExportGone from None


def tidy_up(runtime: Runtime, now: datetime) -> int:
    """Fail exports whose process died, and delete files older than a day; return how many files went."""
    with runtime.database.write() as session:
        session.execute(
            update(Export)
            .where(Export.state == ExportState.RUNNING, Export.beat_at < now - DEAD_AFTER)
            .values(state=ExportState.FAILED, ended_at=now)
        )
        kept = set(session.scalars(select(Export.file).where(Export.asked_at > now - KEPT_FOR)))
    gone = [file for file in _folder(runtime).glob("*.*") if file.with_suffix(".xlsx").name not in kept]
    for file in gone:
        file.unlink(missing_ok=True)
    return len(gone)


def _row(
    person_id: int, asking: Asking, total: int, now: datetime, state: ExportState, file: str | None = None
) -> dict[str, Any]:
    return {
        "person_id": person_id, "address": urlencode(asking.address), "state": state, "total": total, "written": 0,
        "asked_at": now, "beat_at": now, "ended_at": now if state is ExportState.DONE else None, "file": file,
    }  # fmt: skip


def _own(session: Session, actor: Actor, export_id: int) -> Export:
    export = session.get(Export, export_id)
    if export is None or export.person_id != actor.id:
        raise ExportGone
    return export


def _folder(runtime: Runtime) -> Path:
    return runtime.settings.home / "exports"
