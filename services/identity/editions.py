"""Which edition of the directory (units, people, roles, who lent his) is in force, and what is known of it.

The database gives every change of the directory a new edition, in the change's own transaction and whoever makes it.
An edition never comes again, not even after a rollback: what was once answered under it may be kept.
"""

from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

from cachetools import LRUCache
from sqlalchemy import DDL, event, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.db.base import BY_TRIGGERS, Base
from services.db.together import READS, read_rows


class Edition(Base):
    """The one in force: a row once anything was changed."""

    __tablename__ = "directory_edition"
    __table_args__ = {"info": {BY_TRIGGERS: True}}  # noqa: RUF012 - SQLAlchemy's way

    id: Mapped[int] = mapped_column(primary_key=True)
    edition: Mapped[str]


EDITION = select(Edition.edition).scalar_subquery().label("edition")
"""A column for a statement that reads something else anyway; null where nothing may be kept."""
EDITION_ALONE = select(EDITION)
"""Where it is all that is asked."""

Answer = TypeVar("Answer")
_KEPT: LRUCache[Any, Any] = LRUCache(maxsize=20_000)
_LOCK = Lock()
_SEEN = "edition"


def edition_of(session: Session) -> str | None:
    """Return the edition that this transaction sees, its own changes included."""
    if _SEEN in session.info:
        found: str | None = session.info[_SEEN]
        return found
    return note_edition(session, read_rows(session, EDITION_ALONE, {})[0]["edition"])


def note_edition(session: Session, edition: str | None) -> str | None:
    """Return the edition that was read: a session that only reads need not ask again."""
    if session.info.get(READS):
        session.info[_SEEN] = edition
    return edition


def known(edition: str | None, key: tuple[Any, ...], ask: Callable[[], Answer]) -> Answer:
    """Return what `ask` says, which must look at the directory alone and whose answer nobody changes.

    It is asked once under each edition and key. The edition has to be read in this transaction, and before: so an
    answer is never older than its edition.
    """
    if edition is None:
        return ask()
    with _LOCK:
        answer: Answer | None = _KEPT.get((edition, *key))
    if answer is None:
        answer = ask()
        with _LOCK:
            _KEPT[edition, *key] = answer
    return answer


def belongs(model: type[Base], *columns: str) -> None:
    """Let changes of this table, or of these columns of it, make a new edition."""
    for dialect, statements in (("postgresql", _on_postgres), ("sqlite", _on_sqlite)):
        for statement in statements(model.__tablename__, columns):
            made = DDL(statement)  # type: ignore[no-untyped-call]
            event.listen(model.__table__, "after_create", made.execute_if(dialect=dialect))


_ANEW = (
    "INSERT INTO directory_edition (id, edition) VALUES (1, {made})"
    " ON CONFLICT (id) DO UPDATE SET edition = excluded.edition;"
)


def _on_postgres(table: str, columns: tuple[str, ...]) -> list[str]:
    anew = _ANEW.format(made="gen_random_uuid()")
    return [
        "CREATE OR REPLACE FUNCTION directory_changed() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN {anew} RETURN NULL; END $$",
        f"CREATE TRIGGER directory_{table} AFTER INSERT OR {_update(columns)} OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION directory_changed()",
    ]


def _on_sqlite(table: str, columns: tuple[str, ...]) -> list[str]:
    anew = _ANEW.format(made="hex(randomblob(16))")
    return [
        f"CREATE TRIGGER directory_{table}_{name} AFTER {change} ON {table} BEGIN {anew} END"
        for name, change in (("insert", "INSERT"), ("update", _update(columns)), ("delete", "DELETE"))
    ]


def _update(columns: tuple[str, ...]) -> str:
    return f"UPDATE OF {', '.join(columns)}" if columns else "UPDATE"
