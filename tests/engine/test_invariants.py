"""What no path breaks (`rules.md` §3): who is kept away, who may not judge his own work, and no way round."""

from datetime import timedelta

import pytest

from config.calendar import local_date
from services.engine.errors import ActionRefused, InvalidAnswers, MatterNotFound, NotPermitted
from services.engine.work import claim
from services.identity.people import delegate, grant
from tests.support.cast import County
from tests.support.dump import dump
from tests.support.invariants import check, entries, turn


def lend(county: County, lender: str, borrower: str, days: int = 9) -> None:
    day = local_date(county.now)
    with county.database.write() as session:
        until = day + timedelta(days=days)
        delegate(session, county.people[lender], county.people[borrower], day, until, "外出学习", None)


def give(county: County, who: str, role: str, unit: str = "county") -> None:
    with county.database.write() as session:
        grant(session, county.people[who], role, county.units[unit], local_date(county.now), None, "兼任")


def take(county: County, matter_id: int, who: str) -> None:
    with county.database.write() as session:
        claim(session, county.engine, turn(county, matter_id)["id"], county.actor(who, session), county.now)


def refused(county: County, matter_id: int, action: str, who: str) -> str:
    before = dump(county.database)
    with pytest.raises(ActionRefused) as refusal:
        county.act(matter_id, action, who, county.usual(action)[1])
    assert dump(county.database) == before
    return str(refusal.value.extra["reason"])


class TestTheNamed:
    """Anyone named neither sees, handles, approves nor is made to take part (3.5)."""

    @pytest.mark.parametrize(
        "named",
        [{"name": "孙领导"}, {"name": " 孙领导 "}, {"name": "某", "person": "leader"}],
    )
    def test_does_not_even_find_it(self, county: County, named: dict[str, str]) -> None:
        reported = [{k: county.people[v] if k == "person" else v for k, v in named.items()}]
        matter_id = county.open(reported=reported).matter_id
        county.act(matter_id, "accept", "clerk")
        county.act(matter_id, "propose", *county.usual("propose"))
        for action in ("approve", "send_back", "note_progress", "recuse", "withdraw"):
            with pytest.raises(MatterNotFound):
                county.act(matter_id, action, "leader", county.usual(action)[1])

    @pytest.mark.parametrize(
        ("action", "who", "answers"),
        [
            ("complete", "handler", {"team": ["handler", "leader"]}),
            ("take_charge", "township_leader", {"leader": "leader"}),
            ("take_charge", "township_leader", {"leader": "township_leader", "team": ["leader"]}),
        ],
    )
    def test_is_made_to_take_no_part(
        self, sqlite_county: County, action: str, who: str, answers: dict[str, list[str] | str]
    ) -> None:
        county = sqlite_county
        give(county, "clerk2", "unit_leader")
        matter_id = county.open(reported=[{"name": "孙领导"}]).matter_id
        for step, actor in (("accept", "clerk"), ("propose", "clerk"), ("approve", "clerk2")):
            county.act(matter_id, step, actor, county.usual(step)[1])
        people = county.people
        given = {k: [people[n] for n in v] if isinstance(v, list) else people[v] for k, v in answers.items()}
        with pytest.raises(InvalidAnswers) as refusal:
            county.act(matter_id, action, who, {**county.usual(action)[1], **given})
        assert {e["code"] for e in refusal.value.extra["errors"]} == {"excluded_person"}

    def test_lends_nobody_a_right_over_it(self, county: County) -> None:
        lend(county, "leader", "nobody")
        matter_id = county.open(reported=[{"name": "孙领导"}]).matter_id
        free = county.open().matter_id
        for step in ("accept", "propose"):
            county.act(matter_id, step, *county.usual(step))
            county.act(free, step, *county.usual(step))
        with pytest.raises(MatterNotFound):
            county.act(matter_id, "approve", "nobody", {})
        assert county.act(free, "approve", "nobody", {}).state == "handling"

    def test_uses_no_right_lent_to_him(self, county: County) -> None:
        lend(county, "leader", "nobody")
        matter_id = county.open(reported=[{"name": "蒋某"}]).matter_id
        with pytest.raises(MatterNotFound):
            county.act(matter_id, "recuse", "nobody", county.usual("recuse")[1])


class TestTheRecused:
    def test_is_out_at_once_and_for_good(self, county: County) -> None:
        matter_id = county.walk("accept", "propose", "approve", "note_progress", "recuse")
        with pytest.raises(MatterNotFound):
            county.act(matter_id, "note_progress", "handler2", {"content": "走访"})
        with pytest.raises(InvalidAnswers, match="team"):
            county.act(matter_id, "complete", *county.usual("complete"))
        county.act(matter_id, "recuse", *county.usual("recuse"))  # once more changes nothing
        check(county)

    def test_his_delegate_is_out_with_him_even_with_the_item_in_hand(self, county: County) -> None:
        lend(county, "leader", "nobody")
        matter_id = county.walk("accept", "propose")
        take(county, matter_id, "nobody")
        county.act(matter_id, "recuse", "office", {"person": county.people["leader"], "reason": "亲属关系"})
        with pytest.raises((NotPermitted, MatterNotFound)):
            county.act(matter_id, "approve", "nobody", {})
        assert turn(county, matter_id)["person_id"] is None
        check(county)

    def test_may_step_aside_himself(self, county: County) -> None:
        matter_id = county.walk("accept", "propose")
        county.act(matter_id, "recuse", "leader", {"person": county.people["leader"], "reason": "本人亲属"})
        with pytest.raises(MatterNotFound):
            county.act(matter_id, "approve", "leader", {})


class TestDelegation:
    def test_who_acts_for_whom_is_journalled(self, county: County) -> None:
        lend(county, "leader", "nobody")
        matter_id = county.walk("accept", "propose")
        county.act(matter_id, "approve", "nobody", {})
        entry = entries(county, matter_id)[-1]
        assert (entry["actor_id"], entry["behalf_of"]) == (county.people["nobody"], county.people["leader"])

    def test_ones_own_right_comes_first(self, county: County) -> None:
        lend(county, "clerk", "clerk2")
        matter_id = county.open().matter_id
        county.act(matter_id, "accept", "clerk2")
        assert entries(county, matter_id)[-1]["behalf_of"] is None

    def test_ends_with_its_last_day_even_with_the_item_in_hand(self, county: County) -> None:
        lend(county, "leader", "nobody", days=0)
        matter_id = county.walk("accept", "propose")
        take(county, matter_id, "nobody")
        county.later(days=1)
        with pytest.raises(NotPermitted):
            county.act(matter_id, "approve", "nobody", {})

    @pytest.mark.parametrize(
        ("lender", "borrower", "proposer", "approver"),
        [
            ("clerk", "leader", "leader", "leader"),  # proposes for the clerk, approves in his own right
            ("leader", "clerk", "clerk", "clerk"),  # the other way round
            ("clerk", "nobody", "nobody", "clerk"),  # the clerk, who also leads, approves what was proposed for him
            ("clerk", "nobody", "clerk", "nobody"),
        ],
    )
    def test_nobody_approves_his_own_proposal_by_way_of_another(
        self, county: County, lender: str, borrower: str, proposer: str, approver: str
    ) -> None:
        give(county, "clerk", "unit_leader")
        lend(county, lender, borrower)
        matter_id = county.walk("accept")
        county.act(matter_id, "propose", proposer, county.usual("propose")[1])
        assert refused(county, matter_id, "approve", approver) == "same_person"


class TestApart:
    """Whoever handled it neither re-checks nor reclassifies it, however often it came back (3.1, 3.2)."""

    def test_the_team_of_an_earlier_round_does_not_recheck_a_later_one(self, county: County) -> None:
        give(county, "handler2", "rechecker")
        matter_id = county.walk("accept", "propose", "approve", "complete", "fail_recheck")
        other_team = [county.people["handler"], county.people["elsewhere"]]
        county.act(matter_id, "complete", "handler", {**county.usual("complete")[1], "team": other_team})
        assert refused(county, matter_id, "pass_recheck", "handler2") == "rechecker_handled_it"
        members = {"members": [county.people["handler2"], county.people["checker"]], "opinion": "同意"}
        with pytest.raises(ActionRefused) as refusal:
            county.act(matter_id, "pass_recheck", "checker", members)
        assert refusal.value.extra["reason"] == "rechecker_handled_it"
        assert county.act(matter_id, "pass_recheck", *county.usual("pass_recheck")).state == "feedback"

    def test_nor_does_somebody_who_noted_a_step_between(self, county: County) -> None:
        give(county, "checker", "handler")
        matter_id = county.walk("accept", "propose", "approve")
        county.act(matter_id, "note_progress", "checker", {"content": "走访"})
        county.act(matter_id, "note_progress", "handler", {"content": "再走访"})
        county.act(matter_id, "complete", *county.usual("complete"))
        assert refused(county, matter_id, "pass_recheck", "checker2") == "rechecker_handled_it"

    def test_the_one_who_signed_for_an_order_never_strikes_it_off(self, county: County) -> None:
        give(county, "handler", "county_office")
        order = {"summary": "督办", "demand": "限期", "source": "leader", "handler_unit": county.units["liuhe"]}
        matter_id = county.open("office", "supervised_handling", **order).matter_id
        sign = {"handler": county.people["handler"], "measures": "整改"}
        county.act(matter_id, "sign_for", "township_leader", sign)
        assert turn(county, matter_id)["person_id"] == county.people["handler"]
        county.act(matter_id, "ask_strike_off", "handler", {"done": "已办结"})
        county.act(matter_id, "send_back", "office", {"reason": "重派", "to": "issued"})
        sign = {"handler": county.people["handler2"], "measures": "整改"}
        county.act(matter_id, "sign_for", "township_leader", sign)
        county.act(matter_id, "ask_strike_off", "handler2", {"done": "已办结"})
        with pytest.raises(ActionRefused) as refusal:
            county.act(matter_id, "strike_off", "handler", {"opinion": "属实"})
        assert refusal.value.extra["reason"] == "verifier_rectified"
        county.act(matter_id, "verify", "supervisor", {"opinion": "属实"})
        with pytest.raises(ActionRefused) as refusal:
            county.act(matter_id, "strike_off", "supervisor", {"opinion": "属实"})
        assert refusal.value.extra["reason"] == "one_person"
        assert county.act(matter_id, "strike_off", "office", {"opinion": "属实"}).state == "struck_off"
        check(county)

    def test_whoever_handled_a_petition_does_not_spot_check_it(self, county: County) -> None:
        give(county, "checker", "handler")
        subject = county.walk("accept", "propose", "approve")
        county.act(subject, "note_progress", "checker", {"content": "走访"})
        county.act(subject, "note_progress", "handler", {"content": "再走访"})
        day = county.today.isoformat()
        draw = {"summary": "抽查", "kind": "quality", "subject": subject, "drawn_on": day, "sample": "2016-H1"}
        matter_id = county.open("office", "spot_check", **draw).matter_id
        team = {"members": [county.people["checker"], county.people["checker2"]], "plan": "实地"}
        with pytest.raises(ActionRefused) as refusal:
            county.act(matter_id, "set_team", "office", team)
        assert refusal.value.extra["reason"] == "checker_handled_it"
        team = {"members": [county.people["supervisor"], county.people["checker2"]], "plan": "实地"}
        assert county.act(matter_id, "set_team", "office", team).state == "checking"
        check(county)
