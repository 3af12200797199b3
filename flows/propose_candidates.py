"""Proposes matters for people to judge, by rules over what is on record."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.carrying import carry
from services.engine import candidates


@flow(name="propose-candidates")
def propose_candidates(as_of: datetime | None = None) -> dict[str, Any]:
    """Candidates proposed, added to and failed, as of an aware instant (default: now)."""
    return carry("propose_candidates", candidates.propose_candidates, as_of)
