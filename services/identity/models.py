"""The tables of people, units, roles, credentials and sealed texts.

All ranges of days are inclusive at both ends, in the county's local calendar; an open end is `None`.
"""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from services.db.base import Base
from services.identity.editions import belongs


class UnitKind(StrEnum):
    """The levels of the organisation tree; only its root is a county."""

    COUNTY = "county"
    TOWNSHIP = "township"
    DEPARTMENT = "department"
    GRASSROOTS = "grassroots"


class CredentialKind(StrEnum):
    """A session is a person at a screen with all his rights; a token is a machine with some of them."""

    SESSION = "session"
    TOKEN = "token"


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class Unit(Base):
    """A node of the organisation tree. `path` is the ids from the root to itself: "/1/4/9/"."""

    __tablename__ = "unit"
    __table_args__ = (
        _one_of("kind", UnitKind),
        CheckConstraint("(kind = 'county') = (parent_id IS NULL)", name="root_is_county"),
        # a second root would turn "granted on the root" into less than everything
        Index(
            "uq_unit_root",
            "kind",
            unique=True,
            sqlite_where=text("parent_id IS NULL"),
            postgresql_where=text("parent_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)
    path: Mapped[str] = mapped_column(index=True)
    founded_on: Mapped[date | None]
    abolished_on: Mapped[date | None]


class Person(Base):
    """Someone who works here. Without a `login` he cannot log in, but can be appointed and written to.

    A temporary password was given by somebody else: with it one can do nothing but set one's own.
    """

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    login: Mapped[str | None] = mapped_column(unique=True)
    password_hash: Mapped[str | None]
    password_temporary: Mapped[bool] = mapped_column(default=False)
    failed_count: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class Post(Base):
    """What a person is in a unit, from–to; `head` marks the one who answers for the unit."""

    __tablename__ = "post"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    title: Mapped[str]
    head: Mapped[bool] = mapped_column(default=False)
    held_from: Mapped[date]
    held_to: Mapped[date | None]


class Grant(Base):
    """A role given to a person on a unit and all below it. Revoking sets `valid_to` to the day before."""

    __tablename__ = "role_grant"
    __table_args__ = (Index("ix_role_grant_role_unit", "role", "unit_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[str]
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    granted_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str]


class Delegation(Base):
    """One person's own roles lent to another for some days; what was lent to him is not lent on."""

    __tablename__ = "delegation"
    __table_args__ = (
        CheckConstraint("from_id <> to_id", name="not_to_oneself"),
        CheckConstraint("starts_on <= ends_on", name="forwards"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    from_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    to_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    reason: Mapped[str]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    revoked_at: Mapped[datetime | None]


belongs(Unit)
belongs(Person, "name", "active")
belongs(Grant)
belongs(Delegation)


class Credential(Base):
    """Proof of who calls: the SHA-256 of a random secret that is itself kept nowhere."""

    __tablename__ = "credential"
    __table_args__ = (_one_of("kind", CredentialKind),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[str]
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class Sealed(Base):
    """An encrypted text that belongs to a matter; the newest of a name counts, the older stay."""

    __tablename__ = "sealed"
    __table_args__ = (Index("ix_sealed_matter_name", "matter_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    matter_id: Mapped[int]
    name: Mapped[str]
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
