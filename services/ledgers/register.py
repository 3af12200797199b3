"""Which rows of ledgers are petitions already."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.engine.models import Matter
from services.identity.models import Unit
from services.ledgers.reasons import Reason, reason
from services.ledgers.rows import LedgerRow, digest

_KIND = "ledger"


class Register:
    """The petitions that were imported, by their rows' content and by their places in ledgers.

    Making one takes the importers' turn until the transaction ends: of two imports at once the second sees what the
    first did.
    """

    def __init__(self, session: Session) -> None:
        # not a plain FOR UPDATE: whoever registers a petition by hand meanwhile refers to this row too
        session.execute(select(Unit.id).where(Unit.parent_id.is_(None)).with_for_update(key_share=True))
        imported = select(Matter.external_ref, Matter.number).where(Matter.external_ref.startswith(f"{_KIND}:"))
        self._keys: set[str] = set()
        self._places: dict[str, str] = {}
        for reference, number in session.execute(imported).tuples():
            self._note(str(reference), number)

    def has(self, row: LedgerRow) -> bool:
        """Whether this very petition was imported before, from whichever file."""
        return row.key in self._keys

    def objections(self, row: LedgerRow) -> list[Reason]:
        """A reason if the row's number in its ledger stands for another petition that was imported."""
        taken = self._places.get(_place(row))
        if taken is None or self.has(row):
            return []
        return [reason("number_used_twice", value=row.number, zh_at=f"已导入的{taken}", en_at=f"imported as {taken}")]

    def reference(self, row: LedgerRow) -> str:
        """The `external_ref` of the petition made from the row."""
        return f"{_KIND}:{_place(row)}:{row.key}"

    def add(self, row: LedgerRow, number: str) -> None:
        """Remember a petition imported just now."""
        self._note(self.reference(row), number)

    def _note(self, reference: str, number: str) -> None:
        _, place, key = reference.split(":")
        self._keys.add(key)
        self._places[place] = number


def _place(row: LedgerRow) -> str:
    return digest(row.ledger, row.number)[:32]
