"""Every statement as it goes to PostgreSQL's driver: what goes there in one trip passes SQLAlchemy by."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from services.db.trips import Call, Trips

Note = Callable[[str, Mapping[str, Any]], None]
"""Takes a statement, values marked as `%(name)s` or `$1`, and the values by name."""


@contextmanager
def each_statement(note: Note) -> Iterator[None]:
    """Call `note` before each statement; where it raises, those before it in the same trip have gone out."""
    executed, run = psycopg.Cursor.execute, Trips.run

    def execute(cursor: Any, query: Any, params: Any = None, **more: Any) -> Any:
        note(query if isinstance(query, str) else "", params or {})
        return executed(cursor, query, params, **more)

    def travel(trips: Trips, calls: Sequence[Call], **how: bool) -> Any:
        for nth, (text, values) in enumerate(calls):
            try:
                note(text.sql.decode(), {name: values[name] for name in text.names})
            except BaseException:
                run(trips, calls[:nth], **how)
                raise
        return run(trips, calls, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", execute)
        patch.setattr(Trips, "run", travel)
        yield
