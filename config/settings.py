"""What an installation can set, read from the environment once and checked as a whole.

Every setting is a variable `DUBAN_<NAME>`; a variable that is set but empty counts as not set, and several URLs
stand with commas between them.

| variable              | default                       | meaning                                             |
|-----------------------|-------------------------------|-----------------------------------------------------|
| `DUBAN_HOME`          | `var`                         | data folder (database, files, logs, Prefect's home) |
| `DUBAN_HOST`          | `127.0.0.1`                   | address the web listens on                          |
| `DUBAN_PORT`          | `8000`                        | port the web listens on                             |
| `DUBAN_PREFECT_PORT`  | `DUBAN_PORT` + 1              | port of the sibling Prefect server, loopback only   |
| `DUBAN_DATABASE_URL`  | `sqlite:///<home>/duban.db`   | SQLite file or `postgresql+psycopg://` database     |
| `DUBAN_PACK`          | `tongcheng`                   | policy pack, a folder of `config/policies`          |
| `DUBAN_SECRET_FILE`   | `<home>/secret.key`           | keys that seal fields and sign                      |
| `DUBAN_NOTIFY_URLS`   | none                          | where notices go besides the inbox: apprise URLs  |
| `DUBAN_LOG_LEVEL`     | `INFO`                        | `DEBUG`, `INFO`, `WARNING` or `ERROR`               |
"""

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

PREFIX = "DUBAN_"
KNOWN_ELSEWHERE = frozenset({"DUBAN_TEST_DATA"})  # read by the tests only

_DATABASES = "use sqlite:///<file> or postgresql+psycopg://<user>:<password>@<host>/<database>"


class BadSettings(Exception):
    """The environment cannot be used; `problems` has one English sentence per mistake, each naming its variable."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(["bad settings:", *(f"  - {problem}" for problem in problems)]))
        self.problems = problems


def _absolute(value: Any) -> Path:
    return Path(value).expanduser().absolute()


def _hostname(value: Any) -> str:
    host = str(value).strip()
    if not re.fullmatch(r"[A-Za-z0-9.:-]+", host):
        raise ValueError("is no host name or IP address; give one such as 127.0.0.1 or 0.0.0.0")
    return host


def _pack_name(value: Any) -> str:
    name = str(value).strip()
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError("is no pack name; give a folder of config/policies, such as tongcheng or national")
    return name


def _database_url(value: Any) -> str:
    url = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", str(value).strip())  # the one driver there is
    if url.startswith("sqlite:///"):
        if url.removeprefix("sqlite:///").split("?")[0] in ("", ":memory:"):
            raise ValueError(f"names no database file, and several processes share it; {_DATABASES}")
    elif not url.startswith("postgresql+psycopg://") or not urlsplit(url).path.strip("/"):
        raise ValueError(f"is no database that can be used; {_DATABASES}")
    return url


def _apprise_urls(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    urls = tuple(part.strip() for part in parts if part.strip())
    bad = [number for number, url in enumerate(urls, 1) if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://\S", url)]
    if bad:
        raise ValueError(
            f"entry {', '.join(map(str, bad))} is no apprise URL; "
            "write <service>://<address>, such as mailtos://user:password@example.org, and commas between them"
        )
    return urls


def _upper(value: Any) -> str:
    return str(value).strip().upper()


Port = Annotated[int, Field(ge=1, le=65535)]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)]


class Settings(BaseModel):
    """One installation's settings; frozen, paths absolute, every default filled in.

    `database_url` and `notify_urls` may hold passwords, so neither shows in `repr`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    home: Annotated[Path, BeforeValidator(_absolute)] = Field(default=Path("var"), validate_default=True)
    host: Annotated[str, BeforeValidator(_hostname)] = "127.0.0.1"
    port: Port = 8000
    prefect_port: Port = 0
    database_url: Annotated[str, BeforeValidator(_database_url)] = Field(default="", repr=False)
    pack: Annotated[str, BeforeValidator(_pack_name)] = "tongcheng"
    secret_file: Annotated[Path, BeforeValidator(_absolute)] = Path()
    notify_urls: Annotated[tuple[str, ...], BeforeValidator(_apprise_urls)] = Field(default=(), repr=False)
    log_level: LogLevel = "INFO"

    @model_validator(mode="before")
    @classmethod
    def _derive_defaults(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Fill in what follows from other settings; where those are wrong, they are reported, not these."""
        values = dict(given)
        home = _absolute(values.get("home", "var"))
        values.setdefault("database_url", f"sqlite:///{home / 'duban.db'}")
        values.setdefault("secret_file", home / "secret.key")
        port = str(values.get("port", 8000))
        values.setdefault("prefect_port", int(port) + 1 if port.isdecimal() and int(port) < 65535 else 4200)
        return values

    @model_validator(mode="after")
    def _check_ports_differ(self) -> Self:
        if self.prefect_port == self.port:
            raise ValueError("DUBAN_PREFECT_PORT is the same as DUBAN_PORT; give the Prefect server a port of its own")
        return self

    def as_environ(self) -> dict[str, str]:
        """The variables that give a child process these same settings, wherever it runs."""
        values = {name: str(getattr(self, name)) for name in Settings.model_fields}
        values["notify_urls"] = ",".join(self.notify_urls)
        return {_variable(name): text for name, text in values.items()}


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `DUBAN_*` from `environ`. Raises `BadSettings` with all that is wrong, unknown names included."""
    given = {name: text for name, text in environ.items() if name.startswith(PREFIX) and name not in KNOWN_ELSEWHERE}
    fields = {_variable(name): name for name in Settings.model_fields}
    chosen = {fields[name]: text for name, text in given.items() if name in fields and text.strip()}
    problems = [_unknown(name, list(fields)) for name in sorted(given) if name not in fields]
    try:
        settings = Settings.model_validate(chosen)
    except ValidationError as error:
        problems += [_problem(detail["loc"], detail["type"], detail["msg"]) for detail in error.errors()]
    if problems:
        raise BadSettings(problems)
    return settings


def _variable(field: str) -> str:
    return PREFIX + field.upper()


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    mend = f"did you mean {near[0]}?" if near else f"remove it; known are {', '.join(sorted(known))}"
    return f"{name} is not a setting; {mend}"


def _problem(where: tuple[int | str, ...], kind: str, message: str) -> str:
    """Pydantic's complaint as a sentence that starts with the variable and never repeats its value."""
    text = message.removeprefix("Value error, ")
    if not where:
        return text
    field = str(where[0])
    if field in ("port", "prefect_port"):
        text = "is no port; give a whole number from 1 to 65535"
    if kind == "literal_error":
        text = "is no log level; give DEBUG, INFO, WARNING or ERROR"
    return f"{_variable(field)} {text}"
