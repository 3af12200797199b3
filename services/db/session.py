"""The one way to the database: `Database(url)` with `read()` and `write()`."""

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from sqlalchemy import URL, Connection, Engine, RootTransaction, Select, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, InvalidRequestError, OperationalError
from sqlalchemy.orm import Session, SessionTransaction

from services.db.base import JSON_BY
from services.db.errors import DubanError
from services.db.failures import CommitLost
from services.db.together import READS, Row, read_alone, sent_within
from services.db.trips import Driver

BUSY_SECONDS = 20.0
"""How long a writer waits for another before it gives up."""

POOL: dict[str, Any] = {"pool_size": 10, "max_overflow": 30, "pool_timeout": BUSY_SECONDS}
"""As many connections as the web has worker threads (AnyIO's 40); a quarter of them is kept open."""

PING_AFTER = 1.0
"""Seconds of rest after which a connection to PostgreSQL is tried before it is used."""

# an error's text goes to logs, where no answer of a form belongs
_OPTIONS: dict[str, Any] = {**POOL, **JSON_BY, "hide_parameters": True}
_MODE = "duban_mode"
_MEND = "write sqlite:///path/to/duban.db or postgresql://user@host/name"


class UnusableDatabase(DubanError):
    """The database URL is not one Duban can work on."""

    code: ClassVar[str] = "unusable_database"
    status: ClassVar[int] = 500


class DatabaseBusy(DubanError):
    """Another writer held SQLite longer than `BUSY_SECONDS`; nothing was changed, trying again is safe."""

    code: ClassVar[str] = "database_busy"
    status: ClassVar[int] = 503

    def __init__(self) -> None:
        super().__init__(
            f"another writer held the database for more than {BUSY_SECONDS:.0f} s; try again",
            "系统繁忙，本次操作未生效，请稍后重试。",
        )


class Database:
    """A database and its connections; one per URL and process is enough, and it may be shared by threads.

    `url` is `sqlite:///path` (the folder is made if missing) or `postgresql://…` (psycopg is implied);
    anything else raises `UnusableDatabase`.
    """

    def __init__(self, url: str | URL) -> None:
        self.url = _parse(url)
        self._turn: AbstractContextManager[None] = nullcontext()  # PostgreSQL locks rows: no queue there
        if _is_sqlite(self.url):
            self.engine = _open_sqlite(self.url)
            self._turn = _Turn.of(_file(self.url))
        else:
            self.engine = _open_postgres(self.url)
        self._reading = self.engine.execution_options(postgresql_readonly=True, **{_MODE: "read"})
        self._writing = self.engine.execution_options(**{_MODE: "write"})

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads, on one snapshot (SQLite) or per statement (PostgreSQL).

        A change made through it raises SQLAlchemy's `OperationalError` or `InternalError`, at the latest on
        leaving.
        """
        with self._reading.connect() as connection, connection.begin(), _Within(connection, reads=True) as session:
            yield session
            session.flush()  # what nobody flushed fails here

    def ask(self, query: Select[Any], values: Mapping[str, Any]) -> list[Row]:
        """Run one query in a transaction of its own and return its rows by column name."""
        return read_alone(self._reading, query, values)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session in one transaction: committed on leaving, rolled back on any error, never ended by hand.

        On SQLite it is the only writer from its first moment. Raises `DatabaseBusy` if its turn never comes,
        `CommitLost` if the connection broke while committing, and `RuntimeError` for a `write()` inside a `write()`,
        which could only wait for itself.
        """
        committing = False
        try:
            with (
                self._turn, self._writing.connect() as connection, _begin(connection), _Within(connection) as session
            ):  # fmt: skip
                yield session
                session.flush()  # what fails here is known to have changed nothing
                committing = True
        except DBAPIError as error:
            if committing and error.connection_invalidated:
                raise CommitLost(str(error.orig)) from error
            raise

    def close(self) -> None:
        """Close all idle connections; the object stays usable."""
        self.engine.dispose()


class _Within(Session):
    """A session in a transaction that the block around it begins and ends.

    Most need none of a session's own, which costs twice as much as the connection's.
    """

    def __init__(self, connection: Connection, *, reads: bool = False) -> None:
        super().__init__(connection, expire_on_commit=False, info={READS: True} if reads else None)

    def commit(self) -> None:
        raise InvalidRequestError("leaving the block commits, and an error in it rolls back")

    rollback = commit

    @contextmanager
    def begin_nested(self) -> Iterator[SessionTransaction]:  # type: ignore[override]
        """A savepoint for a block: what fails of its changes fails within."""
        with super().begin_nested() as savepoint, sent_within(self):
            yield savepoint

    def close(self) -> None:
        if self.in_transaction():  # else it holds nothing
            super().close()


class _Turn:
    """One writer at a time within this process: a queue is far quicker than SQLite's own busy waiting.

    Whoever came first is next; a lock alone would let one pass by who has just had it.
    """

    _of_file: ClassVar[dict[Path, "_Turn"]] = {}
    _making: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self._queue: deque[threading.Event] = deque()
        self._looking = threading.Lock()
        # not the thread's id: a web framework may enter and leave in two threads, and reuse the first between
        self._mine: ContextVar[bool] = ContextVar("turn", default=False)

    @classmethod
    def of(cls, file: Path) -> "_Turn":
        with cls._making:
            return cls._of_file.setdefault(file, cls())

    def __enter__(self) -> None:
        if self._mine.get():
            raise RuntimeError("write() inside write(): pass the session down instead of opening another")
        mine = threading.Event()
        with self._looking:
            self._queue.append(mine)
            if self._queue[0] is mine:
                mine.set()
        came = False
        try:
            came = mine.wait(BUSY_SECONDS)
        finally:
            if not came:  # nor when the waiting is broken off: nobody after it would ever be next
                self._leave(mine)
        if not came:
            raise DatabaseBusy
        self._mine.set(True)

    def __exit__(self, *_: object) -> None:
        self._mine.set(False)
        self._leave(self._queue[0])

    def _leave(self, mine: threading.Event) -> None:
        with self._looking:
            self._queue.remove(mine)
            if self._queue:
                self._queue[0].set()


def _parse(url: str | URL) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise UnusableDatabase(f"the database URL cannot be read; {_MEND}") from None
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise UnusableDatabase(f"{parsed.drivername} is not supported; {_MEND}")
    if _is_sqlite(parsed) and parsed.database in (None, "", ":memory:"):
        raise UnusableDatabase(f"SQLite needs a file; {_MEND}")
    return parsed


def _is_sqlite(url: URL) -> bool:
    return url.drivername == "sqlite"


def _file(url: URL) -> Path:
    return Path(url.database or "").resolve()


def _open_postgres(url: URL) -> Engine:
    # what is worth preparing goes by `trips`
    options = _OPTIONS | {"connect_args": {"prepare_threshold": None}}
    engine = create_engine(url, isolation_level="READ COMMITTED", **options)
    event.listen(engine, "do_connect", lambda _dialect, _record, given, named: Driver.connect(*given, **named))
    event.listen(engine, "connect", _set_up_postgres)
    event.listen(engine, "checkout", _ping_if_rested)
    return engine


def _set_up_postgres(connection: Any, _record: object) -> None:
    connection.execute("SET TIME ZONE 'UTC'")  # instants come back as `Instant` gives them
    connection.commit()


def _ping_if_rested(connection: Driver, _record: object, _proxy: object) -> None:
    """After a restart of the server the first click of the day must not fail; while it is busy, none is pinged."""
    if time.monotonic() - connection.rests_since < PING_AFTER:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.Error as error:
        raise DisconnectionError from error  # the pool opens another


def _open_sqlite(url: URL) -> Engine:
    _file(url).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, **_OPTIONS)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver would otherwise begin late, and not for SELECT at all
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    mode = connection.get_execution_options().get(_MODE)
    driver: Any = connection.connection.driver_connection
    refuse_changes(driver, connection.info, mode == "read")
    if mode == "read":
        driver.execute("BEGIN")  # by the driver itself: several times a page, and it cannot fail
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if mode == "write" else "BEGIN")


def refuse_changes(driver: Any, info: dict[Any, Any], refuse: bool) -> None:
    """Let SQLite refuse all changes or none; said only where it is new, since every statement is prepared anew then."""
    if info.get("refuses") is not refuse:
        driver.execute(f"PRAGMA query_only = {int(refuse)}")
        info["refuses"] = refuse  # what the pool keeps with this connection


def _begin(connection: Connection) -> RootTransaction:
    """Begin now: a deferred SQLite transaction that turns into a writer late fails instead of waiting."""
    try:
        return connection.begin()
    except OperationalError as error:
        if connection.dialect.name == "sqlite" and "locked" in str(error.orig):
            raise DatabaseBusy from error
        raise
