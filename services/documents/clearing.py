"""Clears away files that were uploaded for a form that was never sent."""

from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from services.documents.store import FileStore
from services.engine.models import Attachment
from services.runtime import Runtime

KEPT_FOR = timedelta(days=14)
"""Drafts live for a week in the browser; what they hold outlives them by another."""

SETTLED = timedelta(days=1)
"""A content younger than this may belong to an upload whose row is not written yet."""

_BATCH = 500


def clear_unused(runtime: Runtime, now: datetime) -> dict[str, Any]:
    """Forget uploads that no action used, remove contents that no row speaks of, and what was cut short while coming
    in; return how many of each.

    Safe to call twice and to kill: what one run leaves, the next finds.
    """
    unused = Attachment.matter_id.is_(None), Attachment.uploaded_at < now - KEPT_FOR
    with runtime.database.write() as session:
        forgotten = len(session.execute(delete(Attachment).where(*unused).returning(Attachment.id)).all())
    store, removed = FileStore.of(runtime), 0
    old = store.untouched_since(now - SETTLED)
    while some := list(islice(old, _BATCH)):
        with runtime.database.read() as session:
            unknown = set(some) - _known(session, some)
        for sha256 in unknown:
            store.remove(sha256)
        removed += len(unknown)
    return {"uploads": forgotten, "files": removed, "unfinished": store.drop_unfinished(now - SETTLED)}


def _known(session: Session, contents: list[str]) -> set[str]:
    return set(session.scalars(select(Attachment.sha256).where(Attachment.sha256.in_(contents))))
