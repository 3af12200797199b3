"""Whether an installation is whole: chains, files, and the keys its contents ask for."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.administration import record
from services.documents.store import FileStore
from services.engine import journal
from services.engine.models import Attachment, Entry, Text
from services.identity.models import Sealed
from services.identity.sealing import Vault
from services.keeping.progress import Progress, silent

_AT_ONCE = 500


def check(session: Session, store: FileStore, vault: Vault | None, progress: Progress = silent) -> dict[str, Any]:
    """Look at everything; return {"journal", "administration", "files", "key", "ok"}.

    `files` names each missing or damaged content; `key` says how many signatures and sealed texts the keys do not
    fit, and is None where there are no keys to look with.
    """
    with progress("journal entries", session.scalar(select(func.count(Entry.seq)))) as done:
        chains = journal.verify(session, progress=done)
    deeds = record.verify(session)
    files = check_files(session, store, progress)
    key = None if vault is None else check_key(session, vault)
    ok = chains["ok"] and deeds["ok"] and not files["missing"] and (key is None or not any(key.values()))
    return {"journal": chains, "administration": deeds, "files": files, "key": key, "ok": ok}


def check_files(session: Session, store: FileStore, progress: Progress = silent) -> dict[str, Any]:
    """Hash each content that attachments name; return {"contents", "bytes", "missing": [{"sha256", "attachments"}]}."""
    named: dict[str, list[int]] = {}
    sizes: dict[str, int] = {}
    for row in session.execute(select(Attachment.sha256, Attachment.id, Attachment.size).order_by(Attachment.id)):
        named.setdefault(row.sha256, []).append(row.id)
        sizes[row.sha256] = row.size
    missing = []
    with progress("files", len(named)) as done:
        for sha256, ids in named.items():
            if not store.is_whole(sha256):
                missing.append({"sha256": sha256, "attachments": ids})
            done(1)
    return {"contents": len(named), "bytes": sum(sizes.values()), "missing": missing}


def check_key(session: Session, vault: Vault) -> dict[str, int]:
    """Count the kept texts whose signature, and the sealed texts whose seal, these keys did not make."""
    texts = session.execute(select(Text.text, Text.signature)).all()
    unsigned = sum(not vault.verify(f"version\n{kept.text}", kept.signature) for kept in texts)
    return {"not_signed_by_it": unsigned, "not_sealed_by_it": _count_foreign(session, vault.knows)}


def _count_foreign(session: Session, knows: Callable[[bytes], bool]) -> int:
    sealed = session.scalars(select(Sealed.ciphertext).execution_options(yield_per=_AT_ONCE))
    return sum(not knows(ciphertext) for ciphertext in sealed)
