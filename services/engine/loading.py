"""Reads a matter with everything a decision needs, in few statements.

The lock on a matter's row is that on its clocks and work items too: whoever changes these holds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import BindParameter, Select, String, bindparam, literal_column, null, select, union_all
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.db.together import Query, Row, read_in_parts, read_together
from services.engine import clocks as clk
from services.engine.core import Engine
from services.engine.errors import MatterNotFound
from services.engine.models import Clock, Exclusion, Link, Matter, WorkItem
from services.engine.registry import Definition
from services.engine.sittings import Sitting, read_sittings
from services.identity.access import Actor, renewed
from services.identity.editions import EDITION, note_edition
from services.identity.names import people_by_id
from services.identity.units import unit_at
from statemachines.kit.panels import Panel, SeatState
from statemachines.kit.situation import Move, Other, Situation, Step

TURN = "turn"
"""The kind of work item that a state gives; other kinds are side requests, named after the action that answers them."""
EXTENSION = "grant_extension"

_M, _C, _W, _X, _L = (model.__table__.c for model in (Matter, Clock, WorkItem, Exclusion, Link))
_ID: BindParameter[int] = bindparam("matter_id")

# Built once: on this path putting statements together would cost more than running them.
MATTER = select(*_M).where(_M.id == _ID)
# key_share: a row that merely refers to the matter (a link, an opening) need not wait, and so cannot deadlock
_MATTER_LOCKED = MATTER.with_for_update(of=Matter.__table__, key_share=True)
# unordered: a matter has a handful of these, which cost less to sort here than a plan that sorts
_ALL_CLOCKS = select(*_C).where(_C.matter_id == _ID)
_CLOCKS = _ALL_CLOCKS.where(_C.state != clk.STOPPED)
_ITEMS = select(*_W).where(_W.matter_id == _ID, _W.closed_at.is_(None))
_IS = ("away", "link", "edition")
_AWAY, _LINK, _SAID = (literal_column(f"'{word}'", String).label("is_") for word in _IS)
# two lists that are empty for most matters, whom it keeps away and what hangs on it; the edition is asked here and not
# with the lock, since a statement that waits does not see what is committed meanwhile
_BESIDE = union_all(
    select(_AWAY, _X.id, null().label("text"), _X.person_id, _X.unit_id, null().label("from_id")).where(
        _X.matter_id == _ID
    ),
    select(_LINK, _L.id, _L.kind, null(), null(), _L.from_id).where(_L.to_id == _ID),
    select(_SAID, null(), EDITION, null(), null(), null()),
)
_AROUND = (_ITEMS, _BESIDE)
_WHOLE, _WHOLE_LOCKED = (MATTER, _CLOCKS, *_AROUND), (_MATTER_LOCKED, _CLOCKS, *_AROUND)
_BY_ID = itemgetter("id")
_OTHERS = select(_M.id, _M.procedure, _M.state, _M.closed_at, _M.event_on, _M.record).where(
    _M.id.in_(bindparam("others", expanding=True))
)


@dataclass
class Loaded:
    """A matter as it stands inside this transaction. `clocks` are those running or suspended.

    `ended` are the others, for whoever looks at a matter; who moves it does not read them. `edition` is that of the
    directory, read once the matter was had; by it `row` says where its units lie (`unit_path`, `unit_kind`,
    `origin_path`).
    """

    row: Mapping[str, Any]
    definition: Definition
    clocks: list[dict[str, Any]]
    items: list[Row]
    people: frozenset[int]
    units: frozenset[int]
    edition: str | None
    others: dict[int, Other] = field(default_factory=dict)
    linked: dict[str, tuple[Other, ...]] = field(default_factory=dict)
    sittings: dict[str, Sitting] = field(default_factory=dict)
    ended: list[Row] = field(default_factory=list)

    @property
    def id(self) -> int:
        return int(self.row["id"])

    @property
    def turn(self) -> Row | None:
        """Return the open work item of the present state."""
        return next((i for i in self.items if i["kind"] == TURN), None)

    @property
    def assigned(self) -> frozenset[int]:
        """Return whom answers on record assign the matter to by name, whatever their roles."""
        steps, assigning = self.row["record"]["steps"], self.definition.procedure.assigning
        named = (steps[action]["answers"][name] for action, name in assigning if action in steps)
        return frozenset(person for person in named if person is not None)

    @property
    def seated(self) -> frozenset[int]:
        """Return whoever sits on a panel of this matter."""
        seats = (s for sitting in self.sittings.values() for s in sitting.seats)
        return frozenset(s["person_id"] for s in seats if s["state"] != SeatState.REMOVED)

    def situation(
        self, actor: Actor, now: datetime, behalf_of: int | None = None, roles: frozenset[str] = frozenset()
    ) -> Situation:
        record = self.row["record"]
        return Situation(
            state=self.row["state"],
            policy=self.definition.policy,
            now=now,
            today=local_date(now),
            actor=actor.id,
            matter_id=self.id,
            from_elsewhere=self.row["external_ref"] is not None,
            behalf_of=behalf_of,
            unit_id=self.row["unit_id"],
            unit_kind=self.row["unit_kind"],
            steps={a: Step(s["by"], s["at"], s["answers"]) for a, s in record["steps"].items()},
            trail=tuple(Move(*m) for m in record["trail"]),
            actors={a: frozenset(ids) for a, ids in record["actors"].items()},
            duties=frozenset(c["name"] for c in self.clocks if c["duty"]),
            clocks={c["name"]: c["state"] for c in self.clocks},
            pending=frozenset(c["name"] for c in self.clocks if c["ledger"]["requested"]),
            overdue=frozenset(c["name"] for c in self.clocks if clk.is_overdue(c, now)),
            others=self.others,
            linked=self.linked,
            panels={name: s.tally(self.definition, self._panels[name]) for name, s in self.sittings.items()},
            roles=roles,
            at_home=self._at_home(actor, behalf_of),
        )

    def _at_home(self, actor: Actor, behalf_of: int | None) -> bool:
        path, acting = self.row["unit_path"], {actor.id, behalf_of}
        return any(g.path.startswith(path) for g in actor.grants if g.holder_id in acting)

    @property
    def _panels(self) -> Mapping[str, Panel]:
        return self.definition.procedure.panels


def load(engine: Engine, session: Session, matter_id: int) -> Loaded:
    """Return a matter; raise MatterNotFound."""
    return _found(engine, session, read_together(session, *((query, {"matter_id": matter_id}) for query in _WHOLE)))


def load_locked(
    engine: Engine, session: Session, matter_id: int, actor: Actor, *also: Query
) -> tuple[Loaded, Actor, list[list[Row]]]:
    """Lock a matter until the transaction ends; return it, the actor, and the answers to further queries.

    All is as it stands once the lock is had, what the actor holds too. Raises MatterNotFound.
    """
    whole, answers = read_in_parts(session, [(query, {"matter_id": matter_id}) for query in _WHOLE_LOCKED], also)
    loaded = _found(engine, session, whole)
    return loaded, renewed(session, actor, loaded.edition), answers


def load_seen(engine: Engine, session: Session, seen: Select[Any], matter_id: int) -> Loaded:
    """Return the matter that `seen`, a choice of `MATTER`, finds, with its ended clocks; raise MatterNotFound."""
    wanted = ((query, {"matter_id": matter_id}) for query in (seen, _ALL_CLOCKS, *_AROUND))
    matter, clocks, *around = read_together(session, *wanted)
    going, ended = ([c for c in clocks if (c["state"] == clk.STOPPED) is over] for over in (False, True))
    loaded = _found(engine, session, [matter, going, *around])
    loaded.ended = sorted(ended, key=_BY_ID)
    return loaded


def _found(engine: Engine, session: Session, whole: list[list[Row]]) -> Loaded:
    matter, *around = whole
    if not matter:
        raise MatterNotFound
    return _loaded(engine, session, matter[0], *around)


def _loaded(
    engine: Engine, session: Session, row: Mapping[str, Any],
    clocks: list[Row], items: list[Row], beside: list[Row],
) -> Loaded:  # fmt: skip
    away, linked, (said,) = ([one for one in beside if one["is_"] == word] for word in _IS)
    edition = note_edition(session, said["text"])
    definition = engine.registry.pinned(session, row["procedure_hash"], row["policy_hash"])
    names = people_by_id(session, (item["person_id"] for item in items), edition)
    unit, origin = (unit_at(session, edition, row[of]) for of in ("unit_id", "origin_unit_id"))
    return Loaded(
        row={**row, "unit_path": unit["path"], "unit_kind": unit["kind"], "origin_path": origin["path"]},
        definition=definition,
        clocks=sorted(clocks, key=_BY_ID),
        items=[{**item, "person_name": names.get(item["person_id"])} for item in sorted(items, key=_BY_ID)],
        people=frozenset(e["person_id"] for e in away if e["person_id"] is not None),
        units=frozenset(e["unit_id"] for e in away if e["unit_id"] is not None),
        edition=edition,
        others=load_others(session, row["record"]["refs"]),
        linked=_linked(session, definition, linked),
        sittings=read_sittings(session, definition, row["id"]),
    )


def _linked(session: Session, definition: Definition, hanging: list[Row]) -> dict[str, tuple[Other, ...]]:
    """Return, per kind of link that the procedure watches, the matters that hang on this one, oldest first."""
    listed = sorted(hanging, key=_BY_ID)
    found = [(link["text"], link["from_id"]) for link in listed if link["text"] in definition.procedure.watches]
    others = load_others(session, [i for _, i in found])
    return {kind: tuple(others[i] for k, i in found if k == kind) for kind in dict(found)}


def load_others(session: Session, ids: list[int]) -> dict[int, Other]:
    """Return the matters that answers refer to, as guards may see them."""
    if not ids:
        return {}
    return {
        r.id: Other(
            r.id, r.procedure, r.state, r.closed_at is not None, r.event_on,
            {a: Step(s["by"], s["at"], s["answers"]) for a, s in r.record["steps"].items()},
            {a: frozenset(ids) for a, ids in r.record["actors"].items()},
        )
        for r in session.connection().execute(_OTHERS, {"others": ids})
    }  # fmt: skip
