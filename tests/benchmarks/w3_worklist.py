"""W3: what a person with three roles in five townships sees first thing, and what a supervisor looks at.

Three questions, one client: the 50 most urgent items, the numbers on the light tiles (none beyond 1,000), the first 50
overdue matters of the county. Beside each the bare SQL for the same rows, a LATERAL per role and unit, which keeps
nobody away from anything, knows no wording and makes no objects.
"""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from services.engine.queries.matters import MatterFilters, list_matters
from services.engine.queries.worklist import light_counts, worklist
from tests.benchmarks.county import NOW
from tests.benchmarks.racing import Operation, Sample, race
from tests.benchmarks.results import Row, compare
from tests.benchmarks.seeds import Seeded

_HELD = "SELECT role, unit_id FROM role_grant WHERE person_id = %(who)s"
_LIST = f"""
    SELECT w.*, m.number, m.title, m.procedure, m.state, m.version, m.level, u.name, p.name
    FROM ({_HELD}) g
    CROSS JOIN LATERAL (
        SELECT id FROM work_item
        WHERE closed_at IS NULL AND role = g.role AND unit_id = g.unit_id AND person_id IS NULL
        ORDER BY due_at, id LIMIT 51
    ) t
    JOIN work_item w ON w.id = t.id JOIN matter m ON m.id = w.matter_id JOIN unit u ON u.id = w.unit_id
    LEFT JOIN person p ON p.id = w.person_id
    ORDER BY w.due_at, w.id LIMIT 51"""
_RANGES = {
    "red": "due_at < %(now)s", "yellow": "due_at >= %(now)s AND due_at <= %(soon)s",
    "green": "due_at > %(soon)s", "grey": "due_at IS NULL", "all": "true",
}  # fmt: skip
_TILES = "SELECT " + ", ".join(
    f"""(SELECT count(*) FROM (SELECT t.id FROM ({_HELD}) g CROSS JOIN LATERAL (
        SELECT id FROM work_item WHERE closed_at IS NULL AND role = g.role AND unit_id = g.unit_id
        AND person_id IS NULL AND {within} LIMIT 1001) t LIMIT 1001) n) AS {colour}"""
    for colour, within in _RANGES.items()
)
_OVERDUE = """
    SELECT m.*, u.name FROM matter m JOIN unit u ON u.id = m.unit_id
    WHERE m.closed_at IS NULL AND m.due_at < %(now)s ORDER BY m.id DESC LIMIT 51"""

Question = Callable[[Any, Any, Any], Any]
_OURS: dict[str, tuple[str, Question]] = {
    "W3 list": ("busy", lambda session, engine, actor: worklist(session, engine, actor, NOW)),
    "W3 tiles": ("busy", lambda session, engine, actor: light_counts(session, engine, actor, NOW)),
    "W3 overdue": ("supervisor", lambda session, engine, actor: list_matters(
        session, engine, actor, NOW, filters=MatterFilters(status="overdue"))),
}  # fmt: skip
_BARE = {"W3 list": _LIST, "W3 tiles": _TILES, "W3 overdue": _OVERDUE}


def run(seeded: Seeded, rounds: int, seconds: float) -> Iterator[list[Row]]:
    for work, (who, ask) in _OURS.items():
        subjects = {
            "duban": lambda who=who, ask=ask: _race(lambda: _ours(seeded, who, ask), seconds),
            "bare_sql": lambda who=who, sql=_BARE[work]: _race(lambda: _bare(seeded, who, sql), seconds),
        }
        yield compare(work, seeded.size, 1, subjects, rounds)


def _race(make: Callable[[], Operation], seconds: float) -> Sample:
    return race(lambda _: make(), 1, seconds)


def _ours(seeded: Seeded, who: str, ask: Question) -> Operation:
    database = seeded.open()
    with database.read() as session:
        actor = seeded.county.actor(session, who)

    def look() -> None:
        with database.read() as session:
            ask(session, seeded.engine, actor)

    return look


def _bare(seeded: Seeded, who: str, sql: str) -> Operation:
    connection = psycopg.connect(seeded.url)
    soon = NOW.replace(day=NOW.day + 5)
    values = {"who": seeded.county.people[who], "now": NOW, "soon": soon}

    def look() -> None:
        connection.execute(sql, values).fetchall()  # type: ignore[call-overload]
        connection.commit()

    return look
