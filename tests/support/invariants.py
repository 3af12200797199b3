"""What must hold for every matter after every step, whoever did what (`rules.md` §3)."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.db.base import Base
from services.engine import clocks as clk
from services.engine import journal
from services.engine.core import Engine
from services.engine.loading import TURN
from services.engine.models import Clock, Entry, Exclusion, Matter, WorkItem
from tests.support.cast import County


def rows_of(session: Session, model: type[Base], **where: Any) -> list[dict[str, Any]]:
    """Rows of one table as plain values, oldest first."""
    table = model.__table__
    found = select(table).where(*(table.c[name] == value for name, value in where.items())).order_by(*table.primary_key)
    return [dict(row) for row in session.execute(found).mappings()]


def clocks(county: County, matter_id: int, *, active: bool = False) -> dict[str, dict[str, Any]]:
    """The latest clock of each name, or only those not stopped."""
    with county.database.read() as session:
        rows = rows_of(session, Clock, matter_id=matter_id)
    return {row["name"]: row for row in rows if not active or row["state"] != clk.STOPPED}


def matter(county: County, matter_id: int) -> dict[str, Any]:
    with county.database.read() as session:
        return rows_of(session, Matter, id=matter_id)[0]


def open_items(county: County, matter_id: int) -> list[dict[str, Any]]:
    with county.database.read() as session:
        return [i for i in rows_of(session, WorkItem, matter_id=matter_id) if i["closed_at"] is None]


def entries(county: County, matter_id: int) -> list[dict[str, Any]]:
    with county.database.read() as session:
        return rows_of(session, Entry, matter_id=matter_id)


def turn(county: County, matter_id: int) -> dict[str, Any]:
    (item,) = [i for i in open_items(county, matter_id) if i["kind"] == TURN]
    return item


def check(county: County, since: int = 0) -> None:
    """Assert the invariants of every matter in the database, or of those with a higher id than `since`."""
    with county.database.read() as session:
        matters = [row for row in rows_of(session, Matter) if row["id"] > since]
        assert journal.verify(session, [row["id"] for row in matters])["broken"] == []
        for row in matters:
            _check_one(county.engine, session, row)


def failing(county: County, session: Session) -> list[str]:
    """Return the matters that break an invariant, each with what it breaks."""
    broken = []
    for row in rows_of(session, Matter):
        try:
            _check_one(county.engine, session, row)
        except AssertionError as error:
            broken.append(f"matter {row['id']}: {str(error).splitlines()[:1]}")
    return broken


def _check_one(engine: Engine, session: Session, row: dict[str, Any]) -> None:
    away = {e["person_id"] for e in rows_of(session, Exclusion, matter_id=row["id"])}
    _check_items(row, rows_of(session, WorkItem, matter_id=row["id"]), away)
    _check_clocks(engine, session, row, rows_of(session, Clock, matter_id=row["id"]))
    _check_history(row, rows_of(session, Entry, matter_id=row["id"]))


def _check_items(row: dict[str, Any], items: list[dict[str, Any]], away: set[int | None]) -> None:
    waiting = [i for i in items if i["closed_at"] is None]
    turns = [i for i in waiting if i["kind"] == TURN]
    if row["closed_at"] is not None:
        assert waiting == []
        return
    assert [i["state"] for i in turns] == [row["state"]]
    assert all(i["due_at"] == row["due_at"] for i in waiting)
    assert not {i["person_id"] for i in waiting if i["person_id"] is not None} & away


def _check_clocks(engine: Engine, session: Session, row: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    policy = engine.registry.pinned(session, row["procedure_hash"], row["policy_hash"]).policy
    active = [c for c in rows if c["state"] != clk.STOPPED]
    assert bool(active) == (row["closed_at"] is None)
    assert len({c["name"] for c in active}) == len(active)
    assert row["due_at"] == clk.earliest_due(active)
    for clock in active:
        fresh = clk.derive(clock, policy.clocks[clock["name"]], engine.calendar)
        assert {name: clock[name] for name in fresh} == fresh
        if clock["ledger"]["requested"]:
            assert clock["ledger"]["requested"]["asked_on"]


def _check_history(row: dict[str, Any], written: list[dict[str, Any]]) -> None:
    moves = [e for e in written if e["target"] is not None]
    assert moves[-1]["target"] == row["state"]
    assert [e["source"] for e in moves[1:]] == [e["target"] for e in moves[:-1]]
    assert row["record"]["trail"][-1][2] == row["state"]
    proposers: set[int] = set()
    for entry in moves:
        acting = {entry["actor_id"], entry["behalf_of"]} - {None}
        if entry["action"] == "propose":
            proposers |= acting
        if entry["action"] == "approve":
            assert acting and not acting & proposers
