"""What every table is made of: the declarative base, and column types that behave alike on both databases."""

from datetime import UTC, date, datetime
from typing import Any, ClassVar

import orjson
from sqlalchemy import JSON, BigInteger, Date, DateTime, Dialect, Integer, MetaData, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""JSON text on SQLite, JSONB on PostgreSQL; `None` is SQL NULL. Replace the value, never mutate it."""

BY_TRIGGERS = "by_triggers"
"""In the `info` of a table that the database fills by itself: copies of its rows are of no use."""

Key = BigInteger().with_variant(Integer(), "sqlite")
"""64-bit on both: SQLite numbers rows by itself only where the type reads INTEGER."""


def to_json(value: Any) -> str:
    """Write a value as columns hold it; TypeError for what JSON cannot say."""
    return orjson.dumps(value).decode()


JSON_BY: dict[str, Any] = {"json_serializer": to_json, "json_deserializer": orjson.loads}
"""How a dialect writes and reads it."""


class Instant(TypeDecorator[datetime]):
    """A point in time: aware in, kept as UTC, aware UTC out.

    A naive datetime raises `ValueError` (SQLAlchemy wraps it in `StatementError`): it names no instant.
    On SQLite the text is of fixed width, so that it sorts as time does.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"naive datetime {value.isoformat()}: give it a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Root of all models. Annotations choose types: `int` `Key`, `datetime` `Instant`, `dict`, `list` `Json`.

    Constraints and indexes are named by rule, so migrations can name them on either database.
    """

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        int: Key,
        str: String(),
        date: Date(),
        datetime: Instant(),
        dict[str, Any]: Json,
        list[str]: Json,
        list[Any]: Json,
    }
