"""W4: a sweep of so many due clocks among so many open matters; each rung notifies, raises the level and journals.

Before each round the last rung of that many overdue clocks is taken back, and falls due again. The ceiling is one SQL
statement per batch of 500 that does it all inside the database, hash and text included, and knows this one rung only.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg

from services.engine.sweep import BATCH, sweep_all
from tests.benchmarks.county import NOW
from tests.benchmarks.racing import Sample, timed
from tests.benchmarks.results import Row, compare
from tests.benchmarks.seeds import Seeded

_TAKE_BACK = """
    WITH chosen AS (
        SELECT id FROM clock
        WHERE name = 'disposition' AND state = 'running' AND rungs_fired = 3 AND matter_id <= %(below)s
        ORDER BY random() LIMIT %(due)s
    ), gone AS (
        DELETE FROM fired_rung f USING chosen c WHERE f.clock_id = c.id AND f.rung = '+1 workday'
        RETURNING f.clock_id, f.due_on
    )
    UPDATE clock SET rungs_fired = 2, next_rung_at = gone.due_on::timestamp AT TIME ZONE 'Asia/Shanghai'
    FROM gone WHERE clock.id = gone.clock_id"""
_SWEEP = """
    WITH due AS (
        SELECT c.id, c.matter_id, c.effective_due, c.next_rung_at, m.number, m.level, m.journal_seq + 1 AS seq,
            m.journal_head
        FROM clock c JOIN matter m ON m.id = c.matter_id
        WHERE c.state = 'running' AND c.next_rung_at <= %(now)s
        ORDER BY c.next_rung_at, c.id LIMIT %(batch)s
        FOR NO KEY UPDATE OF m, c SKIP LOCKED
    ), fired AS (
        INSERT INTO fired_rung (clock_id, matter_id, rung, due_on, fired_at, did)
        SELECT id, matter_id, '+1 workday', (next_rung_at AT TIME ZONE 'Asia/Shanghai')::date, %(now)s,
            '["raise county_office"]'
        FROM due ON CONFLICT (clock_id, rung) DO NOTHING RETURNING clock_id
    ), office AS (
        SELECT g.person_id FROM role_grant g JOIN unit u ON u.id = g.unit_id JOIN person p ON p.id = g.person_id
        WHERE g.role = 'county_office' AND u.parent_id IS NULL AND p.active AND g.valid_from <= %(today)s
            AND (g.valid_to IS NULL OR g.valid_to >= %(today)s)
    ), told AS (
        INSERT INTO message (person_id, matter_id, kind, text, made_at, next_try_at, attempts)
        SELECT person_id, matter_id, 'escalation', number || '已超期' || (%(today)s - effective_due) || '天（应于'
            || effective_due || '前办结），请及时办理', %(now)s, %(now)s, 0
        FROM due JOIN fired ON clock_id = due.id CROSS JOIN office
    ), said AS (
        SELECT matter_id, seq, journal_head, effective_due, encode(sha256(convert_to(
            '{"action":"rung","actor_id":null,"actor_name":"clock","at":"' || %(at)s || '","behalf_of":null,"content":'
            || '{"clock":"disposition","did":["raise county_office"],"due":"' || effective_due
            || '","rung":"+1 workday"},"matter_id":' || matter_id || ',"previous":"' || journal_head
            || '","seq":' || seq || ',"source":null,"target":null}', 'UTF8')), 'hex') AS hash
        FROM due JOIN fired ON clock_id = due.id
    ), entry AS (
        INSERT INTO journal (matter_id, seq, at, actor_name, action, content, previous, hash)
        SELECT matter_id, seq, %(now)s, 'clock', 'rung', jsonb_build_object('clock', 'disposition',
            'rung', '+1 workday', 'did', '["raise county_office"]'::jsonb, 'due', effective_due::text),
            journal_head, hash
        FROM said
    ), pointed AS (
        UPDATE clock SET rungs_fired = 3, next_rung_at = NULL FROM due WHERE clock.id = due.id
    ), raised AS (
        UPDATE matter SET level = level + 1, journal_seq = said.seq, journal_head = said.hash
        FROM said WHERE matter.id = said.matter_id
    )
    SELECT count(*) FROM due"""


def take_back(seeded: Seeded, due: int) -> None:
    """Make that many clocks due, each for its last rung."""
    with psycopg.connect(seeded.url) as connection:
        ready = connection.execute(_TAKE_BACK, {"below": seeded.size, "due": due}).rowcount
        if ready != due:
            raise RuntimeError(f"only {ready} of {due} clocks could be made due; seed more matters")


def sweep(seeded: Seeded) -> int:
    database = seeded.open()
    try:
        return int(sweep_all(database, seeded.engine, NOW)["fired"])
    finally:
        database.close()


def sweep_in_sql(seeded: Seeded) -> int:
    values = {"now": NOW, "today": NOW.date(), "at": NOW.isoformat(timespec="microseconds"), "batch": BATCH}
    fired = 0
    with psycopg.connect(seeded.url) as connection:
        while True:
            (served,) = connection.execute(_SWEEP, values).fetchone()  # type: ignore[misc]
            connection.commit()
            fired += served
            if served < BATCH:
                return fired


def _round(seeded: Seeded, due: int, work: Callable[[Seeded], int]) -> Sample:
    take_back(seeded, due)
    sample = timed(lambda: work(seeded))
    if sample.pieces != due:
        raise RuntimeError(f"{sample.pieces} rungs fired of {due}")
    return sample


def run(seeded: Seeded, due: int, rounds: int, peers: dict[str, Callable[[], Sample]] | None = None) -> list[Row]:
    subjects: dict[str, Any] = {
        "duban": partial(_round, seeded, due, sweep),
        "set_sql": partial(_round, seeded, due, sweep_in_sql),
    } | (peers or {})
    return compare(f"W4 {due:,} due", seeded.size, 1, subjects, rounds)
