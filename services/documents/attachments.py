"""Attachments: uploaded at once, bound to a matter by the action that uses them, read only through it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from sqlalchemy.orm import Session

from services.documents.kinds import clean_name, recognise
from services.documents.store import FileStore, Kept
from services.engine.core import Engine
from services.engine.errors import MatterNotFound, NotPermitted
from services.engine.models import Attachment
from services.engine.visibility import find_visible
from services.identity.access import Actor
from services.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Received:
    """A file in the store that no row speaks of yet."""

    kept: Kept
    name: str
    media_type: str


def store_upload(
    session: Session, runtime: Runtime, actor: Actor, name: str, stream: BinaryIO, now: datetime
) -> Attachment:
    """Receive and record in one go; see `receive` and `record`."""
    return record(session, receive(runtime, name, stream), actor, now)


def receive(runtime: Runtime, name: str, stream: BinaryIO) -> Received:
    """Put a stream into the store, outside any transaction: it may be slow. Raises UploadTooLarge, UploadRefused."""
    with FileStore.of(runtime).incoming(stream) as incoming:
        kind = recognise(incoming.file, name)
        return Received(incoming.keep(), clean_name(name, kind), kind.media_type)


def record(session: Session, received: Received, actor: Actor, now: datetime) -> Attachment:
    """Add the row of a received file; until an action uses it, only whoever uploaded it can."""
    if actor.id is None:
        raise NotPermitted("only people upload files", "附件须由工作人员上传")
    attachment = Attachment(
        matter_id=None, sha256=received.kept.sha256, name=received.name, size=received.kept.size,
        media_type=received.media_type, uploaded_by=actor.id, uploaded_at=now,
    )  # fmt: skip
    session.add(attachment)
    session.flush()
    return attachment


@contextmanager
def open_attachment(
    session: Session, engine: Engine, runtime: Runtime, actor: Actor, attachment_id: int
) -> Iterator[tuple[Attachment, BinaryIO]]:
    """Open a file of a matter the actor may know of, or his own that no action has used yet.

    Raises MatterNotFound for all others, whether they exist or not, and FileDamaged.
    """
    attachment = session.get(Attachment, attachment_id)
    if attachment is None:
        raise MatterNotFound
    if attachment.matter_id is not None:
        find_visible(session, engine, actor, attachment.matter_id)
    elif attachment.uploaded_by != actor.id:
        raise MatterNotFound
    with FileStore.of(runtime).open(attachment.sha256) as file:
        yield attachment, file
