"""What the engine keeps. `matter.state` is written by `perform` and `open_matter` alone."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.db.base import Base

_OPEN = text("closed_at IS NULL")
_NAMED = text("person_id IS NOT NULL")
_TAKEN = text("closed_at IS NULL AND person_id IS NOT NULL")
_UNSENT = text("sent_at IS NULL")
_UNACKNOWLEDGED = text("acknowledged_at IS NULL")
_UNTOLD = text("told_at IS NULL")
_CLIMBS = text("next_rung_at IS NOT NULL")


def _unique_if_any(table: str, column: str) -> Index:
    """Most rows have none: an index that leaves these out costs them nothing."""
    has = text(f"{column} IS NOT NULL")
    return Index(f"uq_{table}_{column}", column, unique=True, sqlite_where=has, postgresql_where=has)


class Text(Base):
    """The text of a procedure or policy version that a matter was opened under, signed with a key kept elsewhere."""

    __tablename__ = "version_text"

    hash: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    key: Mapped[str] = mapped_column(index=True)
    pack: Mapped[str]
    effective: Mapped[date | None]
    text: Mapped[str]
    signature: Mapped[str]
    first_used_at: Mapped[datetime]


class Matter(Base):
    """One running instance of a procedure.

    `record` is the projection of the journal that guards look at: the latest answers per action, the trail of
    states, who did what. `due_at` is the earliest end of a running clock. `version` rises with every change.
    """

    __tablename__ = "matter"
    __table_args__ = (
        UniqueConstraint("origin_unit_id", "procedure", "number"),  # two villages may bear one name
        _unique_if_any("matter", "external_ref"),
        Index("ix_matter_open_unit", "unit_id", "procedure", "due_at"),
        Index("ix_matter_due", "due_at", "id"),
        Index("ix_matter_event", "procedure", "event_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    procedure: Mapped[str]
    number: Mapped[str]
    title: Mapped[str]
    state: Mapped[str]
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    origin_unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    opened_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    event_on: Mapped[date]
    opened_at: Mapped[datetime]
    moved_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    version: Mapped[int]
    level: Mapped[int]
    due_at: Mapped[datetime | None]
    procedure_hash: Mapped[str] = mapped_column(ForeignKey("version_text.hash"))
    policy_hash: Mapped[str] = mapped_column(ForeignKey("version_text.hash"))
    record: Mapped[dict[str, Any]]
    undo: Mapped[dict[str, Any] | None]
    journal_seq: Mapped[int]
    journal_head: Mapped[str]
    external_ref: Mapped[str | None]


class Receipt(Base):
    """What stands for the code by which whoever brought a matter asks how it stands; apart, since it never changes."""

    __tablename__ = "receipt"

    digest: Mapped[str] = mapped_column(primary_key=True)
    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"))


class Exclusion(Base):
    """A person or a unit kept away from a matter: named in it, or recused."""

    __tablename__ = "exclusion"
    __table_args__ = (
        UniqueConstraint("matter_id", "person_id", "unit_id"),
        Index("ix_exclusion_person", "person_id", "matter_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    why: Mapped[str]


class WorkItem(Base):
    """What waits for a role at a unit, or for one person."""

    __tablename__ = "work_item"
    __table_args__ = (
        Index(
            "ix_work_item_turn", "role", "unit_id", "due_at", "id",
            sqlite_where=_OPEN, postgresql_where=_OPEN, postgresql_include=["matter_id", "person_id"],
        ),
        Index("ix_work_item_person", "person_id", "due_at", "id", sqlite_where=_TAKEN, postgresql_where=_TAKEN),
        # whose a matter is or was: every list of matters asks it
        Index("ix_work_item_own", "person_id", "matter_id", sqlite_where=_NAMED, postgresql_where=_NAMED),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"), index=True)
    kind: Mapped[str]
    state: Mapped[str]
    role: Mapped[str]
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[int | None]
    urged_at: Mapped[datetime | None]
    urged: Mapped[int]


class Clock(Base):
    """A period running on a matter: the budget and its ledger; the dates are derived by `kit.periods.compute_due`.

    `ledger` holds {"extensions": […], "suspensions": […], "requested": {…} | null, "history": […]}.
    `rungs_fired` counts the rungs of the ladder already served; they fire in order.
    """

    __tablename__ = "clock"
    __table_args__ = (
        Index("ix_clock_next_rung", "next_rung_at", "id", sqlite_where=_CLIMBS, postgresql_where=_CLIMBS),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"), index=True)
    name: Mapped[str]
    duty: Mapped[bool]
    state: Mapped[str]
    anchor: Mapped[date]
    budget: Mapped[str]
    budget_key: Mapped[str | None]
    given_at: Mapped[datetime | None]
    started_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    nominal_due: Mapped[date | None]
    effective_due: Mapped[date | None]
    due_at: Mapped[datetime | None]
    next_rung_at: Mapped[datetime | None]
    rungs_fired: Mapped[int]
    provisional: Mapped[bool]
    calendar_version: Mapped[str]
    ledger: Mapped[dict[str, Any]]


class FiredRung(Base):
    """A rung that fired: unique per clock and rung, so the insert is the claim."""

    __tablename__ = "fired_rung"
    __table_args__ = (
        UniqueConstraint("clock_id", "rung"),
        Index("ix_fired_rung_open", "id", sqlite_where=_UNACKNOWLEDGED, postgresql_where=_UNACKNOWLEDGED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    clock_id: Mapped[int] = mapped_column(ForeignKey("clock.id"))
    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"))
    rung: Mapped[str]
    due_on: Mapped[date]
    fired_at: Mapped[datetime]
    did: Mapped[list[Any]]
    acknowledged_by: Mapped[int | None]
    acknowledged_at: Mapped[datetime | None]


class Obligation(Base):
    """What a unit, or its head (else `person_id` is 0), owed in a period: the insert is the claim.

    It was opened (`matter_id`), waived with a reason (by a person: `waived_by`), or failed and is tried again.
    """

    __tablename__ = "obligation"
    __table_args__ = (UniqueConstraint("procedure", "name", "period", "unit_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    procedure: Mapped[str]
    name: Mapped[str]
    period: Mapped[str]
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    person_id: Mapped[int]
    first_day: Mapped[date]
    last_day: Mapped[date]
    due_on: Mapped[date]
    matter_id: Mapped[int | None] = mapped_column(ForeignKey("matter.id"), index=True)
    waived: Mapped[str | None]
    waived_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    failure: Mapped[str | None]
    made_at: Mapped[datetime]


class Candidate(Base):
    """A ground of a matter that a rule proposed, once per rule, unit and head: the insert is the claim.

    `person_id` is the head of the unit, 0 where the rule looks at the unit alone; `matter_id` the candidate.
    """

    __tablename__ = "candidate"
    __table_args__ = (UniqueConstraint("procedure", "rule", "unit_id", "person_id", "ground_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    procedure: Mapped[str]
    rule: Mapped[str]
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    person_id: Mapped[int]
    ground_id: Mapped[int] = mapped_column(ForeignKey("matter.id"))
    matter_id: Mapped[int | None] = mapped_column(ForeignKey("matter.id"), index=True)
    made_at: Mapped[datetime]


class Entry(Base):
    """What happened, append-only. `hash` covers the content and `previous`, the hash of the entry before."""

    __tablename__ = "journal"
    __table_args__ = (_unique_if_any("journal", "request_key"), Index("ix_journal_at", "at"))

    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    actor_name: Mapped[str]
    behalf_of: Mapped[int | None]
    action: Mapped[str]
    source: Mapped[str | None]
    target: Mapped[str | None]
    content: Mapped[dict[str, Any]]
    request_key: Mapped[str | None]
    previous: Mapped[str]
    hash: Mapped[str]


class Link(Base):
    """One matter opened by, part of, repeating, checking or supervising another.

    `told_at` is when the other one was told that this one is closed, where its procedure waits for that.
    """

    __tablename__ = "link"
    __table_args__ = (
        UniqueConstraint("from_id", "to_id", "kind"),
        Index("ix_link_untold", "kind", "to_id", sqlite_where=_UNTOLD, postgresql_where=_UNTOLD),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    from_id: Mapped[int] = mapped_column(ForeignKey("matter.id"))
    to_id: Mapped[int] = mapped_column(ForeignKey("matter.id"), index=True)
    kind: Mapped[str]
    made_at: Mapped[datetime]
    told_at: Mapped[datetime | None]


class Once(Base):
    """What a procedure opens once only: the key that its opening makes of the answers, and the matter that has it."""

    __tablename__ = "once"

    procedure: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"))


class Seat(Base):
    """A member of a panel in one of its rounds; `answers` stay empty where the panel is anonymous."""

    __tablename__ = "panel_seat"
    __table_args__ = (UniqueConstraint("matter_id", "panel", "round", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"))
    panel: Mapped[str]
    round: Mapped[int]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    group_key: Mapped[str]
    state: Mapped[str]
    answers: Mapped[dict[str, Any] | None]


class Urn(Base):
    """The anonymous answers of a panel's round and group, sorted by what they say: no member, no time, no order."""

    __tablename__ = "panel_urn"

    matter_id: Mapped[int] = mapped_column(ForeignKey("matter.id"), primary_key=True)
    panel: Mapped[str] = mapped_column(primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True)
    group_key: Mapped[str] = mapped_column(primary_key=True)
    ballots: Mapped[list[Any]]


class Series(Base):
    """The last business number given, per procedure, unit and year."""

    __tablename__ = "number_series"

    procedure: Mapped[str] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]


class Attachment(Base):
    """A file: its content is stored once under its SHA-256; `matter_id` is null until an action uses it."""

    __tablename__ = "attachment"

    id: Mapped[int] = mapped_column(primary_key=True)
    matter_id: Mapped[int | None] = mapped_column(ForeignKey("matter.id"), index=True)
    sha256: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    size: Mapped[int]
    media_type: Mapped[str]
    uploaded_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    uploaded_at: Mapped[datetime]


class Message(Base):
    """An in-app message to one person, and the outbox row of its mail or chat copy.

    In the app it is delivered by being here. `sent_at` is set once the copy left; it names the matter's number
    and the deadline, never content.
    """

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_person", "person_id", "read_at", "id"),
        Index("ix_message_waiting", "next_try_at", "id", sqlite_where=_UNSENT, postgresql_where=_UNSENT),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    matter_id: Mapped[int | None] = mapped_column(ForeignKey("matter.id"))
    kind: Mapped[str]
    text: Mapped[str]
    made_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    next_try_at: Mapped[datetime]
    attempts: Mapped[int]
    last_error: Mapped[str | None]
