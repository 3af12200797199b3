"""A rung that fired stays open until somebody it addressed acknowledges it, by name, once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from sqlalchemy import BindParameter, bindparam, select, update
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.db.together import Row, read_rows, read_together
from services.engine import journal
from services.engine.core import Engine
from services.engine.errors import Conflict, MatterNotFound, NotPermitted
from services.engine.loading import TURN, Loaded, load_locked
from services.engine.models import Exclusion, FiredRung, WorkItem
from services.engine.permission import stands_in_for
from services.engine.queries.rungs import RungView, open_rungs, rung_view
from services.engine.routing import COUNTY_OFFICE, Holding, holding_at, route
from services.engine.visibility import find_visible
from services.identity.access import Actor
from services.identity.editions import edition_of
from services.identity.models import Person

Rung = Mapping[Any, Any]
"""A row of `open_rungs`."""


class AlreadyAcknowledged(Conflict):
    """Somebody was faster; `extra["by"]` says who."""

    code: ClassVar[str] = "already_acknowledged"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has acknowledged it already", f"{name}已确认知悉，无需重复确认", by=name)


def acknowledge(session: Session, engine: Engine, rung_id: int, actor: Actor, now: datetime, note: str = "") -> None:
    """Acknowledge a rung; raise MatterNotFound, AlreadyAcknowledged, or NotPermitted for anyone it did not address.

    It addresses whom it told or raised it to, nearest to where the matter lies now, and the holder of the work item it
    reminded; the county office answers for what it opened or performed. Whoever acts for one of them may as well.
    """
    matter_id = session.scalar(select(FiredRung.matter_id).where(FiredRung.id == rung_id))
    if matter_id is None:
        raise MatterNotFound
    loaded, actor, _ = load_locked(engine, session, matter_id, actor)
    find_visible(session, engine, actor, matter_id)
    rung = session.execute(_RUNG.where(FiredRung.id == rung_id)).mappings().one()
    if rung["acknowledged_at"] is not None:
        raise AlreadyAcknowledged(rung["acknowledged_name"])
    addressed, turn = _Addressed(session, actor, now), _last_turn(session, loaded)
    acting_for = addressed.of(loaded.row["unit_path"], rung["did"], loaded.people, turn)
    if actor.id is None or not acting_for:
        raise NotPermitted(
            "this rung addressed others; one of them acknowledges it", "该提醒不是发给您的，应由收到提醒的人员确认"
        )
    columns = {"acknowledged_by": actor.id, "acknowledged_at": now}
    session.execute(update(FiredRung).where(FiredRung.id == rung_id).values(**columns))
    content = {"clock": rung["clock_id"], "rung": rung["rung"], "fired_at": rung["fired_at"].isoformat(), "note": note}
    behalf_of = None if actor.id in acting_for else min(acting_for)
    journal.note(session, matter_id, journal.Event("acknowledge", actor, now, content, behalf_of=behalf_of))


def waiting_for(
    session: Session, engine: Engine, actor: Actor, now: datetime, limit: int = 50, after: int = 0
) -> list[RungView]:
    """Return the open rungs with an id above `after` that this person may acknowledge, the oldest first."""
    addressed, found = _Addressed(session, actor, now), []
    wanted = open_rungs(engine, actor).where(FiredRung.id > after)
    for rows in session.execute(wanted).mappings().partitions(200):
        for rung in _addressed_to(session, addressed, rows):
            found.append(rung_view(session, engine, rung))
            if len(found) == limit:
                return found
    return found


def may_acknowledge(
    session: Session, loaded: Loaded, actor: Actor, now: datetime, rungs: Sequence[Rung]
) -> frozenset[int]:
    """Return the ids of those rungs of a matter that this person may acknowledge."""
    if not rungs:
        return frozenset()
    addressed, turn = _Addressed(session, actor, now), _last_turn(session, loaded)
    path, away = loaded.row["unit_path"], loaded.people
    return frozenset(rung["id"] for rung in rungs if addressed.of(path, rung["did"], away, turn))


def _addressed_to(session: Session, addressed: "_Addressed", rungs: Sequence[Rung]) -> Iterator[Rung]:
    turns, away = _turns_and_away(session, {rung["matter_id"] for rung in rungs})
    for rung in rungs:
        matter = rung["matter_id"]
        if addressed.of(rung["unit_path"], rung["did"], away.get(matter, frozenset()), turns.get(matter)):
            yield rung


_RUNG = select(*FiredRung.__table__.columns, Person.name.label("acknowledged_name")).outerjoin(
    Person, Person.id == FiredRung.acknowledged_by
)


class _Addressed:
    """Whether rungs address somebody today, himself or as whose stand-in.

    Who holds a role is looked up once for each unit, and only if he or one of those holds it anywhere.
    """

    def __init__(self, session: Session, actor: Actor, now: datetime) -> None:
        self._session, self._on, self._mine = session, local_date(now), stands_in_for(actor)
        self._roles = frozenset(grant.role for grant in actor.grants)
        self._there: dict[str, Holding] = {}

    @cached_property
    def _edition(self) -> str | None:
        return edition_of(self._session)

    def of(self, unit_path: str, did: Iterable[str], away: frozenset[int], turn: Row | None) -> frozenset[int]:
        """Return him and those he stands in for, as far as it addresses them.

        `away` are those whom the matter keeps away, `turn` is its open work item or the last it had.
        """
        people = (self._people(unit_path, deed, away, turn) for deed in did)
        return self._mine.intersection(frozenset().union(*people))

    def _people(self, unit_path: str, deed: str, away: frozenset[int], turn: Row | None) -> frozenset[int]:
        verb, _, what = deed.partition(" ")
        if verb == "remind":
            return frozenset(self._holders(unit_path, away, turn)) - away
        return self._turn(what if verb in ("tell", "raise", "reassign") else COUNTY_OFFICE, unit_path, away)

    def _holders(self, unit_path: str, away: frozenset[int], turn: Row | None) -> Iterator[int]:
        """Whoever has the matter; once it is closed or moved on, whoever had the last item is still answerable."""
        if turn is None:
            return
        if turn["person_id"] is not None:
            yield turn["person_id"]
        else:
            yield from self._turn(turn["role"], unit_path, away)
            if turn["closed_by"] is not None:
                yield turn["closed_by"]

    def _turn(self, role: str, unit_path: str, away: frozenset[int]) -> frozenset[int]:
        if self._roles.isdisjoint({role, COUNTY_OFFICE}):  # where nobody holds it, it goes to the county office
            return frozenset()
        if unit_path not in self._there:
            self._there[unit_path] = holding_at(self._session, self._edition, unit_path, self._on)
        return frozenset(route(self._there[unit_path], role, unit_path, away).people)


# Built once: a matter's page asks both. Of several items the open one, or the last, comes last.
_X, _W = Exclusion.__table__.c, WorkItem.__table__.c
_MATTERS: BindParameter[int] = bindparam("matters", expanding=True)
_TURNS = (
    select(_W.matter_id, _W.person_id, _W.role, _W.closed_by)
    .where(_W.kind == TURN, _W.matter_id.in_(_MATTERS))
    .order_by(_W.closed_at.is_(None), _W.id)
)
_AWAY = select(_X.matter_id, _X.person_id).where(_X.matter_id.in_(_MATTERS), _X.person_id.is_not(None))


def _last_turn(session: Session, loaded: Loaded) -> Row | None:
    """Return the open work item of a matter, or the last it had."""
    return loaded.turn or next(reversed(read_rows(session, _TURNS, {"matters": [loaded.id]})), None)


def _turns_and_away(session: Session, matter_ids: Iterable[int]) -> tuple[dict[int, Row], dict[int, frozenset[int]]]:
    """Return the open work item of each matter, or the last it had, and the people each keeps away."""
    wanted = {"matters": sorted(matter_ids)}
    turns, kept_away = read_together(session, (_TURNS, wanted), (_AWAY, wanted))
    away: dict[int, set[int]] = {}
    for row in kept_away:
        away.setdefault(row["matter_id"], set()).add(row["person_id"])
    return {row["matter_id"]: row for row in turns}, {matter: frozenset(people) for matter, people in away.items()}
