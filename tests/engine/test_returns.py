"""Sending back and withdrawing: who gets the matter then, and that clocks go back exactly."""

from datetime import timedelta
from typing import Any

import pytest

from config.calendar import local_date
from services.engine.errors import ActionRefused, MatterNotFound, NotPermitted
from services.engine.models import Clock, Message
from services.engine.sweep import sweep_all
from services.engine.work import release
from services.identity.people import create_person, deactivate, delegate, grant
from tests.support.cast import County
from tests.support.invariants import check, clocks, entries, matter, rows_of, turn


def standing(county: County, matter_id: int) -> list[dict[str, Any]]:
    """Every clock as it counts: without what a stop and a restart may leave behind."""
    with county.database.read() as session:
        return [c for c in rows_of(session, Clock, matter_id=matter_id) if c["outcome"] != "withdrawn"]


class TestSendBack:
    def test_it_goes_back_to_the_very_person_and_unit_it_came_from(self, county: County) -> None:
        matter_id = county.walk("accept", "propose", "approve")
        assert matter(county, matter_id)["unit_id"] == county.units["liuhe"]
        county.act(matter_id, "send_back", "handler", {"reason": "须重定", "to": "triage"})
        assert matter(county, matter_id)["unit_id"] == county.units["county"]
        assert entries(county, matter_id)[-1]["content"]["unit_id"] == county.units["county"]
        item = turn(county, matter_id)
        assert (item["role"], item["person_id"]) == ("petition_clerk", county.people["clerk"])
        check(county)

    def test_a_lower_unit_does_not_dispose_of_what_it_sent_back(self, county: County) -> None:
        matter_id = county.walk("accept", "propose", "approve")
        county.act(matter_id, "send_back", "handler", {"reason": "须重定"})
        before = matter(county, matter_id)
        with pytest.raises(MatterNotFound):
            county.act(matter_id, "approve", "township_leader", {})
        assert matter(county, matter_id) == before

    def test_back_to_handling_means_back_to_whoever_handles_it_now(self, county: County) -> None:
        matter_id = county.walk("accept", "propose", "approve", disposition="letter_inquiry")
        county.act(matter_id, "reassign", *county.usual("reassign"))
        with county.database.write() as session:
            person = create_person(session, "新承办", county.now, login="water").id
            grant(session, person, "handler", county.units["water"], local_date(county.now), None, "测试")
        county.people["water"] = person
        reply = county.usual("record_reply")[1]
        county.act(matter_id, "record_reply", "water", reply)
        county.act(matter_id, "send_back", "water", {"reason": "回复不实", "to": "inquiry"})
        assert (matter(county, matter_id)["unit_id"], turn(county, matter_id)["person_id"]) == (
            county.units["water"], person,
        )  # fmt: skip
        check(county)

    def test_where_that_person_is_gone_it_waits_for_the_role(self, county: County) -> None:
        matter_id = county.walk("accept", "propose")
        with county.database.write() as session:
            deactivate(session, county.people["clerk"], county.now)
        county.act(matter_id, "send_back", *county.usual("send_back"))
        assert turn(county, matter_id)["person_id"] is None
        assert county.act(matter_id, "propose", "clerk2", county.usual("propose")[1]).state == "approval"

    def test_whoever_was_lent_the_right_does_not_keep_it(self, county: County) -> None:
        matter_id = county.walk("accept", "propose")
        day = local_date(county.now)
        with county.database.write() as session:
            delegate(session, county.people["leader"], county.people["nobody"], day, day, "外出", None)
        county.act(matter_id, "approve", "nobody", {})
        county.later(days=1)
        county.act(matter_id, "send_back", "handler", {"reason": "补正"})
        assert turn(county, matter_id)["person_id"] is None

    def test_the_one_sent_back_is_told_without_its_content(self, county: County) -> None:
        matter_id = county.walk("accept", "propose")
        county.act(matter_id, "send_back", "leader", {"reason": "林某的住址有误"})
        with county.database.read() as session:
            told = [m for m in rows_of(session, Message, matter_id=matter_id) if m["kind"] == "returned"]
        assert [m["person_id"] for m in told] == [county.people["clerk"]]
        assert "林某" not in told[0]["text"]


class TestWithdraw:
    @pytest.mark.parametrize(
        ("walked", "last"),
        [
            ([], "accept"),
            ([], "refuse"),
            (["accept"], "propose"),
            (["accept", "propose"], "approve"),
            (["accept", "propose"], "send_back"),
            (["accept", "propose", "approve"], "complete"),
            (["accept", "propose", "approve", "complete"], "fail_recheck"),
            (["accept", "propose", "approve", "complete"], "pass_recheck"),
            (["accept", "propose", "approve", "suspend"], "complete"),
            (["accept", "propose", "approve", "complete", "pass_recheck"], "feed_back"),
        ],
    )
    def test_the_last_step_is_undone_exactly(self, county: County, walked: list[str], last: str) -> None:
        fields = {"problem_fields": ["taxation"]} if last == "refuse" else {}
        matter_id = county.walk(*walked, **fields)
        county.later(days=2)
        before, clocks_before = matter(county, matter_id), standing(county, matter_id)
        who, answers = county.usual(last)
        county.act(matter_id, last, who, answers)
        county.later(days=3)
        county.act(matter_id, "withdraw", who, {"reason": "填错"})
        after = matter(county, matter_id)
        same = ("state", "unit_id", "due_at", "closed_at", "level")
        assert {n: after[n] for n in same} == {n: before[n] for n in same}
        assert after["record"]["steps"] == before["record"]["steps"]
        assert after["record"]["trail"] == before["record"]["trail"]
        assert standing(county, matter_id) == clocks_before
        assert (after["version"], after["undo"]) == (before["version"] + 2, None)
        assert entries(county, matter_id)[-1]["content"]["withdrawn"] == last
        assert turn(county, matter_id)["person_id"] == county.people[who]
        check(county)

    def test_it_can_be_done_again_afterwards(self, county: County) -> None:
        matter_id = county.walk("accept", "propose", "approve")
        first = clocks(county, matter_id)["handling"]
        county.later(days=2)
        county.act(matter_id, "withdraw", "leader", {"reason": "改类"})
        county.act(matter_id, "approve", *county.usual("approve"))
        again = clocks(county, matter_id)["handling"]
        assert again["id"] != first["id"]
        assert again["effective_due"] > first["effective_due"]
        check(county)

    def test_lateness_noted_by_the_step_is_noted_again(self, sqlite_county: County) -> None:
        county = sqlite_county
        matter_id = county.walk("accept", "propose", "approve")
        county.later(days=40)
        county.act(matter_id, "complete", *county.usual("complete"))
        county.act(matter_id, "withdraw", "handler", {"reason": "填错"})
        county.act(matter_id, "complete", *county.usual("complete"))
        county.act(matter_id, "pass_recheck", *county.usual("pass_recheck"))
        assert clocks(county, matter_id)["handling"]["outcome"] == "late"

    def test_rungs_that_fired_meanwhile_stay_fired(self, sqlite_county: County) -> None:
        county = sqlite_county
        matter_id = county.walk("accept", "propose", "approve")
        county.later(days=40)
        fired = sweep_all(county.database, county.engine, county.now)["fired"]
        assert fired
        county.act(matter_id, "complete", *county.usual("complete"))
        county.act(matter_id, "withdraw", "handler", {"reason": "填错"})
        assert sweep_all(county.database, county.engine, county.now)["fired"] == 0
        check(county)

    @pytest.mark.parametrize("who", ["clerk2", "leader", "office"])
    def test_only_ones_own_step(self, sqlite_county: County, who: str) -> None:
        matter_id = sqlite_county.walk("accept", "propose")
        with pytest.raises(NotPermitted):
            sqlite_county.act(matter_id, "withdraw", who, {"reason": "代撤"})

    @pytest.mark.parametrize("meanwhile", ["note_progress", "give_acceptance_notice", "take_charge", "recuse"])
    def test_only_while_nobody_acted_on_it(self, sqlite_county: County, meanwhile: str) -> None:
        matter_id = sqlite_county.walk("accept", "propose", "approve", meanwhile)
        with pytest.raises(NotPermitted):
            sqlite_county.act(matter_id, "withdraw", "leader", {"reason": "改类"})

    def test_only_once(self, sqlite_county: County) -> None:
        matter_id = sqlite_county.walk("accept", "propose", "withdraw")
        with pytest.raises(NotPermitted):
            sqlite_county.act(matter_id, "withdraw", "clerk", {"reason": "再撤"})

    def test_never_a_split_or_the_opening_or_the_end(self, sqlite_county: County) -> None:
        county = sqlite_county
        mixed = county.walk("split", problem_fields=["subsidies", "land_requisition"])
        fresh = county.open().matter_id
        ended = county.walk("refuse", "hand_over", "archive", problem_fields=["taxation"])
        for matter_id, error in ((mixed, NotPermitted), (fresh, NotPermitted), (ended, (NotPermitted, ActionRefused))):
            with pytest.raises(error):
                county.act(matter_id, "withdraw", "clerk", {"reason": "撤回"})

    def test_whoever_withdrew_a_proposal_still_does_not_approve(self, sqlite_county: County) -> None:
        county = sqlite_county
        with county.database.write() as session:
            since = local_date(county.now - timedelta(days=1))
            grant(session, county.people["leader"], "petition_clerk", county.units["county"], since, None, "兼任")
        matter_id = county.walk("accept")
        county.act(matter_id, "propose", "leader", county.usual("propose")[1])
        county.act(matter_id, "withdraw", "leader", {"reason": "换人"})
        with county.database.write() as session:
            actor = county.actor("leader", session)
            release(session, county.engine, turn(county, matter_id)["id"], actor, county.now)
        county.act(matter_id, "propose", "clerk2", county.usual("propose")[1])
        with pytest.raises(ActionRefused) as refused:
            county.act(matter_id, "approve", "leader", {})
        assert refused.value.extra["reason"] == "same_person"
