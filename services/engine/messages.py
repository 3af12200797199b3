"""In-app messages, written in the transaction that causes them; their mail and chat copies leave later."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from services.db.rows import insert_rows
from services.engine.models import Message


def message_rows(
    people: Iterable[int | None], matter_id: int | None, kind: str, text: str, now: datetime
) -> list[dict[str, Any]]:
    return [
        {"person_id": person, "matter_id": matter_id, "kind": kind, "text": text, "made_at": now, "read_at": None,
         "sent_at": None, "next_try_at": now, "attempts": 0, "last_error": None}
        for person in dict.fromkeys(people) if person is not None
    ]  # fmt: skip


def send(session: Session, rows: list[dict[str, Any]]) -> None:
    if rows:
        insert_rows(session, Message, rows)
