"""Proposes matters for people to judge, by rules over what is on record."""

from datetime import datetime
from typing import Any

from prefect import flow

from flows.execution import report, utc_now
from services.engine import candidates
from services.runtime import runtime


@flow(name="propose-candidates")
def propose_candidates(as_of: datetime | None = None) -> dict[str, Any]:
    """Candidates proposed, added to and failed, as of an aware instant (default: now)."""
    return report(candidates.propose_candidates(runtime(), as_of or utc_now()))
