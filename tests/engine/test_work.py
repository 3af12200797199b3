"""Work items between people."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select

from services.db.errors import DubanError
from services.engine import journal, work
from services.engine.errors import ClaimedByAnother, InvalidAnswers, MatterNotFound, NotPermitted
from services.engine.models import Entry, Matter, Message, WorkItem
from services.identity.people import delegate
from tests.support.cast import County

TO_HANDLING = ("accept", "propose", "approve")
SQLITE_ONLY = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def turn(county: County, matter: int) -> WorkItem:
    with county.database.read() as session:
        open_turn = WorkItem.matter_id == matter, WorkItem.closed_at.is_(None), WorkItem.kind == "turn"
        return session.scalars(select(WorkItem).where(*open_turn)).one()


def do(county: County, function: Any, who: str, first: int, *more: Any, now: datetime | None = None) -> Any:
    with county.database.write() as session:
        actor = county.actor(who, session)
        if function in (work.claim, work.release):
            return function(session, county.engine, first, actor, now or county.now)
        if function is work.transfer:
            to, reason = more
            return work.transfer(session, county.engine, first, to, actor, reason, now or county.now)
        if function is work.urge:
            return work.urge(session, county.engine, first, actor, *more, now or county.now)
        return work.copy_to(session, county.engine, first, actor, *more, now or county.now)


def entries(county: County, matter: int, action: str) -> list[Entry]:
    with county.database.read() as session:
        return list(session.scalars(select(Entry).where(Entry.matter_id == matter, Entry.action == action)))


def messages(county: County, kind: str) -> list[tuple[int, str]]:
    with county.database.read() as session:
        found = select(Message.person_id, Message.text).where(Message.kind == kind).order_by(Message.id)
        return list(session.execute(found).tuples())


def verified(county: County) -> bool:
    with county.database.read() as session:
        return bool(journal.verify(session)["ok"])


def test_a_claim_is_ones_own_and_journalled(county: County) -> None:
    matter = county.walk(*TO_HANDLING)
    do(county, work.claim, "handler", turn(county, matter).id)
    assert turn(county, matter).person_id == county.people["handler"]
    assert [e.actor_name for e in entries(county, matter, "claim")] == ["王承办"]
    do(county, work.claim, "handler", turn(county, matter).id)  # again: nothing
    assert len(entries(county, matter, "claim")) == 1 and verified(county)


def test_what_another_claimed_is_refused_with_his_name(county: County) -> None:
    matter = county.walk(*TO_HANDLING)
    do(county, work.claim, "handler", turn(county, matter).id)
    for attempt in (
        lambda: do(county, work.claim, "handler2", turn(county, matter).id),
        lambda: county.act(matter, "complete", *reversed_usual(county)),
    ):
        with pytest.raises(ClaimedByAnother, match="王承办") as refusal:
            attempt()
        assert "王承办" in refusal.value.zh


def reversed_usual(county: County) -> tuple[str, dict[str, Any]]:
    return "handler2", county.usual("complete")[1]


@SQLITE_ONLY
@pytest.mark.parametrize(
    ("who", "error"), [("clerk", NotPermitted), ("office", NotPermitted), ("elsewhere", MatterNotFound)]
)
def test_nobody_claims_what_does_not_wait_for_him(county: County, who: str, error: type[DubanError]) -> None:
    matter = county.walk(*TO_HANDLING)
    with pytest.raises(error):
        do(county, work.claim, who, turn(county, matter).id)
    assert turn(county, matter).person_id is None


@SQLITE_ONLY
def test_a_closed_item_is_not_claimed(county: County) -> None:
    matter = county.walk("accept")
    before = turn(county, matter).id
    county.act(matter, "propose", *county.usual("propose"))
    with pytest.raises(work.ItemClosed):
        do(county, work.claim, "clerk", before)
    with pytest.raises(MatterNotFound):
        do(county, work.claim, "clerk", before + 1000)


def test_of_two_claims_at_once_one_gets_it(county: County) -> None:
    for _ in range(5):
        matter = county.walk(*TO_HANDLING)
        item, barrier = turn(county, matter).id, Barrier(2)

        def attempt(who: str, item: int = item, barrier: Barrier = barrier) -> str:
            barrier.wait()
            try:
                do(county, work.claim, who, item)
            except ClaimedByAnother as refusal:
                return str(refusal.extra["holder"])
            return "got it"

        with ThreadPoolExecutor(2) as pool:
            outcomes = list(pool.map(attempt, ["handler", "handler2"]))
        names = {"handler": "王承办", "handler2": "冯承办"}
        winner = ["handler", "handler2"][outcomes.index("got it")]
        assert sorted(outcomes) == sorted(["got it", names[winner]])
        assert turn(county, matter).person_id == county.people[winner]
        assert len(entries(county, matter, "claim")) == 1
    assert verified(county)


@SQLITE_ONLY
def test_a_claim_ends_the_withdrawal_of_the_step_before(county: County) -> None:
    matter = county.walk(*TO_HANDLING)
    do(county, work.claim, "handler", turn(county, matter).id)
    with pytest.raises(NotPermitted):
        county.act(matter, "withdraw", "leader", {"reason": "有误"})


@SQLITE_ONLY
def test_ones_own_claim_leaves_the_withdrawal(county: County) -> None:
    matter = county.walk("accept")  # the clerk accepted, and it waits for clerks
    do(county, work.claim, "clerk", turn(county, matter).id)
    assert county.act(matter, "withdraw", "clerk", {"reason": "有误"}).state == "registered"


@SQLITE_ONLY
def test_release_gives_it_back_to_all(county: County) -> None:
    matter = county.walk(*TO_HANDLING)
    item = turn(county, matter).id
    with pytest.raises(NotPermitted):
        do(county, work.release, "handler", item)  # nobody has it
    do(county, work.claim, "handler", item)
    with pytest.raises(NotPermitted):
        do(county, work.release, "handler2", item)
    do(county, work.release, "handler", item)
    do(county, work.claim, "handler2", item)
    assert turn(county, matter).person_id == county.people["handler2"]


def test_a_delegate_claims_on_behalf_and_an_excluded_lender_gives_nothing(county: County) -> None:
    matter = county.walk(*TO_HANDLING)
    county.act(matter, "recuse", *county.usual("recuse"))  # handler2
    for lender in ("handler", "handler2"):
        with county.database.write() as session:
            delegate(session, county.people[lender], county.people["clerk"], county.today, county.today, "出差", None)
    do(county, work.claim, "clerk", turn(county, matter).id)
    assert entries(county, matter, "claim")[0].behalf_of == county.people["handler"]
    other = county.walk(*TO_HANDLING)
    county.act(other, "recuse", "office", {"person": county.people["handler"], "reason": "亲属"})
    do(county, work.claim, "clerk", turn(county, other).id)  # handler2 may, and so may whoever acts for him
    do(county, work.release, "clerk", turn(county, other).id)
    county.act(other, "recuse", *county.usual("recuse"))
    with pytest.raises(NotPermitted):
        do(county, work.claim, "clerk", turn(county, other).id)


@SQLITE_ONLY
def test_an_excluded_lender_gives_no_claim_to_someone_who_sees_the_matter_anyway(county: County) -> None:
    matter = county.walk(*TO_HANDLING)
    county.act(matter, "recuse", *county.usual("recuse"))  # handler2; it still waits for handlers
    with county.database.write() as session:
        people = county.people["handler2"], county.people["clerk"]
        delegate(session, *people, county.today, county.today, "出差", None)
    with pytest.raises(NotPermitted):
        do(county, work.claim, "clerk", turn(county, matter).id)


@SQLITE_ONLY
@pytest.mark.parametrize("who", ["handler", "township_leader", "office"])
def test_transfer_by_whoever_has_it_or_leads_there(county: County, who: str) -> None:
    matter = county.walk(*TO_HANDLING)
    do(county, work.claim, "handler", turn(county, matter).id)
    do(county, work.transfer, who, turn(county, matter).id, county.people["handler2"], "工作调整")
    assert turn(county, matter).person_id == county.people["handler2"]
    content = entries(county, matter, "transfer")[0].content
    assert (content["from"], content["to"], content["reason"]) == (
        county.people["handler"], county.people["handler2"], "工作调整",
    )  # fmt: skip
    assert [person for person, _ in messages(county, "transferred")] == [county.people["handler2"]]


@SQLITE_ONLY
@pytest.mark.parametrize(
    ("who", "to", "reason", "error"),
    [
        ("handler2", "handler2", "想办", NotPermitted),  # another has it
        ("clerk", "handler2", "想办", NotPermitted),
        ("handler", "elsewhere", "请代办", work.TransferRefused),  # handler of another township
        ("handler", "nobody", "请代办", work.TransferRefused),
        ("handler", "clerk", "请代办", work.TransferRefused),
        ("handler", "handler2", "  ", InvalidAnswers),
    ],
)
def test_transfer_is_refused(county: County, who: str, to: str, reason: str, error: type[DubanError]) -> None:
    matter = county.walk(*TO_HANDLING)
    do(county, work.claim, "handler", turn(county, matter).id)
    with pytest.raises(error):
        do(county, work.transfer, who, turn(county, matter).id, county.people[to], reason)
    assert turn(county, matter).person_id == county.people["handler"]


@SQLITE_ONLY
def test_transfer_launders_no_exclusion(county: County) -> None:
    matter = county.walk(*TO_HANDLING)
    county.act(matter, "recuse", *county.usual("recuse"))
    with pytest.raises(work.TransferRefused):
        do(county, work.transfer, "township_leader", turn(county, matter).id, county.people["handler2"], "请办")


def test_urging_reaches_whom_it_waits_for_once_a_day(county: County) -> None:
    matter = county.walk(*TO_HANDLING)
    told = do(county, work.urge, "supervisor", matter, "请抓紧办理")
    assert told == tuple(sorted(county.people[p] for p in ("handler", "handler2")))
    assert all("请抓紧办理" in text for _, text in messages(county, "urged"))
    with pytest.raises(work.UrgedToday):
        do(county, work.urge, "office", matter, "再催")
    assert turn(county, matter).urged == 1
    county.later(days=1)
    do(county, work.urge, "office", matter, "再催")
    assert turn(county, matter).urged == 2 and len(messages(county, "urged")) == 4
    assert [e.content["text"] for e in entries(county, matter, "urge")] == ["请抓紧办理", "再催"]


@SQLITE_ONLY
def test_urging_a_claimed_item_reaches_its_holder_alone_and_never_oneself(county: County) -> None:
    matter = county.walk(*TO_HANDLING)
    do(county, work.claim, "handler", turn(county, matter).id)
    with pytest.raises(work.UrgedToday):
        do(county, work.urge, "handler", matter, "自催")
    assert do(county, work.urge, "leader", matter, "请抓紧") == (county.people["handler"],)


def test_a_copy_goes_only_to_someone_who_may_see_the_matter(county: County) -> None:
    matter = county.walk(*TO_HANDLING)
    do(county, work.copy_to, "leader", matter, county.people["supervisor"], "请关注")
    assert messages(county, "copied")[0][0] == county.people["supervisor"]
    county.act(matter, "recuse", *county.usual("recuse"))
    for to in ("elsewhere", "nobody", "handler2"):
        with pytest.raises(work.CopyRefused):
            do(county, work.copy_to, "leader", matter, county.people[to], "请关注")
    assert len(messages(county, "copied")) == 1


@SQLITE_ONLY
def test_a_refused_request_writes_nothing(county: County) -> None:
    matter = county.walk(*TO_HANDLING)
    with county.database.read() as session:
        before = session.execute(select(Matter.journal_head, Matter.version).where(Matter.id == matter)).one()
    with pytest.raises(NotPermitted):
        do(county, work.claim, "clerk", turn(county, matter).id)
    with pytest.raises(work.CopyRefused):
        do(county, work.copy_to, "leader", matter, county.people["nobody"], "")
    with county.database.read() as session:
        assert session.execute(select(Matter.journal_head, Matter.version).where(Matter.id == matter)).one() == before
