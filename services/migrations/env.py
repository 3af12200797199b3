"""What Alembic runs: migrations over the connection that `migrating` opened, compared with every model."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON

from services.db.base import Base, Instant
from services.tables import all_models

_JSON = 'sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")'


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Name types of ours by what they are in the database: a revision must not change with our code."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, JSON):
        autogen.imports.add("from sqlalchemy.dialects import postgresql")
        return _JSON
    return False


all_models()
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
