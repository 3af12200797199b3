"""Refusals that only the command line makes."""

from typing import ClassVar

from services.db.errors import DubanError


class NotMigrated(DubanError):
    """The database has another schema than this version works with."""

    code: ClassVar[str] = "not_migrated"
    status: ClassVar[int] = 500

    def __init__(self) -> None:
        super().__init__("the database is not at this version's schema; run: duban db upgrade")


class BadArgument(DubanError):
    """What was typed cannot be read or does not exist; the text says what would do."""

    code: ClassVar[str] = "bad_argument"
