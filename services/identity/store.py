"""Sealed texts of matters in the database. Permission and journal are the caller's: the engine's."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.db.rows import insert_rows
from services.identity.models import Sealed
from services.identity.sealing import Vault


def seal_fields(session: Session, vault: Vault, matter_id: int, texts: Mapping[str, str], now: datetime) -> None:
    """Seal each named text for the matter; one sealed before under that name stays, but counts no more."""
    sealed = {name: vault.seal(text, _context(matter_id, name)) for name, text in texts.items()}
    rows = [{"matter_id": matter_id, "name": n, "ciphertext": c, "created_at": now} for n, c in sealed.items()]
    insert_rows(session, Sealed, rows)


def open_field(session: Session, vault: Vault, matter_id: int, name: str) -> str | None:
    """The newest text sealed under this name, or None if there is none. Raises `SealBroken`."""
    newest = (
        select(Sealed.ciphertext)
        .where(Sealed.matter_id == matter_id, Sealed.name == name)
        .order_by(Sealed.id.desc())
        .limit(1)
    )
    ciphertext = session.scalar(newest)
    return None if ciphertext is None else vault.open(ciphertext, _context(matter_id, name))


def _context(matter_id: int, name: str) -> str:
    return f"matter {matter_id} field {name}"
