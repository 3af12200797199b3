"""W5: the figures of a year for a supervisor of the whole county, and the ledger as a workbook.

The figures: opened, closed and on time in the year, and the load of each unit; beside them the bare SQL for the same
sums, which asks nobody's permission. The export writes every matter with its journal entry; bare SQL reads the rows.
"""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import psycopg

from services.engine.queries.board import loads_of_units, turnover
from services.ledgers.asking import read_asking
from services.ledgers.exporting import write_ledger
from tests.benchmarks.county import NOW
from tests.benchmarks.racing import Operation, Sample, race, timed
from tests.benchmarks.results import Row, compare
from tests.benchmarks.seeds import Seeded

FIRST, LAST = date(2016, 1, 1), date(2016, 12, 31)
_YEAR = """
    SELECT count(*) FILTER (WHERE opened_at >= %(first)s AND opened_at < %(last)s),
        count(*) FILTER (WHERE closed_at >= %(first)s AND closed_at < %(last)s),
        count(*) FILTER (WHERE closed_at >= %(first)s AND closed_at < %(last)s AND NOT EXISTS (
            SELECT FROM clock c WHERE c.matter_id = m.id AND c.outcome = 'late'))
    FROM matter m"""
_LOADS = """
    SELECT u.id, u.name, count(*), count(*) FILTER (WHERE due_at < %(now)s),
        count(*) FILTER (WHERE due_at >= %(now)s AND due_at <= %(soon)s), count(*) FILTER (WHERE due_at IS NULL)
    FROM matter m JOIN unit u ON u.id = m.unit_id WHERE closed_at IS NULL GROUP BY u.id, u.name ORDER BY 4 DESC, u.id"""
_ROWS = """
    SELECT m.number, m.title, m.procedure, m.state, u.name, m.event_on, m.opened_at, m.closed_at, m.due_at, m.level
    FROM matter m JOIN unit u ON u.id = m.unit_id ORDER BY m.id DESC"""


def run(seeded: Seeded, rounds: int, seconds: float, export: bool) -> Iterator[list[Row]]:
    """`export` writes the whole ledger once in each round."""
    subjects = {
        "duban": lambda: race(lambda _: _figures(seeded), 1, seconds),
        "bare_sql": lambda: race(lambda _: _bare_figures(seeded), 1, seconds),
    }
    yield compare("W5 year", seeded.size, 1, subjects, rounds)
    if export:
        writing: dict[str, Any] = {"duban": partial(_export, seeded), "bare_sql": partial(_bare_export, seeded)}
        yield compare("W5 export", seeded.size, 1, writing, 1)


def _figures(seeded: Seeded) -> Operation:
    database = seeded.open()
    with database.read() as session:
        supervisor = seeded.county.actor(session, "supervisor")

    def look() -> None:
        with database.read() as session:
            turnover(session, seeded.engine, supervisor, FIRST, LAST)
            loads_of_units(session, seeded.engine, supervisor, NOW)

    return look


def _bare_figures(seeded: Seeded) -> Operation:
    connection = psycopg.connect(seeded.url, autocommit=True)
    year = {"first": datetime(2015, 12, 31, 16, tzinfo=UTC), "last": datetime(2016, 12, 31, 16, tzinfo=UTC)}
    values = {**year, "now": NOW, "soon": NOW.replace(day=NOW.day + 5)}

    def look() -> None:
        connection.execute(_YEAR, values).fetchall()  # type: ignore[call-overload]
        connection.execute(_LOADS, values).fetchall()

    return look


def _export(seeded: Seeded) -> Sample:
    database, asking = seeded.open(), read_asking(seeded.engine, {})
    who = seeded.county.people["supervisor"]
    sample = timed(lambda: write_ledger(database, seeded.engine, who, asking, NOW, io.BytesIO(), export_id=1))
    database.close()
    return sample


def _bare_export(seeded: Seeded) -> Sample:
    def write() -> int:
        with psycopg.connect(seeded.url) as connection:
            rows = connection.execute(_ROWS).fetchall()
            csv.writer(io.StringIO()).writerows(rows)
            return len(rows)

    return timed(write)
