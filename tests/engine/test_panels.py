"""Panels: who may answer, when it is enough, what each kind of return makes of the answers, how secrets are kept."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from services.db.session import Database
from services.engine.aside import list_aside
from services.engine.errors import ActionRefused, MatterNotFound, NotPermitted
from services.engine.journal import verify
from services.engine.loading import load_locked
from services.engine.models import Matter, Message, Seat, Text, Urn, WorkItem
from services.engine.reactions import tell_all
from services.engine.sweep import sweep_all
from services.engine.work import claim, release, transfer, urge
from services.identity.access import CLOCK
from services.identity.people import delegate
from services.identity.sealing import Vault
from statemachines.kit.panels import AfterReturn
from tests.support.cast import County, build_county
from tests.support.declared import declared
from tests.support.invariants import check, entries, matter, open_items, rows_of
from tests.support.panels import ERRAND, ERRAND_POLICY, meeting, meeting_policy

MEMBERS = ("checker", "checker2", "leader")
Made = Callable[..., County]


@pytest.fixture
def meet(database: Database, vault: Vault) -> Made:
    """Make a county that holds meetings of this kind."""

    def make(rule: dict[str, Any] | None = None, **how: Any) -> County:
        engine = declared(vault, (meeting(**how), meeting_policy(**rule or {})), (ERRAND, ERRAND_POLICY))
        return build_county(database, engine)

    return make


def called(county: County, *members: str) -> int:
    matter_id = county.open("office", "meeting", subject="分工").matter_id
    county.act(matter_id, "convene", "office", {"members": [county.people[m] for m in members or MEMBERS]})
    return matter_id


def vote(county: County, matter_id: int, *who: str, answer: str = "agree", points: int = 0) -> None:
    for member in who:
        county.act(matter_id, "vote", member, {"answer": answer, "points": points})


def waiting(county: County, matter_id: int) -> set[str]:
    names = {number: name for name, number in county.people.items()}
    return {names[i["person_id"]] for i in open_items(county, matter_id) if i["kind"] == "vote"}


class TestRules:
    def test_all_must_answer_and_an_absent_one_is_not_waited_for(self, meet: Made) -> None:
        county = meet()
        matter_id = called(county)
        assert waiting(county, matter_id) == set(MEMBERS)
        vote(county, matter_id, "checker", "checker2")
        with pytest.raises(ActionRefused, match="has not answered"):
            county.act(matter_id, "conclude", "office")
        county.act(matter_id, "mark_absent", "office", {"person": county.people["leader"], "reason": "出差"})
        assert waiting(county, matter_id) == set()
        county.act(matter_id, "mark_present", "office", {"person": county.people["leader"], "reason": "提前返回"})
        assert waiting(county, matter_id) == {"leader"}
        with pytest.raises(ActionRefused, match="not marked absent"):
            county.act(matter_id, "mark_present", "office", {"person": county.people["checker"], "reason": "误登"})
        county.act(matter_id, "mark_absent", "office", {"person": county.people["leader"], "reason": "又出差"})
        county.act(matter_id, "conclude", "office")
        step = matter(county, matter_id)["record"]["steps"]["conclude"]
        assert step["answers"] == {"agree": 2, "mean": "0"}
        left = entries(county, matter_id)[-1]["content"]["panels"]["board"]
        assert (left["members"], left["answered"], left["absent"], left["enough"]) == (3, 2, 1, True)
        check(county)

    @pytest.mark.parametrize(
        ("rule", "needed"),
        [
            ({"rule": "any"}, 1),
            ({"rule": "any", "at_least": 2}, 2),
            ({"rule": "quorum", "quorum": "2/3"}, 2),
            ({"rule": "quorum", "quorum": "1/2"}, 2),
            ({"rule": "quorum", "quorum": "1/3", "at_least": 3}, 3),
        ],
    )
    def test_so_many_are_enough_and_one_fewer_is_not(self, meet: Made, rule: dict[str, Any], needed: int) -> None:
        county = meet(rule)
        matter_id = called(county)
        for member in MEMBERS[:needed]:
            with pytest.raises(ActionRefused):
                county.act(matter_id, "conclude", "office")
            vote(county, matter_id, member)
        assert county.act(matter_id, "conclude", "office").state == "review"
        assert waiting(county, matter_id) == set()
        check(county)

    def test_a_role_is_seated_where_the_matter_lies(self, meet: Made) -> None:
        county = meet(role="rechecker")
        matter_id = called(county)
        assert waiting(county, matter_id) == {"checker", "checker2"}


class TestWhoMayAnswer:
    def test_nobody_but_a_member_and_he_in_person(self, meet: Made) -> None:
        county = meet()
        matter_id = called(county, "checker", "handler")
        with county.database.write() as session:
            delegate(
                session, county.people["checker"], county.people["checker2"], county.today, county.today, "外出", None
            )
        for stranger, error in (("office", NotPermitted), ("checker2", MatterNotFound), ("clerk", MatterNotFound)):
            with pytest.raises(error):
                vote(county, matter_id, stranger)
        vote(county, matter_id, "handler")  # a seat is the right to see it, whatever one's roles
        vote(county, matter_id, "handler", answer="disagree")  # who answered by name may think again
        with county.database.read() as session:
            seat = rows_of(session, Seat, matter_id=matter_id, person_id=county.people["handler"])[0]
        assert seat["answers"]["answer"] == "disagree"
        check(county)

    def test_a_seat_passes_to_nobody(self, meet: Made) -> None:
        county = meet()
        matter_id = called(county)
        item = next(i["id"] for i in open_items(county, matter_id) if i["person_id"] == county.people["checker"])
        other = county.people["checker2"]
        with county.database.write() as session:
            checker, office = county.actor("checker", session), county.actor("office", session)
            for attempt in (
                lambda: release(session, county.engine, item, checker, county.now),
                lambda: claim(session, county.engine, item, office, county.now),
                lambda: transfer(session, county.engine, item, other, office, "代", county.now),
            ):
                with pytest.raises(NotPermitted):
                    attempt()
        assert waiting(county, matter_id) == set(MEMBERS)

    def test_members_come_and_go(self, meet: Made) -> None:
        county = meet()
        matter_id = called(county, "checker", "checker2")
        person = {name: {"person": county.people[name], "reason": "调整"} for name in ("leader", "checker", "handler")}
        county.act(matter_id, "add_member", "office", person["leader"])
        with pytest.raises(ActionRefused, match="member already"):
            county.act(matter_id, "add_member", "office", person["leader"])
        county.act(matter_id, "remove_member", "office", person["checker"])
        with pytest.raises(ActionRefused, match="no open seat"):
            county.act(matter_id, "remove_member", "office", person["checker"])
        with pytest.raises(MatterNotFound):
            vote(county, matter_id, "checker")
        county.act(matter_id, "add_member", "office", person["checker"])
        assert waiting(county, matter_id) == {"checker", "checker2", "leader"}
        vote(county, matter_id, "checker")
        with pytest.raises(ActionRefused, match="no open seat"):
            county.act(matter_id, "remove_member", "office", person["checker"])
        check(county)

    def test_whoever_must_keep_away_sits_no_more(self, meet: Made) -> None:
        county = meet()
        matter_id = called(county)
        county.act(matter_id, "recuse", "office", {"person": county.people["leader"], "reason": "亲属"})
        assert waiting(county, matter_id) == {"checker", "checker2"}
        with pytest.raises(MatterNotFound):
            vote(county, matter_id, "leader")
        vote(county, matter_id, "checker", "checker2")
        assert county.act(matter_id, "conclude", "office").state == "review"
        check(county)

    def test_waiting_members_are_reminded_and_urged(self, meet: Made) -> None:
        county = meet()
        matter_id = called(county)
        vote(county, matter_id, "checker")
        with county.database.write() as session:
            office = county.actor("office", session)
            told = urge(session, county.engine, matter_id, office, "请表决", county.now)
        assert set(told) == {county.people["checker2"], county.people["leader"]}
        county.later(days=40)
        sweep_all(county.database, county.engine, county.now)
        with county.database.read() as session:
            reminded = session.scalars(select(Message.person_id).where(Message.kind == "reminder")).all()
        assert set(reminded) == {county.people[p] for p in ("checker2", "leader", "office")}


class TestReturns:
    """Votes of two of three members, then each way back and forth again."""

    @pytest.mark.parametrize("after_return", list(AfterReturn))
    @pytest.mark.parametrize("anonymous", [False, True])
    def test_back_before_the_panel_and_convened_again(
        self, meet: Made, after_return: AfterReturn, anonymous: bool
    ) -> None:
        county = meet(after_return=after_return, anonymous=anonymous)
        matter_id = called(county)
        vote(county, matter_id, "checker", "checker2")
        county.act(matter_id, "send_back", "office", {"reason": "补充材料"})
        assert waiting(county, matter_id) == set()
        again = [county.people[m] for m in ("checker", "leader", "handler")]
        county.act(matter_id, "convene", "office", {"members": again})
        kept = after_return is AfterReturn.KEPT
        assert waiting(county, matter_id) == ({"leader", "handler"} if kept else {"checker", "leader", "handler"})
        check(county)

    @pytest.mark.parametrize("after_return", list(AfterReturn))
    def test_back_into_the_panel_from_the_state_after_it(self, meet: Made, after_return: AfterReturn) -> None:
        county = meet({"rule": "any", "at_least": 2}, after_return=after_return)
        matter_id = called(county)
        vote(county, matter_id, "checker", "checker2")
        county.act(matter_id, "conclude", "office")
        county.act(matter_id, "send_back", "office", {"reason": "重新表决"})
        kept = after_return is AfterReturn.KEPT
        assert waiting(county, matter_id) == ({"leader"} if kept else set(MEMBERS))
        if not kept:
            with pytest.raises(ActionRefused):
                county.act(matter_id, "conclude", "office")
            vote(county, matter_id, "leader", "checker", answer="disagree")
        county.act(matter_id, "conclude", "office")
        agree = matter(county, matter_id)["record"]["steps"]["conclude"]["answers"]["agree"]
        assert agree == (2 if kept else 0)
        check(county)

    @pytest.mark.parametrize("after_return", list(AfterReturn))
    def test_a_withdrawal_keeps_every_answer(self, meet: Made, after_return: AfterReturn) -> None:
        county = meet({"rule": "any", "at_least": 2}, after_return=after_return)
        matter_id = called(county)
        vote(county, matter_id, "checker", "checker2")
        county.act(matter_id, "conclude", "office")
        county.act(matter_id, "withdraw", "office", {"reason": "点错"})
        assert waiting(county, matter_id) == {"leader"}
        vote(county, matter_id, "leader")
        county.act(matter_id, "conclude", "office")
        assert matter(county, matter_id)["record"]["steps"]["conclude"]["answers"]["agree"] == 3
        check(county)

    def test_convening_cannot_be_withdrawn_once_somebody_answered(self, meet: Made) -> None:
        county = meet()
        matter_id = called(county)
        county.act(matter_id, "withdraw", "office", {"reason": "人员有误"})
        assert waiting(county, matter_id) == set()
        county.act(matter_id, "convene", "office", {"members": [county.people["checker"]]})
        assert waiting(county, matter_id) == {"checker"}
        vote(county, matter_id, "checker")
        with pytest.raises(NotPermitted):
            county.act(matter_id, "withdraw", "office", {"reason": "再改"})


class TestSecrets:
    def test_nothing_tells_who_said_what(self, meet: Made) -> None:
        county = meet(anonymous=True)
        matter_id = called(county)
        vote(county, matter_id, "leader", answer="disagree", points=17)
        vote(county, matter_id, "checker", points=3)
        vote(county, matter_id, "checker2", points=23)
        with county.database.read() as session:
            seats = rows_of(session, Seat, matter_id=matter_id)
            urns = session.scalars(select(Urn)).all()
        said = json.dumps([e["content"] for e in entries(county, matter_id)], ensure_ascii=False)
        record = json.dumps(matter(county, matter_id)["record"])
        assert [s["answers"] for s in seats] == [None, None, None]
        assert sorted(b["points"] for b in urns[0].ballots) == [3, 17, 23]
        assert "disagree" not in said + record and "points" not in said + record
        with pytest.raises(NotPermitted):  # nobody could tell which answer to replace
            vote(county, matter_id, "leader")
        county.act(matter_id, "conclude", "office")
        assert matter(county, matter_id)["record"]["steps"]["conclude"]["answers"] == {"agree": 2, "mean": "43/3"}
        check(county)

    def test_the_urn_is_the_same_in_whatever_order_they_came(self, meet: Made) -> None:
        county = meet(anonymous=True)
        first, second = called(county), called(county)
        order = [("checker", 1), ("checker2", 2), ("leader", 3)]
        for matter_id, came in ((first, order), (second, order[::-1])):
            for who, points in came:
                vote(county, matter_id, who, points=points)
        with county.database.read() as session:
            urns = session.scalars(select(Urn).order_by(Urn.matter_id)).all()
        assert urns[0].ballots == urns[1].ballots

    @pytest.mark.parametrize("anonymous", [False, True])
    def test_an_answer_changed_behind_its_back_is_found(self, meet: Made, anonymous: bool) -> None:
        county = meet(anonymous=anonymous)
        matter_id = called(county, "checker", "leader")
        vote(county, matter_id, "checker", "leader", points=3)
        county.act(matter_id, "conclude", "office")
        with county.database.write() as session:
            assert verify(session, [matter_id])["ok"]
            forged = {"answer": "disagree", "points": 3}
            if anonymous:
                session.execute(update(Urn).values(ballots=[forged, forged]))
            else:
                session.execute(update(Seat).where(Seat.person_id == county.people["leader"]).values(answers=forged))
            (broken,) = verify(session, [matter_id])["broken"]
        why = "the answers of panel board were changed"
        assert broken == {"matter_id": matter_id, "seq": len(entries(county, matter_id)), "why": why}


class TestLinks:
    def test_it_goes_on_by_itself_when_the_last_one_is_done(self, meet: Made) -> None:
        county = meet({"rule": "any"})
        matter_id = called(county)
        vote(county, matter_id, "checker")
        county.act(matter_id, "conclude", "office")
        with pytest.raises(ActionRefused, match="missing or still open"):
            county.act(matter_id, "follow", "office")
        first, second = county.act(matter_id, "send_out", "office").opened
        county.act(first, "finish", "office")
        assert matter(county, matter_id)["state"] == "review"
        county.act(second, "waive", "office", {"reason": "已无必要"})
        row = matter(county, matter_id)
        assert (row["state"], row["closed_at"]) == ("done", county.now)
        assert (entries(county, matter_id)[-1]["action"], entries(county, matter_id)[-1]["actor_id"]) == (
            "follow",
            None,
        )
        check(county)

    def test_where_it_cannot_go_on_yet_nothing_is_lost(self, meet: Made) -> None:
        county = meet({"rule": "any"})
        matter_id = called(county)
        vote(county, matter_id, "checker")
        county.act(matter_id, "conclude", "office")
        opened = county.act(matter_id, "send_out", "office").opened
        county.act(matter_id, "send_back", "office", {"reason": "再议"})
        for errand in opened:
            county.act(errand, "finish", "office")
        assert matter(county, matter_id)["state"] == "voting"
        vote(county, matter_id, "checker")
        county.act(matter_id, "conclude", "office")
        assert tell_all(county.database, county.engine, county.now) == 1
        assert matter(county, matter_id)["state"] == "done"
        assert tell_all(county.database, county.engine, county.now) == 0
        check(county)

    def test_one_that_cannot_be_read_keeps_nobody_from_closing_and_goes_on_once_mended(self, meet: Made) -> None:
        county = meet({"rule": "any"})
        matter_id = called(county)
        vote(county, matter_id, "checker")
        county.act(matter_id, "conclude", "office")
        opened = county.act(matter_id, "send_out", "office").opened
        rules, lost = matter(county, matter_id)["policy_hash"], "f" * 64
        with county.database.write() as session:
            session.add(Text(hash=lost, kind="policy", key="meeting", pack="test", effective=None, text="{}",
                             signature="", first_used_at=county.now))  # fmt: skip
            session.flush()
            session.execute(update(Matter).where(Matter.id == matter_id).values(policy_hash=lost))
        for errand in opened:
            county.act(errand, "finish", "office")
        assert tell_all(county.database, county.engine, county.now) == 0
        with county.database.write() as session:
            (row,) = list_aside(session)
            assert (row.matter_id, row.clock) == (matter_id, None) and "restore it from a backup" in row.why
            session.execute(update(Matter).where(Matter.id == matter_id).values(policy_hash=rules))
        assert tell_all(county.database, county.engine, county.now) == 1
        assert matter(county, matter_id)["state"] == "done"
        with county.database.read() as session:
            assert list_aside(session) == []
        check(county)

    def test_it_does_not_wait_for_what_somebody_else_holds(self, postgres: Database, vault: Vault) -> None:
        """Closing a child must never wait for its parent: two of them crosswise would wait for ever."""
        engine = declared(vault, (meeting(), meeting_policy(rule="any")), (ERRAND, ERRAND_POLICY))
        county = build_county(postgres, engine)  # SQLite has one writer: nobody else can hold it
        matter_id = called(county)
        vote(county, matter_id, "checker")
        county.act(matter_id, "conclude", "office")
        first, second = county.act(matter_id, "send_out", "office").opened
        county.act(first, "finish", "office")
        with county.database.write() as holder:
            load_locked(county.engine, holder, matter_id, CLOCK)
            county.act(second, "finish", "office")
        assert matter(county, matter_id)["state"] == "review"
        assert tell_all(county.database, county.engine, county.now) == 1
        assert matter(county, matter_id)["state"] == "done"


def test_items_of_a_closed_matter_wait_for_nobody(meet: Made) -> None:
    county = meet({"rule": "any"})
    matter_id = called(county)
    vote(county, matter_id, "checker")
    county.act(matter_id, "conclude", "office")
    county.act(matter_id, "confirm", "office")
    with county.database.read() as session:
        assert [i for i in rows_of(session, WorkItem, matter_id=matter_id) if i["closed_at"] is None] == []
