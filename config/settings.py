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
| `DUBAN_LOG_FORMAT`    | `text`                        | `text` for people or `json` for a collector         |
| `DUBAN_METRICS_TOKEN` | none                          | lets others than this machine itself read /metrics  |
| `DUBAN_OTLP_ENDPOINT` | none                          | where traces go: an OTLP/HTTP collector's address   |
| `DUBAN_BACKUP_FOLDER` | `<home>/backups`              | where nightly backups go; another disk is better    |
| `DUBAN_BACKUP_KEEP`   | `7`                           | how many of them are kept; 0: none are made         |
| `DUBAN_BACKUP_RECIPIENTS` | none                      | age public keys that nightly backups are encrypted to |
| `DUBAN_ANCHOR_FOLDER` | `<home>/anchors`              | where the journal is anchored daily                 |
| `DUBAN_PREFECT_API_URL` | none: one machine           | set: several machines; their Prefect server's API   |
| `DUBAN_PREFECT_AUTH`  | none                          | `user:password` that this server asks for           |
| `DUBAN_PROXIES`       | `127.0.0.1`                   | proxies whose word on a caller's address is taken   |
"""

import difflib
import os
import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

PREFIX = "DUBAN_"
KNOWN_ELSEWHERE = frozenset({"DUBAN_TEST_DATA", "DUBAN_TEST_REPEATS", "DUBAN_TEST_FIGURES"})  # read by the tests only

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


def _lower(value: Any) -> str:
    return str(value).strip().lower()


def _http_url(value: Any) -> str:
    url = str(value).strip().rstrip("/")
    if not re.match(r"https?://\S", url):
        raise ValueError("is no address of a collector; write http://127.0.0.1:4318")
    return url


def _long_token(value: Any) -> str:
    token = str(value).strip()
    if not re.fullmatch(r"[!-~]{16,}", token):
        raise ValueError("is too short; give at least 16 characters without blanks")
    return token


def _age_recipients(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    keys = tuple(part.strip() for part in parts if part.strip())
    if not all(re.fullmatch(r"age1[a-z0-9]{20,}", key) for key in keys):
        raise ValueError("is no list of age public keys (age1…); make a pair with: duban backup-key FILE")
    return keys


def _api_url(value: Any) -> str:
    url = str(value).strip().rstrip("/")
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc):
        raise ValueError("is no address of a Prefect API; write http://host:4200/api, and log in by DUBAN_PREFECT_AUTH")
    return url if not url or url.endswith("/api") else f"{url}/api"


def _user_and_password(value: Any) -> str:
    text = str(value).strip()
    if text and not re.fullmatch(r"[^:\s]+:\S+", text):
        raise ValueError("is no log-in of the Prefect server; write user:password")
    return text


def _addresses(value: Any) -> str:
    parts = [part.strip() for part in str(value).split(",") if part.strip()]
    for part in parts:
        try:
            ip_network(part)
        except ValueError:
            raise ValueError(
                "names something else than IP addresses; write such as 127.0.0.1,10.0.0.5 or 10.0.0.0/24"
            ) from None
    return ",".join(parts)


def _upper(value: Any) -> str:
    return str(value).strip().upper()


Port = Annotated[int, Field(ge=1, le=65535)]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)]
LogFormat = Annotated[Literal["text", "json"], BeforeValidator(_lower)]


class Settings(BaseModel):
    """One installation's settings; frozen, paths absolute, every default filled in.

    `database_url`, `notify_urls` and `prefect_auth` may hold passwords, so none of them shows in `repr`.
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
    log_format: LogFormat = "text"
    metrics_token: Annotated[str, BeforeValidator(_long_token)] = Field(default="", repr=False)
    otlp_endpoint: Annotated[str, BeforeValidator(_http_url)] = Field(default="", repr=False)
    backup_folder: Annotated[Path, BeforeValidator(_absolute)] = Path()
    backup_keep: Annotated[int, Field(ge=0, le=1000)] = 7
    backup_recipients: Annotated[tuple[str, ...], BeforeValidator(_age_recipients)] = ()
    anchor_folder: Annotated[Path, BeforeValidator(_absolute)] = Path()
    prefect_api_url: Annotated[str, BeforeValidator(_api_url)] = ""
    prefect_auth: Annotated[str, BeforeValidator(_user_and_password)] = Field(default="", repr=False)
    proxies: Annotated[str, BeforeValidator(_addresses)] = "127.0.0.1"

    @model_validator(mode="before")
    @classmethod
    def _derive_defaults(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Fill in what follows from other settings; where those are wrong, they are reported, not these."""
        values = dict(given)
        home = _absolute(values.get("home", "var"))
        values.setdefault("database_url", f"sqlite:///{home / 'duban.db'}")
        values.setdefault("secret_file", home / "secret.key")
        values.setdefault("backup_folder", home / "backups")
        values.setdefault("anchor_folder", home / "anchors")
        port = str(values.get("port", 8000))
        values.setdefault("prefect_port", int(port) + 1 if port.isdecimal() and int(port) < 65535 else 4200)
        return values

    @model_validator(mode="after")
    def _check_ports_differ(self) -> Self:
        if self.prefect_port == self.port:
            raise ValueError("DUBAN_PREFECT_PORT is the same as DUBAN_PORT; give the Prefect server a port of its own")
        return self

    @model_validator(mode="after")
    def _check_several_machines_share_a_database(self) -> Self:
        if self.several_machines and self.database_url.startswith("sqlite:"):
            raise ValueError(
                "DUBAN_PREFECT_API_URL is set, so several machines share one database, and SQLite is a file of one; "
                "set DUBAN_DATABASE_URL to a PostgreSQL database, or leave DUBAN_PREFECT_API_URL out"
            )
        return self

    @property
    def several_machines(self) -> bool:
        """Whether flows are Prefect deployments run by workers; else one machine's clock wakes them."""
        return bool(self.prefect_api_url)

    def as_environ(self) -> dict[str, str]:
        """The variables that give a child process these same settings, wherever it runs."""
        values = {name: getattr(self, name) for name in Settings.model_fields}
        return {_variable(name): ",".join(v) if isinstance(v, tuple) else str(v) for name, v in values.items()}


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
    if field == "backup_keep":
        text = "is no number of backups; give a whole number from 0 to 1000"
    if kind == "literal_error":
        text = "is no log level; give DEBUG, INFO, WARNING or ERROR"
        text = "is no format; give text or json" if field == "log_format" else text
    return f"{_variable(field)} {text}"
