"""Every statement as it goes to PostgreSQL's driver: what goes there in one trip passes SQLAlchemy by."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    executed, run, hold = psycopg.Cursor.execute, Trips.run, Trips.hold

    def execute(cursor: Any, query: Any, params: Any = None, **more: Any) -> Any:
        note(query if isinstance(query, str) else "", params or {})
        return executed(cursor, query, params, **more)

    def noted(trips: Trips, calls: Iterable[Call]) -> Iterator[Call]:
        for text, values in calls:
            try:
                note(text.sql.decode(), {name: values[name] for name in text.names})
            except BaseException:
                trips.send()
                raise
            yield text, values

    def hold_one_by_one(trips: Trips, calls: Iterable[Call]) -> None:
        for call in noted(trips, calls):
            hold(trips, [call])

    def travel(trips: Trips, calls: Sequence[Call], **how: bool) -> Any:
        sent: list[Call] = []
        try:
            sent.extend(noted(trips, calls))
        except BaseException:
            run(trips, sent, **how)
            raise
        return run(trips, sent, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", execute)
        patch.setattr(Trips, "run", travel)
        patch.setattr(Trips, "hold", hold_one_by_one)
        yield
