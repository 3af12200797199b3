"""One matter with everything around it that may be shown: never what is sealed, never who is kept away."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, Select, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from services.db.together import Query, read_rows
from services.engine import clocks as clk
from services.engine.core import Engine
from services.engine.loading import Loaded
from services.engine.models import Attachment, Link, Matter
from services.engine.queries.explaining import ClockView, clocks_of
from services.engine.queries.labels import action_title, item_title, link_title, role_title, state_label
from services.engine.queries.lights import Light, Lights
from services.engine.queries.panels import PanelView, panels_of
from services.engine.registry import Definition, Registry
from services.engine.visibility import find_visible, visible
from services.identity.access import Actor
from services.identity.models import Person
from services.identity.names import people_by_id, units_by_id


@dataclass(frozen=True, slots=True)
class ItemView:
    """An open work item of the matter, and whom it waits for."""

    id: int
    kind: str
    title: str
    role: str
    role_title: str
    unit_id: int
    unit_name: str
    person_id: int | None
    person_name: str | None
    opened_at: datetime
    due_at: datetime | None
    urged: int
    urged_at: datetime | None


@dataclass(frozen=True, slots=True)
class LinkView:
    """Another matter that this one is linked to. `kind_title` is said of the other: 督办, 原件, 分件."""

    kind: str
    kind_title: str
    outgoing: bool
    matter_id: int
    number: str
    title: str
    procedure: str
    state: str
    state_label: str


@dataclass(frozen=True, slots=True)
class StepView:
    """The latest performance of one action, with its answers as JSON values; sealed ones are not among them."""

    action: str
    title: str
    by: int | None
    by_name: str | None
    at: str
    answers: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AttachmentView:
    """A file of the matter. `size` is in bytes."""

    id: int
    name: str
    size: int
    media_type: str
    sha256: str
    uploaded_by: int
    uploaded_by_name: str
    uploaded_at: datetime


@dataclass(frozen=True, slots=True)
class MatterView:
    """A matter as its page shows it. `duties` are titles of what is still owed; `excluded` only counts people.

    `policy` and `policy_effective` say which version the matter is bound to.
    """

    id: int
    number: str
    title: str
    procedure: str
    procedure_title: str
    state: str
    state_label: str
    unit_id: int
    unit_name: str
    origin_unit_id: int
    origin_unit_name: str
    event_on: date
    opened_at: datetime
    moved_at: datetime
    closed_at: datetime | None
    due_at: datetime | None
    light: Light | None
    level: int
    version: int
    policy: str
    policy_effective: date
    steps: list[StepView]
    clocks: list[ClockView]
    duties: list[str]
    items: list[ItemView]
    panels: list[PanelView]
    links: list[LinkView]
    attachments: list[AttachmentView]
    excluded: int


def get_matter(session: Session, engine: Engine, loaded: Loaded, actor: Actor, now: datetime) -> MatterView:
    """Return a matter that `look` has found, in words."""
    row, definition, lights = loaded.row, loaded.definition, Lights(engine, now)
    clocks = clocks_of(loaded, lights, now)
    running = [(clock.name, clock.due_at, clock.provisional) for clock in clocks if clock.state == clk.RUNNING]
    units = units_by_id(session, [row["unit_id"], row["origin_unit_id"], *(i["unit_id"] for i in loaded.items)])
    copied = {name: row[name] for name in MatterView.__slots__ if name in row}
    linked, files = details_asked(engine, actor, loaded.id)
    return MatterView(
        **copied,
        procedure_title=definition.procedure.title,
        state_label=state_label(definition, row["state"]),
        unit_name=units[row["unit_id"]],
        origin_unit_name=units[row["origin_unit_id"]],
        light=None if row["closed_at"] else lights.of_matter(row["procedure"], row["due_at"], running),
        policy=definition.policy.source.title,
        policy_effective=definition.effective,
        steps=_steps(session, definition, row["record"]),
        clocks=clocks,
        duties=[c.title for c in clocks if c.duty and c.state != clk.STOPPED],
        items=[_item(engine, definition, item, units) for item in loaded.items],
        panels=panels_of(session, loaded, actor),
        links=_links(session, engine, loaded.id, linked),
        attachments=_attachments(session, files),
        excluded=len(loaded.people),
    )


def links(session: Session, engine: Engine, actor: Actor, matter_id: int) -> list[LinkView]:
    """Return the linked matters that the actor may know of; raise MatterNotFound for the matter itself."""
    find_visible(session, engine, actor, matter_id)
    linked, _ = details_asked(engine, actor, matter_id)
    return _links(session, engine, matter_id, linked)


def details_asked(engine: Engine, actor: Actor, matter_id: int) -> tuple[Query, Query]:
    """What `get_matter` asks of a matter that was found: its links, its files."""
    asked = {"matter_id": matter_id}
    return (_linked(actor, engine.registry), asked), (_FILES, asked)


_ID: BindParameter[int] = bindparam("matter_id")


def _links(session: Session, engine: Engine, matter_id: int, linked: Query) -> list[LinkView]:
    return [_link(session, engine, row, row["from_id"] == matter_id) for row in read_rows(session, *linked)]


@lru_cache(maxsize=512)
def _linked(actor: Actor, registry: Registry) -> Select[Any]:
    """The statement, kept for each set of roles."""
    there = or_(and_(Link.from_id == _ID, Link.to_id == Matter.id), and_(Link.to_id == _ID, Link.from_id == Matter.id))
    shown = (Matter.id, Matter.number, Matter.title, Matter.procedure, Matter.state)
    return (
        select(Link.kind, Link.from_id, *shown, Matter.procedure_hash, Matter.policy_hash)
        .join(Matter, there)
        .where(visible(actor, registry))
        .order_by(Link.id)
    )


def _link(session: Session, engine: Engine, row: Mapping[str, Any], outgoing: bool) -> LinkView:
    definition = engine.registry.pinned(session, row["procedure_hash"], row["policy_hash"])
    return LinkView(
        row["kind"], link_title(engine, row["kind"], outgoing), outgoing, row["id"], row["number"], row["title"],
        row["procedure"], row["state"], state_label(definition, row["state"]),
    )  # fmt: skip


def _steps(session: Session, definition: Definition, record: Mapping[str, Any]) -> list[StepView]:
    """In the order they were taken; PostgreSQL keeps none among the keys of a JSON object."""
    steps, moved = record["steps"], {move[1]: place for place, move in enumerate(record["trail"])}
    names = people_by_id(session, [step["by"] for step in steps.values()])
    taken = sorted(steps.items(), key=lambda s: (datetime.fromisoformat(s[1]["at"]), moved.get(s[0], len(moved)), s[0]))
    return [
        StepView(action, action_title(definition, action), s["by"], names.get(s["by"]), s["at"], s["answers"])
        for action, s in taken
    ]


def _item(engine: Engine, definition: Definition, row: Mapping[str, Any], units: Mapping[int, str]) -> ItemView:
    return ItemView(
        **{name: row[name] for name in ItemView.__slots__ if name in row},
        title=item_title(definition, row["kind"], row["state"]),
        role_title=role_title(engine, row["role"]),
        unit_name=units[row["unit_id"]],
    )


_FILES = (
    select(*Attachment.__table__.columns, Person.name.label("uploaded_by_name"))
    .join(Person, Person.id == Attachment.uploaded_by)
    .where(Attachment.matter_id == _ID)
    .order_by(Attachment.id)
)


def _attachments(session: Session, files: Query) -> list[AttachmentView]:
    return [
        AttachmentView(**{name: row[name] for name in AttachmentView.__slots__}) for row in read_rows(session, *files)
    ]
