"""Finds matters that hang on others, all of them closed, and lets them go on: what closing itself could not do then."""

from datetime import datetime

import structlog
from sqlalchemy import Select, exists, select
from sqlalchemy.orm import aliased

from services.db.failures import is_outage
from services.db.session import Database
from services.engine.aside import NO_CLOCK, reason, set_aside, take_back
from services.engine.core import Engine
from services.engine.models import Link, Matter
from services.engine.perform import go_on

log = structlog.get_logger(__name__)


def tell_all(database: Database, engine: Engine, now: datetime) -> int:
    """Let every matter go on whose links are done; return how many did.

    Each has a transaction of its own, and one that cannot even be looked at is set aside and stops no other.
    """
    kinds = {kind for procedure in engine.registry.procedures.values() for kind in procedure.when_done}
    if not kinds:
        return 0
    with database.read() as session:
        waiting = session.execute(_ready(kinds)).tuples().all()
    moved = 0
    for matter_id, kind in waiting:
        try:
            with database.write() as session:
                moved += go_on(engine, session, matter_id, kind, now)
                take_back(session, [(matter_id, NO_CLOCK)])
        except Exception as problem:
            if is_outage(problem):
                raise
            with database.write() as session:
                set_aside(session, matter_id, NO_CLOCK, problem, now)
            log.warning("matter set aside", matter=matter_id, why=reason(problem)[0])
    return moved


def _ready(kinds: set[str]) -> Select[tuple[int, str]]:
    """Pairs of an open matter and a kind of link that it was not told of, where nothing of that kind is open."""
    sibling, child = aliased(Link), aliased(Matter)
    still_open = exists().where(
        sibling.to_id == Link.to_id, sibling.kind == Link.kind, child.id == sibling.from_id, child.closed_at.is_(None)
    )
    return (
        select(Link.to_id, Link.kind)
        .join(Matter, Matter.id == Link.to_id)
        .where(Link.kind.in_(kinds), Link.told_at.is_(None), Matter.closed_at.is_(None), ~still_open)
        .distinct()
        .order_by(Link.to_id, Link.kind)
    )
