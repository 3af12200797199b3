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


class SeveralMachines(DubanError):
    """A command of one machine on an installation of several."""

    code: ClassVar[str] = "several_machines"

    def __init__(self) -> None:
        super().__init__(
            "DUBAN_PREFECT_API_URL is set, so this is one of several machines: use duban web, duban worker and duban "
            "watch; or leave that setting out to run everything on this machine alone"
        )


class OneMachine(DubanError):
    """A command of several machines on an installation of one."""

    code: ClassVar[str] = "one_machine"

    def __init__(self) -> None:
        super().__init__(
            "this installation is one machine, where duban serve does everything; for several set DUBAN_DATABASE_URL "
            "to PostgreSQL and DUBAN_PREFECT_API_URL to their Prefect server, see deploy/README.md"
        )
