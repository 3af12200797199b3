"""A matter read once for somebody who may know of it: what its page, its actions and its history are made from."""

from functools import lru_cache
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session

from services.engine.core import Engine
from services.engine.loading import MATTER, Loaded, load_seen
from services.engine.registry import Registry
from services.engine.visibility import visible
from services.identity.access import Actor


def look(session: Session, engine: Engine, actor: Actor, matter_id: int) -> Loaded:
    """Return a matter; raise MatterNotFound where there is none or the actor may not know of it."""
    return load_seen(engine, session, _one(actor, engine.registry), matter_id)


@lru_cache(maxsize=1024)
def _one(actor: Actor, registry: Registry) -> Select[Any]:
    """The statement, kept for each set of roles."""
    return MATTER.where(visible(actor, registry))
