"""Why a replay does not start, or stops. Nothing is left half done: what the run had made is removed."""

from typing import ClassVar

from services.db.errors import DubanError


class BadProfile(DubanError):
    """There is no such profile, or it does not say what a profile says."""

    code: ClassVar[str] = "bad_profile"
    status: ClassVar[int] = 422


class BadLog(DubanError):
    """The log cannot be read with this profile; `extra["problems"]` has one sentence for each mistake."""

    code: ClassVar[str] = "bad_log"
    status: ClassVar[int] = 422

    SHOWN = 10

    def __init__(self, name: str, problems: list[str]) -> None:
        shown = problems[: self.SHOWN]
        if more := len(problems) - len(shown):
            shown.append(f"… and {more} more")
        super().__init__("\n  ".join([f"{name} cannot be replayed:", *shown]), problems=problems)


class DatabaseUnfit(DubanError):
    """The database is not empty, or holds the replay of something else."""

    code: ClassVar[str] = "database_unfit"
    status: ClassVar[int] = 409


class ReplayRefused(DubanError):
    """The engine refuses a step of the log, or the replay cannot go where it was told to."""

    code: ClassVar[str] = "replay_refused"
    status: ClassVar[int] = 409
