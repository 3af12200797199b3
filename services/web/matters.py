"""A matter as its page shows it: what is on record in words, what can be done, what happened."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from markupsafe import Markup
from sqlalchemy.orm import Session

from services.db.together import ask_along, read_rows
from services.engine.acknowledging import may_acknowledge
from services.engine.diagram import CannotDraw
from services.engine.loading import Loaded
from services.engine.looking import look
from services.engine.queries import (
    EntryView,
    Light,
    MatterView,
    PossibleAction,
    get_matter,
    possible_actions,
    timeline,
)
from services.engine.queries.details import details_asked
from services.engine.queries.history import timeline_asked
from services.engine.queries.rungs import RungView, open_rungs_of, rung_view
from services.engine.registry import Definition
from services.engine.visibility import find_visible
from services.notifications.attention import attention_asked, attention_of
from services.web.calls import Call
from services.web.drawing import coloured
from services.web.forms.fields import Field
from services.web.forms.pickers import Names, names_of
from services.web.forms.words import Fact, at_length, facts
from services.web.panels import PanelCard, cards
from services.web.records import OPENING, Record, StepFacts, form_of, names_in, record_of, sealed_asked
from services.web.rendering import when
from statemachines.kit.situation import Move

ENTRIES = 20
_NOTED = ("reason", "text", "note", "purpose")
_RUNGS = ("rung", "rung_failed")
_RUNG_DID = {
    "remind": "提醒办理人", "tell": "告知", "raise": "报", "reassign": "转由", "open": "启动", "perform": "自动",
}  # fmt: skip


class Happening(NamedTuple):
    """One entry of the journal in words: all it takes to draw it.

    `mark` is its kind: "rung" of a ladder, "action" of the procedure, else empty. `moved`: the states it led out of
    (empty where the matter was opened) and into.
    """

    seq: int
    at: datetime
    when: str
    who: str
    stood_in_for: str
    title: str
    mark: str
    moved: tuple[str, str] | None
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class History:
    """One page of the journal, newest first."""

    lines: list[Happening]
    next: str | None


class Deadline(NamedTuple):
    """A clock in the list of them. `until` is None while it stands still, `ended` while it has not ended."""

    id: int
    title: str
    duty: bool
    until: date | None
    length: str
    provisional: bool
    extension_asked: bool
    light: Light | None
    ended: datetime | None
    late: bool


@dataclass(frozen=True, slots=True)
class Deadlines:
    """All clocks of a matter, drawn once however often shown; `light` is the matter's own."""

    matter_id: int
    light: Light | None
    closed: bool
    running: tuple[Deadline, ...]
    over: tuple[Deadline, ...]


@dataclass(frozen=True, slots=True)
class Aside:
    """What stands beside the form and changes by notes alone."""

    matter: MatterView
    deadlines: Deadlines
    history: History
    rungs: list[RungView]
    mine: frozenset[int]
    panels: list[PanelCard]


@dataclass(frozen=True, slots=True)
class MatterPage:
    """The whole page; `drawing` is None where the layout program is missing.

    `unread`: something happened since this person opened it last.
    """

    matter: MatterView
    record: Record
    followed: bool
    unread: bool
    aside: Aside
    drawing: Markup | None

    @property
    def steps(self) -> tuple[StepFacts, ...]:
        return self.record.steps


@dataclass(frozen=True, slots=True)
class Deeds:
    """What this person may do now, a vote he owes first, then moves; `refused` says why he may not do the rest."""

    allowed: list[PossibleAction]
    refused: list[PossibleAction]

    def named(self, name: str) -> PossibleAction | None:
        return next((action for action in self.allowed if action.name == name), None)


def look_whole(session: Session, call: Call, matter_id: int) -> Loaded:
    """Look at a matter that `show_matter` is going to show: all it asks, names aside, goes with it."""
    ask_along(
        session, *details_asked(call.engine, call.actor, matter_id), attention_asked(call.actor, matter_id),
        sealed_asked(matter_id), open_rungs_of(call.engine, call.actor, matter_id),
        timeline_asked(matter_id, None, ENTRIES),
    )  # fmt: skip
    return look(session, call.engine, call.actor, matter_id)


def show_matter(session: Session, call: Call, loaded: Loaded, deeds: Deeds) -> MatterPage:
    """Return the page's content of a matter that `look_whole` has found."""
    view = get_matter(session, call.engine, loaded, call.actor, call.now)
    seen, followed = attention_of(session, call.actor, loaded.id)
    return MatterPage(
        view, record_of(session, call, loaded.definition, view), followed, _is_unread(view, seen),
        _aside(session, call, loaded, view),
        _draw(loaded, {action.name for action in deeds.allowed}),
    )  # fmt: skip


def show_aside(session: Session, call: Call, loaded: Loaded) -> Aside:
    """Return what stands beside the form."""
    return _aside(session, call, loaded, get_matter(session, call.engine, loaded, call.actor, call.now))


def deeds_of(call: Call, loaded: Loaded) -> Deeds:
    """Return what can be done with a matter now."""
    ordered = sorted(possible_actions(loaded, call.actor, call.now), key=_place)
    return Deeds([a for a in ordered if a.allowed], [a for a in ordered if not a.allowed])


_ORDER = ("forward", "vote", "return", "note", "withdraw")


def _place(action: PossibleAction) -> int:
    """A vote that is waited for comes before all else: it holds everybody up."""
    return -1 if action.kind == "vote" and not action.answered else _ORDER.index(action.kind)


def since(history: History, seq: int) -> list[Happening]:
    """Return what happened after an entry."""
    return [line for line in history.lines if line.seq > seq]


def unsealed(session: Session, call: Call, matter_id: int, name: str, content: Any) -> list[Fact]:
    """Tell what was opened, field by field."""
    row = find_visible(session, call.engine, call.actor, matter_id)
    definition = call.engine.registry.pinned(session, row["procedure_hash"], row["policy_hash"])
    fields = [found for found in form_of(definition, OPENING) if found.name == name]
    if fields and fields[0].fields and isinstance(content, dict):
        return facts(fields[0].fields, content, Names({}))
    return [Fact(name, tuple(str(content).splitlines()), long=True)]


def _is_unread(view: MatterView, seen: datetime | None) -> bool:
    """Whether anything happened since this person opened the page last; only then opening it writes anything."""
    latest = max([view.moved_at, *(i.opened_at for i in view.items), *(i.urged_at for i in view.items if i.urged_at)])
    return seen is None or seen <= latest


def _aside(session: Session, call: Call, loaded: Loaded, view: MatterView) -> Aside:
    found = read_rows(session, *open_rungs_of(call.engine, call.actor, view.id))
    mine = may_acknowledge(session, loaded, call.actor, call.now, found)
    rungs = [rung_view(session, call.engine, rung) for rung in found]
    panels = cards(session, call, loaded.definition, view.panels)
    return Aside(view, _deadlines(view), show_history(session, call, loaded, None), rungs, mine, panels)


def _deadlines(view: MatterView) -> Deadlines:
    lines = tuple(
        Deadline(
            clock.id, clock.title, clock.duty, clock.effective_due, clock.budget_zh, clock.provisional,
            clock.requested is not None, clock.light, clock.stopped_at, clock.late,
        )
        for clock in view.clocks
    )  # fmt: skip
    running, over = (tuple(one for one in lines if (one.ended is None) is runs) for runs in (True, False))
    return Deadlines(view.id, view.light if view.due_at else None, view.closed_at is not None, running, over)


def show_history(session: Session, call: Call, loaded: Loaded, cursor: str | None) -> History:
    """Return one page of what happened; raise BadCursor."""
    definition = loaded.definition
    page = timeline(session, loaded, call.actor, cursor=cursor, limit=ENTRIES)
    told = [(_telling(definition, entry), entry.content.get("answers") or {}) for entry in page.rows]
    names = names_in(session, call, told)
    people = names_of(session, call, {"person": set(_people(page.rows))})
    lines = [
        _happening(entry, [*facts(fields, answers, names), *_noted(entry, people, definition, call)], call)
        for entry, (fields, answers) in zip(page.rows, told, strict=True)
    ]
    return History(lines, page.next)


def _telling(definition: Definition, entry: EntryView) -> tuple[Field, ...]:
    """Return the fields whose answers the timeline tells; those of the opening stand at the top of the record."""
    return () if entry.action == OPENING else at_length(form_of(definition, entry.action))


def _happening(entry: EntryView, told: Iterable[Fact], call: Call) -> Happening:
    moves = entry.target not in (None, entry.source)
    return Happening(
        entry.seq, entry.at, when(entry.at, call.now), entry.actor_name if entry.actor_id else "系统",
        entry.behalf_of_name or "", entry.title,
        "rung" if entry.action in _RUNGS else "action" if entry.target else "",
        (entry.source_label, entry.target_label) if moves else None, tuple(told),
    )  # fmt: skip


def _noted(entry: EntryView, people: Names, definition: Definition, call: Call) -> list[Fact]:
    """What an entry of the engine itself says."""
    content, said = entry.content, []
    if entry.action in _RUNGS:
        rule = definition.policy.clocks.get(content.get("clock", ""))
        deeds = content["did"] if entry.action == "rung" else [content["failed"]]
        did = "、".join(_did(deed, call, definition) for deed in deeds)
        said.append(Fact(rule.title if rule else "", (did,)))
    to = content.get("to")
    if to:
        ids = to if isinstance(to, list) else [to]
        said.append(Fact("送", ("、".join(people.of("person", one) for one in ids),)))
    said += [Fact("", (str(content[key]),), long=True) for key in _NOTED if content.get(key)]
    return said


def _did(deed: str, call: Call, definition: Definition) -> str:
    verb, _, what = deed.partition(" ")
    if verb == "remind":
        return _RUNG_DID[verb]
    registry = call.engine.registry
    declared = definition.procedure.actions.get(what) or registry.procedures.get(what)
    title = declared.title if declared else registry.pack.roles.get(what, what)
    return _RUNG_DID.get(verb, "") + title


def _people(entries: Iterable[EntryView]) -> Iterator[int]:
    for entry in entries:
        to = entry.content.get("to")
        if isinstance(to, int | list):
            yield from to if isinstance(to, list) else [to]


def _draw(loaded: Loaded, possible: Collection[str]) -> Markup | None:
    trail = [Move(*move) for move in loaded.row["record"]["trail"]]
    try:
        return coloured(loaded.definition, trail, loaded.row["state"], possible)
    except CannotDraw:
        return None
