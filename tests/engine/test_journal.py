"""The journal: whatever is changed in it is found, and the first bad entry named."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import bindparam, delete, event, select, update
from sqlalchemy.orm import Session

from services.engine import journal
from services.engine.models import Entry, Matter
from services.identity.access import CLOCK
from tests.support.cast import County

Tamper = Callable[[Session, int], Any]


def entry(matter_id: int, seq: int) -> Any:
    return (Entry.matter_id == matter_id, Entry.seq == seq)


def rewrite(session: Session, matter_id: int, place: int, **columns: Any) -> None:
    session.execute(update(Entry).where(*entry(matter_id, place)).values(**columns))


def change_content(session: Session, matter_id: int) -> None:
    rewrite(session, matter_id, 2, content={"answers": {}})


def change_time(session: Session, matter_id: int) -> None:
    at = session.scalars(select(Entry.at).where(*entry(matter_id, 4))).one()
    rewrite(session, matter_id, 2, at=at.replace(year=2015))


def change_actor(session: Session, matter_id: int) -> None:
    rewrite(session, matter_id, 3, actor_id=None)


def change_name(session: Session, matter_id: int) -> None:
    rewrite(session, matter_id, 3, actor_name="某人")


def change_target(session: Session, matter_id: int) -> None:
    rewrite(session, matter_id, 3, target="archived")


def forge(session: Session, matter_id: int) -> None:
    """Change an entry and give it a hash that fits: the next one gives it away."""
    row = dict(session.execute(select(Entry.__table__).where(*entry(matter_id, 2))).mappings().one())
    row["content"] = {"answers": {"note": "假"}}
    rewrite(session, matter_id, 2, content=row["content"], hash=journal.hash_of(row))


def remove_one(session: Session, matter_id: int) -> None:
    session.execute(delete(Entry).where(*entry(matter_id, 2)))


def remove_first(session: Session, matter_id: int) -> None:
    session.execute(delete(Entry).where(*entry(matter_id, 1)))


def remove_last(session: Session, matter_id: int) -> None:
    session.execute(delete(Entry).where(*entry(matter_id, 4)))


def remove_all(session: Session, matter_id: int) -> None:
    session.execute(delete(Entry).where(Entry.matter_id == matter_id))


def swap(session: Session, matter_id: int) -> None:
    for seq, to in ((2, 99), (3, 2), (99, 3)):
        rewrite(session, matter_id, seq, seq=to)


def edit_head(session: Session, matter_id: int) -> None:
    session.execute(update(Matter).where(Matter.id == matter_id).values(journal_head="f" * 64))


def edit_count(session: Session, matter_id: int) -> None:
    session.execute(update(Matter).where(Matter.id == matter_id).values(journal_seq=3))


@pytest.mark.parametrize(
    ("tamper", "seq", "why"),
    [
        (change_content, 2, "content was changed"),
        (change_time, 2, "content was changed"),
        (change_actor, 3, "content was changed"),
        (change_name, 3, "content was changed"),
        (change_target, 3, "content was changed"),
        (forge, 3, "does not follow the entry before"),
        (remove_one, 2, "entry missing"),
        (remove_first, 1, "entry missing"),
        (remove_last, 4, "last entry missing"),
        (remove_all, 1, "last entry missing"),
        (swap, 2, "does not follow the entry before"),
        (edit_head, 5, "last entry missing"),
        (edit_count, 5, "last entry missing"),
    ],
)
def test_the_first_bad_entry_is_named(county: County, tamper: Tamper, seq: int, why: str) -> None:
    whole, touched = county.walk("accept", "propose", "approve"), county.walk("accept", "propose", "approve")
    with county.database.write() as session:
        assert journal.verify(session) == {"entries": 8, "matters": 2, "broken": [], "ok": True}
        tamper(session, touched)
    with county.database.read() as session:
        found = journal.verify(session)
        assert found["broken"] == [{"matter_id": touched, "seq": seq, "why": why}]
        assert not found["ok"]
        assert journal.verify(session, [whole])["ok"]


def test_only_the_first_bad_entry_of_each_matter_is_named(sqlite_county: County) -> None:
    county = sqlite_county
    ids = [county.walk("accept", "propose") for _ in range(3)]
    with county.database.write() as session:
        for matter_id in ids[:2]:
            rewrite(session, matter_id, 2, actor_name="某人")
            rewrite(session, matter_id, 3, actor_name="某人")
    with county.database.read() as session:
        broken = journal.verify(session)["broken"]
    assert [(b["matter_id"], b["seq"]) for b in broken] == [(ids[0], 2), (ids[1], 2)]


def test_work_going_on_meanwhile_is_no_tampering(county: County) -> None:
    """Somebody adds an entry before each statement of the check: what it reads must belong together."""
    matter_id = county.open().matter_id
    with county.database.read() as session:
        steps = iter(["accept", "propose", "approve", "note_progress"])

        def meanwhile(*_: Any) -> None:
            if step := next(steps, None):
                county.act(matter_id, step, *county.usual(step))

        event.listen(session.connection(), "before_cursor_execute", meanwhile)
        assert journal.verify(session)["broken"] == []
    assert next(steps, None) != "accept"


def test_what_is_hashed_is_what_is_kept(county: County) -> None:
    """Whatever JSON can say comes back as it was hashed: dates, characters of any plane, numbers of either kind."""
    matter = county.walk()
    content = {
        "on": date(2016, 1, 5), "at": county.now, "said": "𠮷\u2028\n\"\\\x07", "n": [1, 1.5, -0.1, 10**15, True, None],
        "long": [{"row": n, "text": "反映"} for n in range(30)],
    }  # fmt: skip
    with county.database.write() as session:
        for at_once in (1, 30):  # one by one, and as many rows of one statement
            last = journal.Head(matter, *session.execute(_HEAD, {"id": matter}).one())
            rows = [journal.chain(last, journal.Event("note", CLOCK, county.now, content)) for _ in range(at_once)]
            journal.write(session, rows)
            session.execute(update(Matter).where(Matter.id == matter).values(**last.columns()))
    with county.database.read() as session:
        assert journal.verify(session, [matter])["ok"]


_HEAD = select(Matter.journal_seq, Matter.journal_head).where(Matter.id == bindparam("id"))
