"""What a rung does: remind, tell, raise, reassign, open, perform. Each deed is journalled with the rung."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import BindParameter, Select, bindparam, or_, select, update
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.db.errors import DubanError
from services.db.rows import update_rows
from services.db.together import Row, read_rows
from services.engine import journal
from services.engine.core import Engine
from services.engine.loading import TURN
from services.engine.messages import message_rows, send
from services.engine.models import Exclusion, Matter, WorkItem
from services.engine.opening import Parent, open_matter
from services.engine.perform import perform
from services.engine.routing import Turn, route
from services.identity.access import CLOCK
from services.identity.people import Line, lines_of_holders
from statemachines.kit.policy import MEMBER, Rung
from statemachines.kit.procedure import Rung as OverdueClock


@dataclass(frozen=True, slots=True)
class Deed:
    """A claimed rung of a clock, to be carried out."""

    clock: dict[str, Any]
    rung: Rung
    fired_id: int


@dataclass
class Round:
    """One batch's look-ups, each for all its matters once a rung needs it, and what it writes at the end."""

    engine: Engine
    session: Session
    matters: dict[int, dict[str, Any]]
    now: datetime
    lines: dict[str, dict[str, Line]] = field(default_factory=dict)
    turns: dict[tuple[str, str, frozenset[int]], Turn] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)

    @cached_property
    def today(self) -> date:
        return local_date(self.now)

    @cached_property
    def away(self) -> Mapping[int, set[int]]:
        """Return the people whom each matter keeps away."""
        return _people(self._ask(_AWAY))

    @cached_property
    def items(self) -> dict[int, Row]:
        """Return the open work item of each matter."""
        return {row["matter_id"]: row for row in self._waiting if row["role"] != MEMBER}

    @cached_property
    def members(self) -> Mapping[int, set[int]]:
        """Return the members of panels that each matter waits for."""
        return _people(row for row in self._waiting if row["role"] == MEMBER)

    @cached_property
    def _waiting(self) -> list[Row]:
        return self._ask(_WAITING)

    def _ask(self, query: Select[Any]) -> list[Row]:
        return read_rows(self.session, query, {"matters": sorted(self.matters)})

    def _line(self, role: str, path: str) -> Line:
        if role not in self.lines:
            paths = {matter["unit_path"] for matter in self.matters.values()}
            self.lines[role] = lines_of_holders(self.session, role, paths, self.today)
        return self.lines[role][path]

    def turn(self, role: str, matter: dict[str, Any]) -> Turn:
        path, away = matter["unit_path"], frozenset(self.away[matter["id"]])
        key = (role, path, away)
        if key not in self.turns:
            self.turns[key] = route(lambda wanted: self._line(wanted, path), role, path, away)
        return self.turns[key]

    def holder(self, matter: dict[str, Any]) -> tuple[int, ...]:
        """Return whom the matter waits for: who has it, or everyone whose turn it is, and members of its panels."""
        item, away = self.items.get(matter["id"]), self.away[matter["id"]]
        members = tuple(sorted(self.members[matter["id"]] - away))
        if item is None:
            return members
        if item["person_id"] is not None and item["person_id"] not in away:
            return (item["person_id"], *members)
        return (*self.turn(item["role"], matter).people, *members)


def do_deeds(
    engine: Engine, session: Session, deeds: list[Deed], matters: dict[int, dict[str, Any]], now: datetime
) -> int:
    """Carry out rungs on matters that are locked; return how many single deeds failed (they are journalled so)."""
    if not deeds:
        return 0
    ids = {d.clock["matter_id"] for d in deeds}
    around = Round(engine, session, matters, now)
    heads = {i: journal.Head(i, matters[i]["journal_seq"], matters[i]["journal_head"]) for i in ids}
    entries, later = [], []
    for deed in deeds:
        matter = matters[deed.clock["matter_id"]]
        for text in deed.rung.do:
            verb, _, what = text.partition(" ")
            if verb in ("open", "perform"):
                later.append((deed, verb, what))
            else:
                _HERE[verb](around, matter, deed, what)
        content = {
            "clock": deed.clock["name"],
            "rung": deed.rung.at,
            "did": list(deed.rung.do),
            "due": str(deed.clock["effective_due"]),
        }
        entries.append(journal.chain(heads[matter["id"]], journal.Event("rung", CLOCK, now, content)))
    journal.write(session, entries)
    send(session, around.messages)
    update_rows(session, Matter, {i: {"level": matters[i]["level"], **heads[i].columns()} for i in ids})
    later.sort(key=lambda one: (one[2], matters[one[0].clock["matter_id"]]["unit_id"]))  # number series: one lock order
    return sum(not _do_later(around, *one) for one in later)


_X, _W = (model.__table__.c for model in (Exclusion, WorkItem))
_MATTERS: BindParameter[int] = bindparam("matters", expanding=True)
_AWAY = select(_X.matter_id, _X.person_id).where(_X.matter_id.in_(_MATTERS), _X.person_id.is_not(None))
_WAITING = select(*_W).where(
    _W.matter_id.in_(_MATTERS), _W.closed_at.is_(None), or_(_W.kind == TURN, _W.role == MEMBER)
)


def _people(rows: Iterable[Row]) -> Mapping[int, set[int]]:
    found: Mapping[int, set[int]] = defaultdict(set)
    for row in rows:
        found[row["matter_id"]].add(row["person_id"])
    return found


def _remind(around: Round, matter: dict[str, Any], deed: Deed, _: str) -> None:
    around.messages += message_rows(
        around.holder(matter), matter["id"], "reminder", _says(around, matter, deed), around.now
    )


def _tell(around: Round, matter: dict[str, Any], deed: Deed, role: str) -> None:
    people = around.turn(role, matter).people
    around.messages += message_rows(people, matter["id"], "escalation", _says(around, matter, deed), around.now)


def _raise(around: Round, matter: dict[str, Any], deed: Deed, role: str) -> None:
    matter["level"] += 1
    _tell(around, matter, deed, role)


def _reassign(around: Round, matter: dict[str, Any], deed: Deed, role: str) -> None:
    item = around.items.get(matter["id"])
    if item is None:
        return
    turn = around.turn(role, matter)
    columns = {"role": turn.role, "unit_id": turn.unit_id, "person_id": None}
    around.session.execute(update(WorkItem).where(WorkItem.id == item["id"]).values(**columns))
    item.update(columns)
    _tell(around, matter, deed, role)


_HERE = {"remind": _remind, "tell": _tell, "raise": _raise, "reassign": _reassign}


def _do_later(around: Round, deed: Deed, verb: str, what: str) -> bool:
    """Open or perform inside a savepoint: a refusal is journalled and told to the county office, and stops nothing."""
    matter = around.matters[deed.clock["matter_id"]]
    try:
        with around.session.begin_nested():
            if verb == "open":
                _open(around, matter, deed, what)
            else:
                perform(around.engine, around.session, matter["id"], what, CLOCK, {}, around.now)
        return True
    except DubanError as problem:
        content = {
            "clock": deed.clock["name"],
            "rung": deed.rung.at,
            "failed": f"{verb} {what}",
            "why": str(problem),
        }
        journal.note(around.session, matter["id"], journal.Event("rung_failed", CLOCK, around.now, content))
        return False


def _open(around: Round, matter: dict[str, Any], deed: Deed, procedure: str) -> None:
    declared = around.engine.registry.procedures[procedure]
    assert declared.opening.on_rung is not None  # checked when the policies were read
    title = around.engine.registry.pinned(
        around.session, matter["procedure_hash"], matter["policy_hash"]
    ).policy.clocks[deed.clock["name"]].title  # fmt: skip
    rung = OverdueClock(
        matter["id"], matter["number"], matter["title"], matter["unit_id"], title, deed.clock["effective_due"]
    )
    open_matter(
        around.engine, around.session, procedure, declared.opening.on_rung(rung), CLOCK, around.now,
        unit_id=matter["unit_id"], parent=Parent(matter["id"], declared.opening.rung_link),
    )  # fmt: skip


def _says(around: Round, matter: dict[str, Any], deed: Deed) -> str:
    due = deed.clock["effective_due"]
    left = (due - around.today).days
    when = f"剩{left}天" if left > 0 else "今日到期" if left == 0 else f"已超期{-left}天"
    return f"{matter['number']}{when}（应于{due.isoformat()}前办结），请及时办理"
