"""How far a replay has come: one row in the replay's own database, moved on in the transaction that does the work."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, update
from sqlalchemy.orm import Session

from services.db.base import Instant, Json
from services.engine.registry import canonical
from services.replay.errors import DatabaseUnfit

# apart from Base: only a replay has it, so migrations must not know it
METADATA = MetaData()
_POSITION = Table(
    "replay_position",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("made_from", String, nullable=False),
    Column("reached", Instant(), nullable=False),
    Column("totals", Json, nullable=False),
    Column("house", Json, nullable=False),
)
TABLE = _POSITION.name
NO_TOTALS = {"sweeps": 0, "set_aside": 0, "failed_deeds": 0}
_ID = 1


@dataclass(frozen=True, slots=True)
class Position:
    """Everything before `reached` is done. `totals` counts the sweeps and what they reported; `house` holds ids."""

    made_from: str
    reached: datetime
    totals: dict[str, int]
    house: dict[str, Any]

    @classmethod
    def read(cls, session: Session) -> Self:
        """Return where the replay stands; the table must be there."""
        row = session.execute(select(*_POSITION.c).where(_POSITION.c.id == _ID)).one()
        return cls(row.made_from, row.reached, row.totals, row.house)

    def write(self, session: Session) -> None:
        session.execute(
            insert(_POSITION).values(
                id=_ID, made_from=self.made_from, reached=self.reached, totals=self.totals, house=self.house
            )
        )

    def move_on(self, session: Session, reached: datetime, totals: dict[str, int]) -> "Position":
        """Move on from exactly here; raise DatabaseUnfit if another process moved it meanwhile."""
        here = update(_POSITION).where(_POSITION.c.id == _ID, _POSITION.c.reached == self.reached)
        moved = session.execute(here.values(reached=reached, totals=totals).returning(_POSITION.c.id)).all()
        if not moved:
            raise DatabaseUnfit("another replay is at work in this database; let it finish, or stop it and resume")
        return Position(self.made_from, reached, totals, self.house)


def made_from(log_digest: str, profile: Any, pack: str) -> str:
    """Return the mark of what a replay is made from: it can be resumed with the same log, profile and pack only."""
    return hashlib.sha256(canonical([log_digest, profile.model_dump(mode="json"), pack]).encode()).hexdigest()
