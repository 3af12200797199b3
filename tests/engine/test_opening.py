"""How matters begin: by hand, split off, from a rung; under which rules; and what goes along."""

from datetime import UTC, date, timedelta
from typing import Any

import pytest

from config.calendar import start_of_day
from services.engine.errors import ActionRefused, AlreadyPerformed, InvalidAnswers, MatterNotFound, NotPermitted
from services.engine.models import Exclusion, Link, Matter
from services.engine.opening import open_matter
from services.engine.sweep import sweep_all
from services.identity.store import open_field
from tests.support.cast import PETITION, County
from tests.support.dump import dump
from tests.support.invariants import check, entries, matter, rows_of, turn


def excluded(county: County, matter_id: int) -> set[tuple[int | None, int | None]]:
    with county.database.read() as session:
        return {(e["person_id"], e["unit_id"]) for e in rows_of(session, Exclusion, matter_id=matter_id)}


def links(county: County) -> set[tuple[int, int, str]]:
    with county.database.read() as session:
        return {(link["from_id"], link["to_id"], link["kind"]) for link in rows_of(session, Link)}


def children(county: County, matter_id: int) -> list[dict[str, Any]]:
    with county.database.read() as session:
        return [m for m in rows_of(session, Matter) if m["id"] != matter_id]


def order(county: County, **answers: Any) -> dict[str, Any]:
    return {
        "summary": "督办", "demand": "限期办结", "source": "leader", "handler_unit": county.units["liuhe"], **answers,
    }  # fmt: skip


class TestByHand:
    @pytest.mark.parametrize("who", ["leader", "handler", "supervisor", "nobody", "township_clerk"])
    def test_only_those_the_policy_names_register_at_a_unit(self, sqlite_county: County, who: str) -> None:
        before = dump(sqlite_county.database)
        with pytest.raises(NotPermitted):
            sqlite_county.open(who)
        assert dump(sqlite_county.database) == before

    def test_there_is_no_such_procedure(self, sqlite_county: County) -> None:
        with pytest.raises(ActionRefused) as refused:
            sqlite_county.open(procedure="petitions")
        assert refused.value.extra["reason"] == "unknown_procedure"

    def test_the_same_request_registers_once(self, county: County) -> None:
        data = {**PETITION, "received_on": county.today.isoformat()}

        def register() -> int:
            with county.database.write() as session:
                actor, unit = county.actor("clerk", session), county.units["county"]
                return open_matter(
                    county.engine, session, "petition", data, actor, county.now, unit_id=unit, request_key="k1"
                ).matter_id

        first = register()
        before = dump(county.database)
        with pytest.raises(AlreadyPerformed) as refused:
            register()
        assert refused.value.extra == {"entry": 1, "matter_id": first}
        assert dump(county.database) == before

    def test_a_sixth_representative_stays_outside(self, sqlite_county: County) -> None:
        assert sqlite_county.open(group_size=30, representatives=5).number
        with pytest.raises(ActionRefused) as refused:
            sqlite_county.open(group_size=30, representatives=6)
        assert refused.value.extra["reason"] == "too_many_representatives"

    def test_the_complainant_is_nowhere_but_in_the_seal(self, county: County) -> None:
        matter_id = county.open(complainant={"name": "林举报人", "phone": "13912345678"}).matter_id
        with county.database.read() as session:
            sealed = open_field(session, county.engine.vault, matter_id, "complainant")
        assert sealed is not None
        assert "林举报人" in sealed
        everything = repr(dump(county.database))
        assert "林举报人" not in everything
        assert "13912345678" not in everything
        assert entries(county, matter_id)[0]["content"]["sealed"] == ["complainant"]


class TestUnderWhichRules:
    def test_before_the_first_version_the_first_holds_and_the_journal_says_so(self, sqlite_county: County) -> None:
        early = sqlite_county.open(received_on="2016-02-15").matter_id
        later = sqlite_county.open(received_on="2016-02-16").matter_id
        said = [entries(sqlite_county, m)[0]["content"]["before_first_version"] for m in (early, later)]
        assert said == [True, False]
        assert matter(sqlite_county, early)["policy_hash"] == matter(sqlite_county, later)["policy_hash"]

    @pytest.mark.parametrize(("received", "known"), [("2016-12-31", True), ("2017-01-01", False)])
    def test_the_day_it_was_received_decides_which_dispositions_there_are(
        self, sqlite_county: County, received: str, known: bool
    ) -> None:
        county = sqlite_county
        county.now = start_of_day(date(2017, 1, 5)).astimezone(UTC) + timedelta(hours=10)
        matter_id = county.open(received_on=received).matter_id
        county.act(matter_id, "accept", "clerk")
        proposal = county.usual("propose", "case_filing")
        if known:
            assert county.act(matter_id, "propose", *proposal).state == "approval"
        else:
            with pytest.raises(InvalidAnswers, match="disposition"):
                county.act(matter_id, "propose", *proposal)


class TestSplit:
    @pytest.mark.parametrize("anonymous", [True, False])
    def test_every_part_becomes_a_petition_with_what_the_whole_knew(self, county: County, anonymous: bool) -> None:
        reported = [{"name": "蒋某", "unit": county.units["upper"]}]
        who = {"anonymous": True, "complainant": None} if anonymous else {}
        whole = county.open(problem_fields=["subsidies", "land_requisition"], reported=reported, **who).matter_id
        done = county.act(whole, "split", *county.usual("split"))
        parts = children(county, whole)
        assert tuple(p["id"] for p in parts) == done.opened
        assert [p["number"] for p in parts] == ["信访〔2016〕2号", "信访〔2016〕3号"]
        assert [p["record"]["steps"]["open"]["answers"]["problem_fields"] for p in parts] == [
            ["subsidies"], ["land_requisition"],
        ]  # fmt: skip
        assert {(p["id"], whole, "part_of") for p in parts} <= links(county)
        assert all(excluded(county, p["id"]) == excluded(county, whole) for p in parts)
        with county.database.read() as session:
            sealed = {open_field(session, county.engine.vault, m["id"], "complainant") for m in [*parts, {"id": whole}]}
        assert len(sealed) == 1
        assert (sealed == {None}) == anonymous
        check(county)

    def test_each_part_goes_its_own_way(self, county: County) -> None:
        whole = county.walk("split", problem_fields=["subsidies", "land_requisition"])
        ours, others = (p["id"] for p in children(county, whole))
        assert county.act(ours, "accept", "clerk").state == "triage"
        assert county.act(others, "refuse", *county.usual("refuse")).state == "refused"
        check(county)


class TestAboutAnother:
    """Whoever is kept away from a matter is kept away from every other that is about it."""

    @pytest.fixture
    def subject(self, county: County) -> int:
        reported = [{"name": "蒋某", "person": county.people["township_leader"], "unit": county.units["upper"]}]
        return county.open(reported=reported).matter_id

    def test_its_exclusions_hold_for_supervision_by_hand(self, county: County, subject: int) -> None:
        opened = county.open("office", "supervised_handling", **order(county, subject=subject))
        assert excluded(county, opened.matter_id) == excluded(county, subject)
        assert turn(county, opened.matter_id)["unit_id"] == county.units["county"]  # past the reported leader
        with pytest.raises(MatterNotFound):
            county.act(opened.matter_id, "sign_for", "township_leader", {"handler": 1, "measures": "自办"})

    def test_nor_is_it_sent_to_the_unit_reported(self, county: County, subject: int) -> None:
        with pytest.raises(InvalidAnswers, match="handler_unit"):
            county.open(
                "office", "supervised_handling", **order(county, subject=subject, handler_unit=county.units["upper"])
            )

    def test_whoever_is_kept_away_opens_nothing_about_it(self, county: County) -> None:
        subject = county.open(reported=[{"name": "李主任"}]).matter_id
        with pytest.raises(InvalidAnswers, match="subject"):
            county.open("office", "supervised_handling", **order(county, subject=subject))
        assert county.open("supervisor", "supervised_handling", **order(county, subject=subject)).number

    def test_supervision_from_a_rung_keeps_them_away_too(self, county: County) -> None:
        reported = [{"name": "蒋某", "person": county.people["township_leader"]}]
        matter_id = county.walk("accept", "propose", "approve", reported=reported)
        county.later(days=60)
        sweep_all(county.database, county.engine, county.now)
        (supervised,) = children(county, matter_id)
        assert excluded(county, supervised["id"]) == excluded(county, matter_id)
        assert (supervised["id"], matter_id, "supervises") in links(county)
        check(county)


class TestTheUnitReported:
    def test_does_not_receive_what_is_said_about_it(self, sqlite_county: County) -> None:
        county = sqlite_county
        about = {"reported": [{"name": "蒋某", "unit": county.units["liuhe"]}]}
        before = dump(county.database)
        with pytest.raises(InvalidAnswers) as refused:
            county.open("township_clerk", unit="liuhe", **about)
        assert refused.value.extra["errors"][0]["code"] == "received_by_reported_unit"
        assert dump(county.database) == before
        assert county.open(**about).state == "registered"

    def test_nothing_lies_above_the_county(self, sqlite_county: County) -> None:
        about = {"reported": [{"name": "蒋某", "unit": sqlite_county.units["county"]}]}
        assert sqlite_county.open(**about).state == "registered"

    @pytest.mark.parametrize("unit", ["liuhe", "upper"])
    @pytest.mark.parametrize("action", ["propose", "reassign"])
    def test_is_sent_nothing_nor_is_any_unit_below_it(self, sqlite_county: County, action: str, unit: str) -> None:
        county = sqlite_county
        walked = ["accept"] if action == "propose" else ["accept", "propose", "approve"]
        matter_id = county.open(reported=[{"name": "蒋某", "unit": county.units["liuhe"]}]).matter_id
        for step in walked:
            who, answers = county.usual(step)
            county.act(
                matter_id,
                step,
                who,
                {**answers, **({"handler_unit": county.units["baishi"]} if step == "propose" else {})},
            )
        who, answers = county.usual(action)
        with pytest.raises(InvalidAnswers) as refused:
            county.act(matter_id, action, who, {**answers, "handler_unit": county.units[unit]})
        assert [e["code"] for e in refused.value.extra["errors"]] == ["sent_to_reported_unit"]


def test_a_matter_out_of_sight_answers_like_one_that_is_not_there(county: County) -> None:
    """What an answer may refer to is what the actor may see: else a guess would tell which matters exist."""
    hidden = county.open(who="elsewhere", unit="baishi").matter_id
    replies = []
    for guess in (hidden, 10_000):
        with pytest.raises(InvalidAnswers) as refused:
            county.open(who="township_clerk", unit="liuhe", repeat_of=guess)
        replies.append([(e["field"], e["code"]) for e in refused.value.extra["errors"]])
    assert replies[0] == replies[1] == [("repeat_of", "unknown_matter")]
    mine = county.open(who="township_clerk", unit="liuhe").matter_id
    with pytest.raises(InvalidAnswers):
        county.act(mine, "accept", "township_clerk", {"repeat_of": hidden})


def test_nobody_registers_a_part_by_hand(sqlite_county: County) -> None:
    whole = sqlite_county.walk("split", problem_fields=["subsidies", "land_requisition"])
    for parent in (whole, sqlite_county.open().matter_id):
        with pytest.raises(ActionRefused) as refused:
            sqlite_county.open(part_of=parent)
        assert refused.value.extra["reason"] == "not_split_from"
