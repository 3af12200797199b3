"""W1 on SQLite, as one machine runs it: eight threads of one process, one writer at a time.

The bare driver runs the statements that our actions sent, each thread with a connection of its own, begun as ours are,
and waits for its turn at a lock as ours do: what is left is what rules, answers and journal cost.
"""

import random
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import event, insert, select

from services import migrations
from services.db.session import Database
from services.keeping.tables import all_tables
from tests.benchmarks.racing import Exhausted, Operation, Sample
from tests.benchmarks.results import Row, compare
from tests.benchmarks.seeds import Seeded
from tests.benchmarks.w1_advance import steps

Statements = list[tuple[str, tuple[Any, ...]]]


def copy(seeded: Seeded, folder: Path) -> Seeded:
    """Copy the seeds into a SQLite file."""
    url = f"sqlite:///{folder / 'bench.db'}"
    migrations.upgrade(url)
    source, target = seeded.open(), Database(url)
    with source.read() as session, target.write() as copied:
        for table in all_tables():
            rows = session.connection().execute(select(table)).mappings()
            for some in rows.partitions(1000):
                copied.connection().execute(insert(table), [dict(row) for row in some])
    source.close()
    target.close()
    return replace(seeded, url=url)


def run(seeded: Seeded, clients: int, rounds: int, seconds: float) -> list[Row]:
    """`seeded` is a copy on SQLite."""
    database = seeded.open()
    with database.engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT id, unit_id FROM matter WHERE state = 'approval' AND id <= ?", (seeded.size // 2,)
        )
        waiting = [tuple(row) for row in found]
    random.Random(1).shuffle(waiting)
    caught = [catch(database, act) for act in [steps(seeded, database, [waiting.pop()])] for _ in range(2)]

    each = len(waiting) // (clients * rounds)

    def duban() -> Sample:
        mine = [waiting.pop() for _ in range(each * clients)]
        return together([steps(seeded, database, mine[n::clients]) for n in range(clients)], seconds)

    turn, file = threading.Lock(), seeded.url.removeprefix("sqlite:///")
    bare = [partial(_replay, _connect(file), turn, caught) for _ in range(clients)]
    rows = compare("W1 SQLite", seeded.size, clients, {
        "duban": duban, "sqlite_driver": lambda: together(bare, seconds),
    }, rounds)  # fmt: skip
    database.close()
    return rows


def together(acts: list[Operation], seconds: float) -> Sample:
    """Let each act over and over in a thread of this process."""
    until = time.perf_counter() + seconds

    def over_and_over(act: Callable[[], Any]) -> list[float]:
        took = []
        while (started := time.perf_counter()) < until:
            try:
                act()
            except Exhausted:
                break
            took.append(time.perf_counter() - started)
        return took

    started = time.perf_counter()
    with ThreadPoolExecutor(len(acts)) as pool:
        took = [one for each in pool.map(over_and_over, acts) for one in each]
    return Sample(tuple(took), time.perf_counter() - started)


def catch(database: Database, act: Operation) -> Statements:
    """Run `act` and return what it sent to SQLite, without the beginning."""
    caught: Statements = []

    def note(_c: Any, _u: Any, statement: str, parameters: Any, _x: Any, many: bool) -> None:
        caught.extend((statement, tuple(one)) for one in (parameters if many else [parameters]))

    event.listen(database.engine, "before_cursor_execute", note)
    act()
    event.remove(database.engine, "before_cursor_execute", note)
    return [one for one in caught if not one[0].startswith(("BEGIN", "PRAGMA"))]


def _connect(file: str) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=20, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _replay(connection: sqlite3.Connection, turn: threading.Lock, caught: list[Statements]) -> None:
    """One of the actions again, its journal entries under numbers that nobody has."""
    with turn:
        connection.execute("BEGIN IMMEDIATE")
        for statement, values in random.choice(caught):
            if statement.startswith("INSERT INTO journal"):
                values = (values[0], random.getrandbits(62), *values[2:])
            connection.execute(statement, values).fetchall()
        connection.execute("COMMIT")
