"""Rectifications walked from the problem to the strike-off, back, and to a second round, on both databases."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from services.engine.errors import ActionRefused, InvalidAnswers, MatterNotFound
from services.engine.models import Attachment, Matter
from services.engine.sweep import sweep_all
from tests.support.cast import County
from tests.support.invariants import check, clocks, matter, turn


def upload(county: County, who: str, sha256: str, matter_id: int | None = None) -> int:
    with county.database.write() as session:
        file = Attachment(
            matter_id=matter_id, sha256=sha256, name="凭证.pdf", size=1, media_type="application/pdf",
            uploaded_by=county.people[who], uploaded_at=county.now,
        )  # fmt: skip
        session.add(file)
        session.flush()
        return file.id


def problem(county: County, **more: Any) -> int:
    answers = {
        "source": "covert_check", "level": "moderate", "problem": "食堂账目未公开",
        "handler_unit": county.units["liuhe"], "found_on": county.today.isoformat(), **more,
    }  # fmt: skip
    return county.open("conduct", "rectification", "county", **answers).matter_id


def plan(county: County, matter_id: int, responsible: str = "handler") -> None:
    measure = {"content": "张榜公开", "responsible": county.people[responsible], "by": "2016-04-01"}
    county.act(matter_id, "plan", "township_committee", {"measures": [measure], "goal": "按月公开"})


def submit(county: County, matter_id: int, sha256: str = "a") -> None:
    data = {"done": "已公开", "evidence": [upload(county, "township_committee", sha256)]}
    county.act(matter_id, "submit", "township_committee", data)


def verified(county: County) -> dict[str, Any]:
    return {"verified_on": county.today.isoformat(), "opinion": "属实"}


def test_from_the_problem_to_the_strike_off(county: County) -> None:
    one = problem(county)
    assert clocks(county, one)["planning"]["effective_due"] == date(2016, 3, 15)
    assert turn(county, one)["role"] == "unit_head"
    plan(county, one)
    assert clocks(county, one)["rectification"]["effective_due"] == date(2016, 5, 3)  # 05-01 and 05-02 are a holiday
    submit(county, one)
    assert clocks(county, one)["rectification"]["state"] == "suspended"
    assert clocks(county, one)["verification"]["effective_due"] == date(2016, 3, 22)
    county.act(one, "verify", "conduct", verified(county))
    with pytest.raises(ActionRefused, match="does not approve"):
        county.act(one, "strike_off", "conduct", {"opinion": "同意"})
    assert county.act(one, "strike_off", "conduct2", {"opinion": "同意"}).opened == ()
    assert matter(county, one)["state"] == "struck_off"
    check(county)


def test_returned_it_goes_on_within_the_same_period(county: County) -> None:
    one = problem(county)
    plan(county, one)
    submit(county, one)
    county.later(days=7)
    county.act(one, "send_back", "conduct", {"reason": "公开不全"})
    assert matter(county, one)["state"] == "rectifying"
    assert clocks(county, one, active=True)["rectification"]["effective_due"] == date(2016, 5, 9)  # 7 days stood still
    assert "verification" not in clocks(county, one, active=True)
    with pytest.raises(MatterNotFound):
        county.act(one, "submit", "elsewhere", {"done": "代交", "evidence": [upload(county, "elsewhere", "b")]})
    submit(county, one, "b")
    county.act(one, "verify", "conduct", verified(county))
    county.act(one, "refuse_strike_off", "leader", {"reason": "再看现场"})
    assert matter(county, one)["state"] == "verification"
    check(county)


def test_evidence_serves_once(county: County) -> None:
    one, two = problem(county), problem(county)
    for each in (one, two):
        plan(county, each)
    submit(county, one, "same")
    with pytest.raises(InvalidAnswers) as refused:
        submit(county, two, "same")
    assert [(e["field"], e["code"]) for e in refused.value.extra["errors"]] == [("evidence", "evidence_used_before")]
    county.act(one, "send_back", "conduct", {"reason": "再补"})
    submit(county, one, "same")  # its own earlier file counts as its own
    submit(county, two, "other")
    check(county)


def test_a_file_that_no_matter_used_is_fresh(county: County) -> None:
    one = problem(county)
    plan(county, one)
    upload(county, "clerk", "same")
    submit(county, one, "same")
    assert matter(county, one)["state"] == "verification"


def test_who_is_responsible_for_a_measure_does_not_verify(county: County) -> None:
    one = problem(county)
    plan(county, one, responsible="supervisor")
    submit(county, one)
    with pytest.raises(ActionRefused, match="nobody who rectified"):
        county.act(one, "verify", "supervisor", verified(county))


def test_a_relapse_opens_a_second_round(county: County) -> None:
    one = problem(county)
    plan(county, one)
    submit(county, one)
    county.act(one, "verify", "conduct", verified(county))
    (again,) = county.act(one, "strike_off", "leader", {"opinion": "同意", "return_inspection": True}).opened
    assert matter(county, again)["unit_id"] == county.units["county"]
    assert clocks(county, again)["inspection"]["effective_due"] == date(2016, 9, 1)
    people = county.people
    found = {"inspected_on": county.today.isoformat(), "finding": "又未公开", "level": "serious",
             "again": county.units["liuhe"]}  # fmt: skip
    with pytest.raises(ActionRefused, match="nobody who rectified"):
        county.act(again, "find_relapsed", "conduct", {**found, "members": [people["conduct"], people["handler"]]})
    opened = county.act(
        again, "find_relapsed", "conduct", {**found, "members": [people["conduct"], people["supervisor"]]}
    ).opened
    second = matter(county, opened[0])
    assert (second["procedure"], second["state"], second["unit_id"]) == (
        "rectification", "issued", county.units["liuhe"],
    )  # fmt: skip
    check(county)


def test_a_late_rectification_is_supervised(county: County) -> None:
    one = problem(county, level="minor")
    plan(county, one)
    county.later(days=60)
    sweep_all(county.database, county.engine, county.now)
    with county.database.read() as session:
        opened = session.scalars(select(Matter.procedure).where(Matter.id > one)).all()
    assert sorted(opened) == ["score", "supervised_handling"]
    assert matter(county, one)["level"] == 2
