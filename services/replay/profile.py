"""A profile says how one kind of event log is read: a small TOML file in `config/profiles`."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from services.replay.errors import BadProfile

PROFILES = Path(__file__).parents[2] / "config" / "profiles"

ISO = "iso"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Columns(Strict):
    """Which column of the log holds what. The last seven say the same in every row of a case; `end` may be empty."""

    time: str
    activity: str
    resource: str
    case: str
    start: str
    end: str
    deadline: str
    responsible: str
    unit: str
    channel: str


class Officer(Strict):
    """Somebody whom the log does not name and the procedure needs, with his roles in the whole county."""

    name: str
    roles: tuple[str, ...] = Field(min_length=1)


class Staff(Strict):
    """The registrar registers, accepts, proposes and archives; the approver approves; the others are escalated to.

    `handler_roles` are given to everybody the log names, on the units whose cases he works on.
    """

    registrar: Officer
    approver: Officer
    others: tuple[Officer, ...] = ()
    handler_roles: tuple[str, ...] = Field(min_length=1)


class Profile(Strict):
    """How a log is read. `time_format` is "iso" or a `strptime` pattern; `timezone` is that of times without one.

    `units` names the departments, by what the log calls them; `channels` gives a channel of the pack for each of
    the log's. `answers` are the fixed answers of each step's form; what the log tells goes over them.
    """

    title: str
    source: str = ""
    delimiter: str = Field(",", min_length=1, max_length=1)
    time_format: str = ISO
    timezone: str | None = None
    columns: Columns
    county: str
    units: dict[str, str] = Field(min_length=1)
    channels: dict[str, str] = Field(min_length=1)
    staff: Staff
    answers: Mapping[
        Literal["open", "accept", "propose", "approve", "note_progress", "complete", "archive"], dict[str, Any]
    ]

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        try:
            _ = name and ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name} is no time zone; give one such as Asia/Shanghai") from error
        return name

    def read_time(self, text: str) -> datetime:
        """Return the aware instant; ValueError if the text is none in the profile's format."""
        read = datetime.fromisoformat(text) if self.time_format == ISO else datetime.strptime(text, self.time_format)
        if read.tzinfo is not None:
            return read
        if self.timezone is None:
            raise ValueError("it has no UTC offset, and the profile no timezone")
        return read.replace(tzinfo=ZoneInfo(self.timezone))


def load_profile(name: str) -> Profile:
    """Read a profile by its name in `config/profiles`, or from any file that ends in .toml; raise BadProfile."""
    known = sorted(path.stem for path in PROFILES.glob("*.toml"))
    if not name.endswith(".toml") and name not in known:
        raise BadProfile(f"there is no profile {name!r}; there are {', '.join(known)}, or name a .toml file")
    path = Path(name) if name.endswith(".toml") else PROFILES / f"{name}.toml"
    try:
        return Profile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadProfile(f"profile {path.name} cannot be read: {error}") from error
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise BadProfile("\n  ".join([f"profile {path.name} is not right:", *wrong])) from error
