"""`duban db copy`: an SQLite installation moves to PostgreSQL, and what arrived is compared with what was sent.

While it is on its way the target's version table says so, and no program of ours works on it; a table `duban_copy`
keeps how far each table got and what it has to be in the end, so that a copy that was killed goes on from there.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table, inspect, select, update
from sqlalchemy.exc import DataError

from services.db.session import Database
from services.documents.store import FileStore
from services.keeping.alone import unused
from services.keeping.checking import check
from services.keeping.errors import CopyDiffers, TargetNotEmpty, WrongDatabase
from services.keeping.progress import Progress, silent
from services.keeping.tables import (
    Counted,
    all_tables,
    chunks,
    digests,
    filled,
    number_on,
    schema_version,
    set_schema_version,
    strangers,
    write_rows,
)
from services.migrations import empty, head, is_current, upgrade
from services.runtime import Runtime

_UNDER_WAY = Table(
    "duban_copy",
    MetaData(),
    Column("name", String, primary_key=True),
    Column("copied", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("digest", String, nullable=False),
)


def copy_database(runtime: Runtime, target_url: str, anew: bool = False, progress: Progress = silent) -> dict[str, Any]:
    """Fill an empty PostgreSQL database with this installation's rows; go on where an earlier copy was killed.

    Nobody writes to the source meanwhile. Returns {"tables", "rows", "resumed_at", "check", "ok"}. Raises
    WrongDatabase, SourceInUse, TargetNotEmpty, CopyDiffers. `anew` throws away what a killed copy left.
    """
    target = Database(target_url)
    _refuse_wrong_kinds(runtime.database, target)
    try:
        lost = "what it writes from now on would not come along"
        with unused(runtime.settings.home, lost), runtime.database.write() as session:
            source = session.connection()
            sent = digests(source, progress, "rows read")
            already = _prepare(target, sent, anew)
            _copy_all(source, target, sent, progress)
            return {**_finish(runtime, target, sent, progress), "resumed_at": already}
    finally:
        target.close()


def _refuse_wrong_kinds(source: Database, target: Database) -> None:
    if source.engine.dialect.name != "sqlite" or target.engine.dialect.name != "postgresql":
        raise WrongDatabase(
            "db copy goes from an SQLite installation to PostgreSQL; for every other way use backup and restore"
        )
    if not is_current(source):
        raise WrongDatabase("the source is not at this version's schema; run: duban db upgrade")


def _prepare(target: Database, sent: Counted, anew: bool) -> int:
    """Make the tables, or find a copy under way; return how many rows are there already."""
    with target.read() as session:
        connection = session.connection()
        under_way = inspect(connection).has_table(_UNDER_WAY.name)
        version = schema_version(connection)
        others = [name for name in strangers(connection) if name != _UNDER_WAY.name]
        found = filled(connection)
    if others:
        raise TargetNotEmpty(f"the target holds other tables ({', '.join(others)}); give a database of its own")
    if under_way and anew:
        empty(_url(target))
        under_way, version, found = False, None, {}
    if under_way:
        return _go_on(target, version, sent)
    if found:
        listed = ", ".join(f"{name}: {rows}" for name, rows in sorted(found.items()))
        raise TargetNotEmpty(f"the target holds another installation ({listed}); give an empty database")
    if version is None and _has_our_tables(target):
        raise WrongDatabase("the target has tables of no known version; give an empty database")
    if version not in (None, head()):
        raise WrongDatabase(
            f"the target's schema is {version}, this version works with {head()}; give an empty database"
        )
    _begin(target, sent)
    return 0


def _has_our_tables(target: Database) -> bool:
    there = set(inspect(target.engine).get_table_names())
    return any(table.name in there for table in all_tables())


def _begin(target: Database, sent: Counted) -> None:
    upgrade(_url(target))
    with target.write() as session:
        connection = session.connection()
        _UNDER_WAY.create(connection)
        connection.execute(_UNDER_WAY.insert(), [{"name": name, "copied": 0, **of} for name, of in sent.items()])
        set_schema_version(connection, _marked())


def _marked() -> str:
    """What the version table says until all has arrived; no revision has such a name."""
    return f"copying {head()}"


def _go_on(target: Database, version: str | None, sent: Counted) -> int:
    with target.read() as session:
        rows = session.execute(select(_UNDER_WAY)).mappings().all()
    if version != _marked() or {r["name"]: {"rows": r["rows"], "digest": r["digest"]} for r in rows} != sent:
        raise TargetNotEmpty(
            "the target holds a copy under way of another installation, or of this one before it changed; "
            "add --anew to throw that away and begin again"
        )
    return sum(row["copied"] for row in rows)


def _copy_all(source: Connection, target: Database, sent: Counted, progress: Progress) -> None:
    with target.read() as session:
        copied = dict(session.execute(select(_UNDER_WAY.c.name, _UNDER_WAY.c.copied)).tuples().all())
    with progress("rows copied", sum(of["rows"] for of in sent.values())) as done:
        done(sum(copied.values()))
        for table in all_tables():
            for rows in chunks(source, table, copied[table.name]):
                copied[table.name] += len(rows)
                _write(target, table, rows, copied[table.name])
                done(len(rows))


def _write(target: Database, table: Table, rows: Any, copied: int) -> None:
    """One chunk and how far the table is, together or not at all."""
    try:
        with target.write() as session:
            write_rows(session.connection(), table, rows)
            session.execute(update(_UNDER_WAY).where(_UNDER_WAY.c.name == table.name).values(copied=copied))
    except DataError as error:
        raise _unfit(table, error.orig) from error


def _unfit(table: Table, why: object) -> CopyDiffers:
    return CopyDiffers(f"PostgreSQL does not take a row of {table.name}: {why}; correct it in the source and go on")


def _finish(runtime: Runtime, target: Database, sent: Counted, progress: Progress) -> dict[str, Any]:
    """Compare and check on the target; only then is it an installation."""
    with target.write() as session:
        connection = session.connection()
        for table in all_tables():
            number_on(connection, table)
        arrived = digests(connection, progress, "rows compared")
        if differing := [name for name in sent if sent[name] != arrived[name]]:
            raise CopyDiffers(f"these tables differ: {', '.join(differing)}; add --anew to begin again")
        checked = check(session, FileStore.of(runtime), runtime.vault, progress)
        _UNDER_WAY.drop(connection)
        set_schema_version(connection, head())
    return {"tables": len(sent), "rows": sum(of["rows"] for of in sent.values()), "check": checked, "ok": checked["ok"]}


def _url(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)
