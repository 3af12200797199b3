"""Open petitions by the hundred thousand, made by a few statements from prototypes that the engine itself walked.

State (and so role), township and dates are drawn independently of one another. Every row is what the engine would have
written: the journal's hashes are computed over the same canonical text, due dates and rungs by the same arithmetic, and
rungs whose day has passed have fired. So real actions work on them, and `journal.verify` finds nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import select

from config.calendar import local_date
from services import migrations
from services.db.base import Base
from services.db.session import Database
from services.engine import clocks as clk
from services.engine import journal
from services.engine.core import Engine
from services.engine.models import Clock, Entry, FiredRung, Matter, Receipt, WorkItem
from services.engine.registry import canonical
from services.engine.sweep import sweep_all
from services.identity.sealing import Vault
from tests.benchmarks.county import NOW, County, found_county, walk_prototypes

STATES = {"registered": 1, "triage": 1, "approval": 6, "handling": 2}
"""Of ten matters; most wait for approval, since that is the action that is measured."""
DAYS = 50
_CLOCKS = ("screening", "disposition", "handling")


@dataclass(frozen=True)
class Seeded:
    """A database with `size` open petitions, and the county they lie in."""

    url: str
    size: int
    county: County
    engine: Engine

    def open(self) -> Database:
        """Open it anew: a forked client must not share its parent's connection."""
        return Database(self.url)


def seed(url: str, size: int, folder: Path) -> Seeded:
    """Fill an empty database."""
    migrations.upgrade(url)
    engine = Engine.of("tongcheng", Vault.create_if_missing(folder / "secret.key"))
    database = Database(url)
    with database.write() as session:
        county = found_county(session)
    prototypes = walk_prototypes(database, engine, county)
    with database.read() as session:
        chained = select(Entry.__table__).order_by(Entry.matter_id, Entry.seq)
        entries = [dict(r) for r in session.execute(chained).mappings()]
        title = engine.registry.versions("petition")[-1]
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")  # what is cloned refers to what is there
        connection.execute("SELECT setseed(0.5)")
        _tables(connection, engine, title.policy.clocks, entries, prototypes, size)
        _clone(connection, max(e["seq"] for e in entries))
    sweep_all(database, engine, NOW)  # the prototypes are older than their clones
    database.close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
    return Seeded(url, size, county, engine)


def _tables(
    connection: Any, engine: Engine, rules: Any, entries: list[dict[str, Any]], prototypes: dict[Any, int], size: int
) -> None:
    """Lay out what is drawn from: prototypes, canonical texts of their entries, the dates of each clock by its day."""
    connection.execute("CREATE TEMP TABLE drawn (pick serial, proto bigint)")
    picks = [(i,) for (state, _), i in sorted(prototypes.items()) for _ in range(STATES[state])]
    connection.cursor().executemany("INSERT INTO drawn (proto) VALUES (%s)", picks)
    connection.execute("CREATE TEMP TABLE said (proto bigint, seq int, text text, PRIMARY KEY (proto, seq))")
    connection.cursor().executemany("INSERT INTO said VALUES (%s, %s, %s)", [_said(e) for e in entries])
    connection.execute(
        "CREATE TEMP TABLE dated (name text, day int, anchor date, nominal date, effective date, due timestamptz,"
        " next_rung timestamptz, fired int, PRIMARY KEY (name, day))"
    )
    connection.execute("CREATE TEMP TABLE passed (name text, day int, rung text, due_on date, did jsonb)")
    for name in _CLOCKS:
        for day in range(DAYS):
            row, rungs = _dated(engine, rules[name], name, local_date(NOW) - timedelta(days=day))
            connection.execute("INSERT INTO dated VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", (name, day, *row))
            for rung, due_on in rungs:
                values = (name, day, rung.at, due_on, psycopg.types.json.Jsonb(list(rung.do)))
                connection.execute("INSERT INTO passed VALUES (%s, %s, %s, %s, %s)", values)
    connection.execute(
        "CREATE TEMP TABLE seed AS SELECT g AS id, 1 + floor(random() * %s)::int AS pick,"
        " floor(random() * %s)::int AS day, '信访〔2016〕' || (1000000 + g) || '号' AS number"
        " FROM generate_series(%s::bigint, %s::bigint) g",
        (len(picks), DAYS, max(prototypes.values()) + 1, size),
    )


def _said(entry: dict[str, Any]) -> tuple[int, int, str]:
    """Return the text an entry's hash covers, with marks where a clone differs."""
    said = {name: entry[name] for name in journal.COVERED} | {"matter_id": "@M@", "previous": "@P@"}
    said["at"] = entry["at"].isoformat(timespec="microseconds")
    if "number" in entry["content"]:
        said["content"] = entry["content"] | {"number": "@N@"}
    return entry["matter_id"], entry["seq"], canonical(said)


def _dated(engine: Engine, rule: Any, name: str, anchor: date) -> tuple[tuple[Any, ...], list[Any]]:
    key = "general"
    term = clk.Term(rule.budget_for(key), key)
    row = clk.start(name, anchor, term, rule, engine.calendar, NOW, duty=False)
    rungs = clk.due_rungs(row, rule, engine.calendar, NOW)
    upcoming = clk.next_rung_at(row | {"rungs_fired": len(rungs)}, row["effective_due"], rule, engine.calendar)
    return (anchor, row["nominal_due"], row["effective_due"], row["due_at"], upcoming, len(rungs)), rungs


def _clone(connection: Any, longest: int) -> None:
    genesis, joins, heads = f"'{journal.GENESIS}'", "", []
    for seq in range(1, longest + 1):
        previous = f"h{seq - 1}.h" if seq > 1 else genesis
        text = (
            f"""replace(replace(replace(e{seq}.text, '"@M@"', seed.id::text), '@P@', {previous}), '@N@', seed.number)"""
        )
        joins += f" LEFT JOIN said e{seq} ON e{seq}.proto = d.proto AND e{seq}.seq = {seq}"
        joins += f" CROSS JOIN LATERAL (SELECT encode(sha256(convert_to({text}, 'UTF8')), 'hex') AS h) h{seq}"
        heads.append(f"h{seq}.h")
    connection.execute(
        f"CREATE TEMP TABLE chained AS SELECT seed.*, d.proto, ARRAY[{', '.join(heads)}] AS hashes"
        f" FROM seed JOIN drawn d USING (pick) {joins}"
    )
    connection.execute("ANALYZE chained")
    for statement in _inserts():
        connection.execute(statement)
    connection.execute("SELECT setval(pg_get_serial_sequence('matter', 'id'), (SELECT max(id) FROM matter))")


def _inserts() -> Iterator[str]:
    running = "JOIN clock r ON r.matter_id = s.proto AND r.state = 'running'"
    running += " JOIN dated t ON (t.name, t.day) = (r.name, s.day)"
    yield _copy(
        Matter,
        {"id": "s.id", "number": "s.number", "event_on": "t.anchor", "opened_at": "t.anchor + interval '2 hours'",
         "due_at": "t.due", "undo": "NULL", "journal_head": "s.hashes[p.journal_seq]"},
        f"JOIN matter p ON p.id = s.proto {running}",
    )  # fmt: skip
    yield (
        f"INSERT INTO {Receipt.__tablename__} (digest, matter_id)"
        " SELECT encode(sha256(convert_to(s.number, 'UTF8')), 'hex'), s.id FROM chained s"
    )
    content = (
        "CASE WHEN p.content ? 'number' THEN p.content || jsonb_build_object('number', s.number) ELSE p.content END"
    )
    yield _copy(
        Entry,
        {"matter_id": "s.id", "content": content, "hash": "s.hashes[p.seq]",
         "previous": f"CASE WHEN p.seq > 1 THEN s.hashes[p.seq - 1] ELSE '{journal.GENESIS}' END"},
        "JOIN journal p ON p.matter_id = s.proto",
    )  # fmt: skip
    yield _copy(
        Clock,
        {"matter_id": "s.id", "anchor": "t.anchor", "nominal_due": "t.nominal", "effective_due": "t.effective",
         "due_at": "t.due", "next_rung_at": "CASE WHEN p.state = 'running' THEN t.next_rung END",
         "rungs_fired": "CASE WHEN p.state = 'running' THEN t.fired ELSE 0 END"},
        "JOIN clock p ON p.matter_id = s.proto JOIN dated t ON (t.name, t.day) = (p.name, s.day)",
    )  # fmt: skip
    yield _copy(
        WorkItem,
        {"matter_id": "s.id", "due_at": "t.due"},
        f"JOIN work_item p ON p.matter_id = s.proto {running}",
    )
    yield (
        f"INSERT INTO {FiredRung.__tablename__} (clock_id, matter_id, rung, due_on, fired_at, did)"
        " SELECT c.id, c.matter_id, r.rung, r.due_on, r.due_on + interval '2 hours', r.did"
        " FROM chained s JOIN clock c ON c.matter_id = s.id AND c.state = 'running'"
        " JOIN passed r ON (r.name, r.day) = (c.name, s.day)"
    )


def _copy(model: type[Base], changed: dict[str, str], joined: str) -> str:
    """Return the statement that copies a prototype's rows `p` once per clone `s`, some columns changed."""
    columns = [c.name for c in model.__table__.columns if c.name != "id" or "id" in changed]
    values = ", ".join(changed.get(name, f"p.{name}") for name in columns)
    return f"INSERT INTO {model.__tablename__} ({', '.join(columns)}) SELECT {values} FROM chained s {joined}"
