"""The refusals of importing a ledger."""

from typing import ClassVar

from services.db.errors import DubanError


class ImportRefused(DubanError):
    """The import cannot begin.

    `extra["why"]` is no_units, unknown_unit, unknown_person, nobody_to_act or same_person.
    """

    code: ClassVar[str] = "import_refused"
    status: ClassVar[int] = 409

    def __init__(self, why: str, text: str, zh: str) -> None:
        super().__init__(text, zh, why=why)


class NobodyToAct(DubanError):
    """A row needs somebody with a role at a unit where nobody holds it."""

    code: ClassVar[str] = "nobody_to_act"
    status: ClassVar[int] = 409
