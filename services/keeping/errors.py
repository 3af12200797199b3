"""What copying, backing up and restoring refuse."""

from typing import ClassVar

from services.db.errors import DubanError


class SourceInUse(DubanError):
    """A web or a clock works on the data folder: what it writes after the copy would be lost."""

    code: ClassVar[str] = "source_in_use"
    status: ClassVar[int] = 409


class WrongDatabase(DubanError):
    """This command does not work between these two kinds of database, or these versions."""

    code: ClassVar[str] = "wrong_database"
    status: ClassVar[int] = 409


class TargetNotEmpty(DubanError):
    """What is to be filled holds something already; nothing was changed."""

    code: ClassVar[str] = "target_not_empty"
    status: ClassVar[int] = 409


class CopyDiffers(DubanError):
    """The copy is not what it was made from; it is not put to use."""

    code: ClassVar[str] = "copy_differs"
    status: ClassVar[int] = 500


class CannotBackUp(DubanError):
    """The backup cannot be written; no file was left behind."""

    code: ClassVar[str] = "cannot_back_up"
    status: ClassVar[int] = 409


class BackupUnusable(DubanError):
    """The file is no whole backup, or cannot be opened with what was given; nothing was changed."""

    code: ClassVar[str] = "backup_unusable"
    status: ClassVar[int] = 409


class RestoreRefused(DubanError):
    """It would replace or mix with something; nothing was changed."""

    code: ClassVar[str] = "restore_refused"
    status: ClassVar[int] = 409
