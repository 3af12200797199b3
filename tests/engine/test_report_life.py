"""Accountability reports and conduct assessments walked from the plan to the score, on both databases."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from services.engine.core import Engine
from services.engine.errors import ActionRefused, AlreadyOpened, InvalidAnswers, MatterNotFound, NotPermitted
from services.engine.models import Link, Matter, Obligation, Seat, Urn
from services.engine.obligations import open_due
from services.engine.opening import open_matter
from services.engine.sweep import sweep_all
from services.identity.models import Post
from services.identity.sealing import Vault
from services.scoring.computing import compute
from tests.support.cast import County
from tests.support.invariants import check, clocks, matter, rows_of, turn

RATERS = ("clerk", "clerk2", "manager", "reviewer")
SUBJECT = "township_committee"


@pytest.fixture
def county(county: County) -> Iterator[County]:
    """Whatever a test does, the invariants hold in the end."""
    yield county
    check(county)


def opened(county: County, procedure: str, who: str = "conduct", **answers: Any) -> int:
    with county.database.write() as session:
        actor, unit_id = county.actor(who, session), county.units["county"]
        return open_matter(county.engine, session, procedure, answers, actor, county.now, unit_id=unit_id).matter_id


def report(county: County, **more: Any) -> int:
    usual = {
        "year": 2016, "unit": county.units["liuhe"], "subject": county.people[SUBJECT], "mode": "concentrated",
        "duty": "primary", "planned_on": county.today.isoformat(), "report_by": "2016-06-30",
    }  # fmt: skip
    return opened(county, "accountability_report", **{**usual, **more})


def meeting(county: County, *raters: str, group: str = "branch") -> dict[str, Any]:
    people = [county.people[who] for who in raters or RATERS]
    return {
        "held_on": county.today.isoformat(), "questions": [{"question": "账目公开了吗", "answer": "已公开"}],
        "attended_by": county.people["party_secretary"], "raters": [{"group": group, "people": people}],
    }  # fmt: skip


def own_report() -> dict[str, Any]:
    return {"responsibility": "履行主体责任情况", "integrity": "廉洁自律情况"}


def to_the_ballot(county: County, one: int) -> None:
    county.act(one, "submit", SUBJECT, own_report())
    county.act(one, "question", "conduct", meeting(county))


def ballots(county: County, one: int, *levels: str) -> None:
    for who, level in zip(RATERS, levels, strict=False):
        county.act(one, "vote", who, {"responsibility": level, "integrity": level})


def children(county: County, one: int) -> dict[str, dict[str, Any]]:
    with county.database.read() as session:
        ids = session.scalars(select(Link.from_id).where(Link.to_id == one)).all()
        return {row["procedure"]: row for i in ids for row in rows_of(session, Matter, id=i)}


def test_four_steps_a_score_and_a_finding_followed_until_done(county: County) -> None:
    one = report(county)
    assert clocks(county, one)["report"]["effective_due"] == date(2016, 6, 30)
    assert turn(county, one)["person_id"] == county.people[SUBJECT]
    to_the_ballot(county, one)
    assert clocks(county, one, active=True)["ballot"]["effective_due"] == date(2016, 3, 15)
    ballots(county, one, "excellent", "good", "fair")
    county.act(one, "close_ballot", "conduct", {})
    found = [{"problem": "村级账目未按月公开", "level": "minor"}]
    county.act(one, "conclude", "leader", {"comment": "总体较好", "findings": found})
    assert matter(county, one)["record"]["steps"]["conclude"]["answers"]["score"] == "85.00"
    below = children(county, one)
    assert below["rectification"]["unit_id"] == county.units["liuhe"]
    score = below["score"]["record"]["steps"]["open"]["answers"]
    assert (score["period"], score["person"], score["points"]) == ("2016-H1", county.people[SUBJECT], None)
    county.act(below["rectification"]["id"], "cancel", "leader", {"reason": "并入专项整改"})
    assert matter(county, one)["state"] == "concluded"


def test_the_score_is_counted_after_the_window_and_is_the_reporter_s(county: County) -> None:
    one = report(county)
    to_the_ballot(county, one)
    ballots(county, one, "excellent", "good", "fair")
    county.act(one, "close_ballot", "conduct", {})
    county.act(one, "conclude", "leader", {"comment": "总体较好"})
    score = children(county, one)["score"]["id"]
    with pytest.raises(ActionRefused, match="proposer"):
        county.act(score, "confirm", "leader", {"opinion": "属实"})
    county.act(score, "confirm", "conduct2", {"opinion": "属实"})
    assert turn(county, score)["person_id"] == county.people[SUBJECT]
    county.later(days=12)
    sweep_all(county.database, county.engine, county.now)
    with county.database.write() as session:
        (card,) = compute(session, county.engine, "2016", None, county.now)["cards"]
    assert (card["person_id"], card["figures"]["total"]) == (county.people[SUBJECT], "85.00")


def test_ballots_are_secret_and_cast_once_by_members_only(county: County) -> None:
    one = report(county)
    to_the_ballot(county, one)
    ballots(county, one, "excellent", "good")
    with pytest.raises(NotPermitted):
        county.act(one, "vote", RATERS[0], {"responsibility": "poor", "integrity": "poor"})
    with pytest.raises(NotPermitted):
        county.act(one, "vote", "conduct", {"responsibility": "poor", "integrity": "poor"})
    with pytest.raises(ActionRefused, match="has not answered"):
        county.act(one, "close_ballot", "conduct", {})
    with county.database.read() as session:
        assert [s["answers"] for s in rows_of(session, Seat, matter_id=one)] == [None] * 4
        assert [len(u.ballots) for u in session.scalars(select(Urn).where(Urn.matter_id == one))] == [2]


def test_each_subject_has_one_mode_a_year(county: County) -> None:
    first = report(county)
    with pytest.raises(AlreadyOpened):
        report(county, mode="written")
    second = report(county, follows=first, report_by="2016-12-20")
    with pytest.raises(AlreadyOpened):
        report(county, follows=first)
    with pytest.raises(ActionRefused, match="same person"):
        report(county, follows=second)
    report(county, year=2017)


def test_on_december_the_first_those_not_covered_report_in_writing(county: County) -> None:
    with county.database.write() as session:
        for who, unit in ((SUBJECT, "liuhe"), ("baishi_head", "baishi"), ("water_head", "water")):
            session.add(
                Post(person_id=county.people[who], unit_id=county.units[unit], title="书记", held_from=date(2015, 1, 1),
                     held_to=None, head=True)
            )  # fmt: skip
    report(county)
    county.now = datetime(2016, 11, 30, 2, tzinfo=UTC)
    assert written(county) == []
    county.later(days=1)
    mine = [people_of(row) for row in written(county)]
    assert mine == [county.people["baishi_head"], county.people["water_head"]]
    assert [people_of(row) for row in written(county)] == mine
    with county.database.read() as session:
        waived = [r["waived"] for r in rows_of(session, Obligation, name="written") if r["matter_id"] is None]
    assert len(waived) == 1
    assert "不能重复登记" in waived[0]


def people_of(row: dict[str, Any]) -> int:
    return int(row["record"]["steps"]["open"]["answers"]["subject"])


def written(county: County) -> list[dict[str, Any]]:
    """The written reports there are after the clock has seen to what fell due."""
    open_due(county.database, county.engine, county.now)
    with county.database.read() as session:
        rows = rows_of(session, Matter, procedure="accountability_report")
    return [row for row in rows if row["record"]["steps"]["open"]["answers"]["mode"] == "written"]


def test_a_subject_named_in_the_finding_still_reports_and_still_sees_nothing_of_it(county: County) -> None:
    steps = ("accept", "propose", "approve", "complete", "pass_recheck", "feed_back", "give_acceptance_notice")
    petition = county.walk(*steps, "archive", reported=[{"name": "何书记"}])
    one = report(county, who="office", mode="dynamic", finding=petition, grounds="低保问题已查实")
    assert county.act(one, "submit", SUBJECT, own_report()).state == "questioning"
    with pytest.raises(MatterNotFound):
        county.act(petition, "note_progress", SUBJECT, {"content": "看看"})


def test_it_is_reported_in_person_and_sent_back_to_the_reporter(county: County) -> None:
    one = report(county)
    with pytest.raises(NotPermitted):
        county.act(one, "submit", "conduct", own_report())
    county.act(one, "submit", SUBJECT, own_report())
    county.act(one, "send_back", "conduct", {"reason": "请补充"})
    assert turn(county, one)["person_id"] == county.people[SUBJECT]
    assert set(clocks(county, one, active=True)) == {"report"}
    to_the_ballot(county, one)
    county.act(one, "send_back", "conduct", {"reason": "组别有误"})
    assert set(clocks(county, one, active=True)) == {"meeting"}


@pytest.mark.parametrize(
    ("pack", "sections", "group"),
    [
        ("zhenping", {"effect": "成效"}, "staff"),
        ("guangxi", {"virtue": "品德"}, "commission"),
        ("cangxi", {}, "leaders"),
    ],
)
def test_packs_ask_for_their_own_sections(
    sqlite_county: County, vault: Vault, pack: str, sections: dict[str, str], group: str
) -> None:
    county = sqlite_county
    county.engine = Engine.of(pack, vault)
    one = report(county)
    strange = {"effect": "成效"} if pack != "zhenping" else {"virtue": "品德"}
    assert codes(lambda: county.act(one, "submit", SUBJECT, {**own_report(), **sections, **strange})) == {
        ("effect" if "effect" in strange else "virtue", "extra_forbidden")
    }
    if sections:
        assert codes(lambda: county.act(one, "submit", SUBJECT, own_report())) == {(next(iter(sections)), "missing")}
    county.act(one, "submit", SUBJECT, {**own_report(), **sections})
    asked = meeting(county, group=group)
    assert codes(lambda: county.act(one, "question", "conduct", asked)) == {("attended_by", "extra_forbidden")}
    county.act(one, "question", "conduct", {**asked, "attended_by": None})
    ballot = {"responsibility": "good", "integrity": "good", **dict.fromkeys(sections, "excellent")}
    for who in RATERS[:3]:
        county.act(one, "vote", who, ballot)
    county.act(one, "close_ballot", "conduct", {})
    score = matter(county, one)["record"]["steps"]["close_ballot"]["answers"]["score"]
    assert score == ("90.00" if sections else "85.00")


def codes(refused: Callable[[], object]) -> set[tuple[str, str]]:
    with pytest.raises(InvalidAnswers) as found:
        refused()
    return {(e["field"], e["code"]) for e in found.value.extra["errors"]}


def test_conduct_is_assessed_by_two_and_enters_the_score(county: County) -> None:
    one = opened(county, "conduct_assessment", year=2016, unit=county.units["liuhe"], subject=None, method="team")
    with pytest.raises(AlreadyOpened):
        opened(county, "conduct_assessment", year=2016, unit=county.units["liuhe"], subject=None, method="panel")
    team = {"members": [county.people["conduct2"], county.people["supervisor"]], "plan": "下周走访"}
    county.act(one, "set_team", "conduct", team)
    marks = {"thought": 80, "study": 70, "work": 90, "leadership": 60, "life": 100, "grounds": "查阅资料、走访"}
    county.act(one, "mark", "conduct2", marks)
    with pytest.raises(ActionRefused, match="has not answered"):
        county.act(one, "conclude", "conduct", {"comment": "较好"})
    county.act(one, "mark", "supervisor", {**marks, "thought": 81})
    assert county.act(one, "conclude", "conduct", {"comment": "较好"}).state == "concluded"
    score = children(county, one)["score"]
    assert score["record"]["steps"]["open"]["answers"]["item"] == "conduct_assessment"
    county.act(score["id"], "confirm", "conduct2", {"opinion": "属实"})
    assert matter(county, score["id"])["record"]["steps"]["confirm"]["answers"]["points"] == "80.10"
