"""Sealed identities open for a purpose; receipts tell the state and nothing else."""

import json
from typing import Any

import pytest
from sqlalchemy import event, select

from services.db.errors import DubanError
from services.engine import journal
from services.engine.errors import InvalidAnswers, MatterNotFound, NotPermitted
from services.engine.models import Entry
from services.engine.sealed import open_sealed, public_status
from services.identity.errors import NotFound
from services.identity.people import delegate
from services.identity.receipts import new_receipt_code
from tests.support.cast import County

WHY = "核实举报人联系方式"
SQLITE_ONLY = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def open_as(county: County, who: str, matter: int, purpose: str = WHY, name: str = "complainant") -> Any:
    with county.database.write() as session:
        return open_sealed(session, county.engine, matter, name, county.actor(who, session), purpose, county.now)


def status(county: County, code: str) -> dict[str, Any]:
    with county.database.read() as session:
        return public_status(session, county.engine, code)


def openings(county: County) -> list[Entry]:
    with county.database.read() as session:
        return list(session.scalars(select(Entry).where(Entry.action == "seal_opened")))


# ── the complainant ──────────────────────────────────────────────────────────────────────────────────────


def test_it_opens_for_a_purpose_and_the_journal_says_so_without_the_content(county: County) -> None:
    matter = county.walk()
    assert open_as(county, "clerk", matter)["name"] == "林举报"
    (entry,) = openings(county)
    assert (entry.actor_name, entry.content) == ("赵信访", {"name": "complainant", "purpose": WHY})
    with county.database.read() as session:
        assert journal.verify(session)["ok"]
        everything = json.dumps([e.content for e in session.scalars(select(Entry))], ensure_ascii=False)
    assert "林举报" not in everything and "13900000000" not in everything


@SQLITE_ONLY
@pytest.mark.parametrize(
    ("who", "purpose", "name", "error"),
    [
        ("leader", WHY, "complainant", NotPermitted),
        ("supervisor", WHY, "complainant", NotPermitted),
        ("elsewhere", WHY, "complainant", MatterNotFound),
        ("checker2", WHY, "complainant", MatterNotFound),  # named in it
        ("clerk", "查看", "complainant", InvalidAnswers),
        ("clerk", "  查看  ", "complainant", InvalidAnswers),
        ("clerk", WHY, "reported", NotPermitted),
    ],
)
def test_it_stays_shut(county: County, who: str, purpose: str, name: str, error: type[DubanError]) -> None:
    matter = county.walk(reported=[{"name": "吴复核", "person": county.people["checker2"]}])
    with pytest.raises(error):
        open_as(county, who, matter, purpose, name)
    assert openings(county) == []


@SQLITE_ONLY
def test_a_named_clerk_never_opens_it_nor_anyone_for_him(county: County) -> None:
    matter = county.walk(reported=[{"name": "钱信访", "person": county.people["clerk2"]}])
    with county.database.write() as session:
        people = county.people["clerk2"], county.people["leader"]
        delegate(session, *people, county.today, county.today, "出差", None)
    with pytest.raises(MatterNotFound):
        open_as(county, "clerk2", matter)
    with pytest.raises(NotPermitted):
        open_as(county, "leader", matter)


@SQLITE_ONLY
def test_a_clerk_of_the_township_it_came_from_may_not_once_it_lies_elsewhere(county: County) -> None:
    matter = county.open("township_clerk", unit="liuhe").matter_id
    assert open_as(county, "township_clerk", matter)["name"] == "林举报"
    county.act(matter, "accept", "township_clerk")
    proposal = {**county.usual("propose")[1], "handler_unit": county.units["water"]}
    county.act(matter, "propose", "township_clerk", proposal)
    county.act(matter, "approve", "township_leader")
    with pytest.raises(NotPermitted):
        open_as(county, "township_clerk", matter)


@SQLITE_ONLY
def test_an_anonymous_petition_has_nothing_to_open(county: County) -> None:
    with pytest.raises(NotFound):
        open_as(county, "clerk", county.walk(anonymous=True, complainant=None))


def test_whose_delegation_was_used_is_journalled(county: County) -> None:
    matter = county.walk()
    with county.database.write() as session:
        people = county.people["clerk2"], county.people["leader"]
        delegate(session, *people, county.today, county.today, "出差", None)
    open_as(county, "leader", matter)
    assert openings(county)[0].behalf_of == county.people["clerk2"]


def test_nothing_is_noted_where_it_was_not_shown(county: County) -> None:
    matter = county.walk()
    with pytest.raises(RuntimeError), county.database.write() as session:
        open_sealed(session, county.engine, matter, "complainant", county.actor("clerk", session), WHY, county.now)
        raise RuntimeError("the answer could not be built")
    assert openings(county) == []


# ── the receipt ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_receipt_follows_the_petition(county: County) -> None:
    opened = county.open()
    code = opened.receipt_code
    assert code is not None
    nothing = {"refusal": None, "due": None, "provisional": False}
    assert status(county, code) == {"state": "registered", "zh": "已登记", **nothing}
    told = []
    for step in ("accept", "propose", "approve", "give_acceptance_notice", "suspend", "resume"):
        county.act(opened.matter_id, step, *county.usual(step))
        told.append((status(county, code)["state"], status(county, code)["due"]))
    assert told == [
        ("accepted", None), ("accepted", None), ("in_handling", "2016-04-01"), ("in_handling", "2016-04-01"),
        ("in_handling", None), ("in_handling", "2016-04-01"),
    ]  # fmt: skip
    for step in ("complete", "pass_recheck", "feed_back", "archive"):
        county.act(opened.matter_id, step, *county.usual(step))
    assert status(county, code) == {"state": "closed", "zh": "已办结", **nothing}


def test_a_refusal_tells_ground_reason_and_where_it_went(county: County) -> None:
    opened = county.open(problem_fields=["land_requisition"])
    county.act(opened.matter_id, "refuse", *county.usual("refuse"))
    shown = status(county, str(opened.receipt_code))
    assert shown["state"] == "referred"
    assert shown["refusal"] == {"ground": "不属受理范围", "reason": "不属本机关受理", "receiving_organ": "县信访局"}


@SQLITE_ONLY
def test_codes_are_read_as_people_type_them(county: County) -> None:
    code = str(county.open().receipt_code)
    assert status(county, code.lower().replace("-", " ").replace("0", "o"))["state"] == "registered"


def test_unknown_and_mistyped_codes_answer_alike_after_the_same_work(county: County) -> None:
    county.open()
    answers, work = [], []
    for code in (new_receipt_code(), "XXXX", "", "0000-0000-0000-1", "'; DROP TABLE matter; --"):
        statements: list[str] = []

        def note(*seen: Any, into: list[str] = statements) -> None:
            into.append(seen[2])

        event.listen(county.database.engine, "before_cursor_execute", note)
        with pytest.raises(NotFound) as refusal:
            status(county, code)
        event.remove(county.database.engine, "before_cursor_execute", note)
        answers.append((type(refusal.value), str(refusal.value), refusal.value.zh, refusal.value.extra))
        work.append(statements)
    assert all(a == answers[0] for a in answers) and all(w == work[0] for w in work)


def test_it_says_the_same_of_two_matters_in_the_same_state(county: County) -> None:
    """Whoever handles it, whom it names, what it is about: none of that shows."""
    one = county.open()
    two = county.open(
        "township_clerk", unit="liuhe", summary="另一件", anonymous=True, complainant=None, problem_fields=["conduct"]
    )
    shown = [status(county, str(o.receipt_code)) for o in (one, two)]
    assert shown[0] == shown[1] and set(shown[0]) == {"state", "zh", "refusal", "due", "provisional"}
