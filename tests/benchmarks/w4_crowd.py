"""W4 with company: sweepers and staff at the same clocks at once. Nothing twice, nothing missed, no deadlock."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import psycopg

from services.engine.sweep import sweep_all
from tests.benchmarks.county import NOW
from tests.benchmarks.racing import Exhausted, Operation
from tests.benchmarks.seeds import Seeded
from tests.benchmarks.w1_advance import steps
from tests.benchmarks.w4_sweep import take_back

_COUNTS = """
    SELECT (SELECT count(*) FROM fired_rung), (SELECT count(*) FROM journal WHERE action = 'rung'),
        (SELECT sum(level) FROM matter), (SELECT count(*) FROM message WHERE kind = 'escalation'),
        (SELECT deadlocks FROM pg_stat_database WHERE datname = current_database())"""
_MISSED = "SELECT count(*) FROM clock WHERE state = 'running' AND next_rung_at <= %s"
_DUE = """
    SELECT m.id, m.unit_id FROM matter m JOIN clock c ON c.matter_id = m.id
    WHERE m.state = 'approval' AND c.state = 'running' AND c.next_rung_at <= %s ORDER BY md5(m.id::text)"""


@dataclass(frozen=True)
class Crowd:
    """What came of it: rungs fired and actions taken; every count that had to agree did."""

    fired: int
    advanced: int


def crowd(seeded: Seeded, due: int, sweepers: int, clients: int) -> Crowd:
    """Sweep and advance the same matters at once, then look whether each rung left exactly its traces."""
    take_back(seeded, due)
    with psycopg.connect(seeded.url) as connection:
        before = connection.execute(_COUNTS).fetchone()
        matters = connection.execute(_DUE, (NOW,)).fetchall()
    database = seeded.open()
    staff = [steps(seeded, database, matters[n::clients]) for n in range(clients)]
    with closing(database), ThreadPoolExecutor(sweepers + clients) as pool:
        sweeping = [pool.submit(_sweep, seeded) for _ in range(sweepers)]
        advancing = [pool.submit(_all_of, act) for act in staff]
        fired = sum(one.result() for one in sweeping) + _sweep(seeded)
        advanced = sum(one.result() for one in advancing)
    _sweep(seeded)
    with psycopg.connect(seeded.url) as connection:
        after = connection.execute(_COUNTS).fetchone()
        (missed,) = connection.execute(_MISSED, (NOW,)).fetchone()  # type: ignore[misc]
    assert before is not None and after is not None
    rungs, entries, levels, messages, deadlocks = (b - a for a, b in zip(before, after, strict=True))
    assert rungs == entries == levels == fired, (rungs, entries, levels, fired)  # nothing twice
    assert messages == 2 * fired  # both of the county office
    assert missed == 0
    assert deadlocks == 0
    return Crowd(fired, advanced)


def _sweep(seeded: Seeded) -> int:
    database = seeded.open()
    try:
        return int(sweep_all(database, seeded.engine, NOW)["fired"])
    finally:
        database.close()


def _all_of(act: Operation | Callable[[], None]) -> int:
    taken = 0
    while True:
        try:
            act()
        except Exhausted:
            return taken
        taken += 1
