"""Entries walked to their count, and cards computed from them: from scratch the same, late ones a correction."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from services.db.errors import DubanError
from services.engine.errors import ActionRefused, MatterNotFound, NotPermitted
from services.engine.models import Matter
from services.engine.opening import open_matter
from services.engine.sweep import sweep_all
from services.identity.people import grant
from services.scoring.computing import compute
from services.scoring.entries import NoSuchPeriod, read_period
from services.scoring.models import ScoreCard
from tests.support.cast import County
from tests.support.invariants import check, clocks, matter, turn


def propose(
    county: County, item: str = "bulletin_criticism", who: str = "conduct", at: str = "liuhe", **more: Any
) -> int:
    answers = {"period": "2016", "unit": county.units[at], "item": item, "reason": "2月通报批评", **more}
    with county.database.write() as session:
        actor, unit_id = county.actor(who, session), county.units["county"]
        return open_matter(county.engine, session, "score", answers, actor, county.now, unit_id=unit_id).matter_id


def confirm(county: County, one: int, who: str = "conduct2") -> None:
    county.act(one, "confirm", who, {"opinion": "属实"})


def past_the_window(county: County) -> None:
    county.later(days=12)
    sweep_all(county.database, county.engine, county.now)


def counted(county: County, item: str = "bulletin_criticism", **more: Any) -> int:
    one = propose(county, item, **more)
    confirm(county, one, "leader" if "veto" in item else "conduct2")
    past_the_window(county)
    assert matter(county, one)["state"] == "counted"
    return one


def run(county: County, period: str = "2016") -> dict[str, Any]:
    with county.database.write() as session:
        return compute(session, county.engine, period, county.people["conduct"], county.now)


def cards(county: County) -> list[ScoreCard]:
    with county.database.read() as session:
        return list(session.scalars(select(ScoreCard).order_by(ScoreCard.id)))


def test_proposed_confirmed_open_to_objection_counted_by_the_clock(county: County) -> None:
    one = propose(county)
    assert clocks(county, one)["confirmation"]["effective_due"] == date(2016, 3, 15)
    with pytest.raises(ActionRefused, match="proposer"):
        confirm(county, one, "conduct")
    confirm(county, one)
    assert clocks(county, one)["objection"]["effective_due"] == date(2016, 3, 8)
    assert (turn(county, one)["role"], turn(county, one)["unit_id"]) == ("unit_head", county.units["liuhe"])
    county.later(days=7)  # the last day of the window
    sweep_all(county.database, county.engine, county.now)
    assert matter(county, one)["state"] == "window"
    with pytest.raises(ActionRefused, match="still be objected"):
        county.act(one, "count", "conduct", {})
    county.later(days=1)
    sweep_all(county.database, county.engine, county.now)
    assert matter(county, one)["state"] == "counted"
    check(county)


def test_the_unit_s_head_objects_and_another_decides(county: County) -> None:
    one = propose(county)
    confirm(county, one)
    with pytest.raises(MatterNotFound):
        county.act(one, "object", "baishi_head", {"reason": "与我无关"})
    county.act(one, "object", "township_committee", {"reason": "通报有误"})
    for who in ("conduct", "conduct2"):
        with pytest.raises(ActionRefused, match="does not decide"):
            county.act(one, "drop", who, {"opinion": "撤销"})
    county.act(one, "drop", "leader", {"opinion": "通报已更正"})
    assert matter(county, one)["state"] == "dropped"
    assert run(county)["cards"] == []
    check(county)


def test_an_objection_after_the_window_is_too_late(county: County) -> None:
    one = propose(county)
    confirm(county, one)
    county.later(days=8)
    with pytest.raises(ActionRefused, match="time to object"):
        county.act(one, "object", "township_committee", {"reason": "通报有误"})


def test_the_head_of_the_unit_does_not_confirm_and_others_do_not_see(county: County) -> None:
    one = propose(county)
    with pytest.raises(NotPermitted):
        confirm(county, one, "township_committee")
    with pytest.raises(MatterNotFound):
        confirm(county, one, "baishi_head")


def test_whoever_also_belongs_to_the_unit_is_of_the_unit(county: County) -> None:
    with county.database.write() as session:
        grant(session, county.people["conduct2"], "handler", county.units["upper"], date(2010, 1, 1), None, "兼任")
    one = propose(county)
    with pytest.raises(ActionRefused, match="nobody of the subject unit"):
        confirm(county, one)
    confirm(county, propose(county, at="baishi"))


def test_a_person_sees_and_objects_to_his_entry_even_where_its_origin_keeps_him_away(county: County) -> None:
    origin = county.walk("accept", reported=[{"name": "王承办"}])
    one = propose(county, person=county.people["handler"], origin=origin, who="office")
    confirm(county, one)
    assert turn(county, one)["person_id"] == county.people["handler"]
    county.act(one, "object", "handler", {"reason": "与事实不符"})
    with pytest.raises(MatterNotFound):
        county.act(origin, "note_progress", "handler", {"content": "看看"})
    check(county)


def test_what_its_origin_keeps_away_stays_away_otherwise(county: County) -> None:
    origin = county.walk("accept", reported=[{"name": "何书记"}])
    one = propose(county, origin=origin, who="office")
    confirm(county, one)
    with pytest.raises(MatterNotFound):
        county.act(one, "object", "township_committee", {"reason": "不服"})


def test_from_scratch_it_is_the_same_to_the_byte(county: County) -> None:
    counted(county)
    counted(county, "other", points="2.5")
    first, again = run(county), run(county)
    assert again["digest"] == first["digest"]
    assert [c["new"] for c in first["cards"] + again["cards"]] == [True, False]
    assert first["cards"][0]["figures"]["adjustments"] == "1.50"
    assert first["cards"][0]["figures"]["total"] is None
    assert len(cards(county)) == 1


def test_a_late_entry_is_a_correction_that_names_it(county: County) -> None:
    first = counted(county)
    county.later(days=366)
    final = run(county)["cards"][0]
    assert (final["kind"], final["entries"]) == ("final", [[first, "bulletin_criticism", "-1"]])
    late = counted(county, "integrity_veto")
    corrected = run(county)["cards"][0]
    assert (corrected["kind"], corrected["number"]) == ("correction", 2)
    assert corrected["changed"] == {"added": [[late, "integrity_veto", None]], "removed": [], "rules": False}
    assert corrected["figures"]["vetoed"]
    kept = cards(county)
    assert [(c.kind, c.digest) for c in kept] == [("final", final["digest"]), ("correction", corrected["digest"])]
    assert run(county)["digest"] != final["digest"]


def test_a_card_of_a_running_year_is_settled_when_the_year_is_over(county: County) -> None:
    counted(county)
    assert run(county)["cards"][0]["kind"] == "interim"
    county.later(days=366)
    settled = run(county)["cards"][0]
    assert (settled["kind"], settled["new"], settled["changed"]["added"]) == ("final", True, [])
    assert not run(county)["cards"][0]["new"]


def test_a_year_takes_its_parts_and_a_part_only_itself(county: County) -> None:
    counted(county, period="2016-Q1")
    counted(county, period="2016-07")
    assert len(run(county)["cards"][0]["entries"]) == 2
    assert len(run(county, "2016-H1")["cards"][0]["entries"]) == 1
    assert run(county, "2016-Q2")["cards"] == []


def test_units_and_people_have_cards_of_their_own(county: County) -> None:
    counted(county)
    counted(county, person=county.people["handler"])
    made = run(county)["cards"]
    assert [(c["unit_id"], c["person_id"]) for c in made] == [
        (county.units["liuhe"], 0), (county.units["liuhe"], county.people["handler"]),
    ]  # fmt: skip


def test_a_late_clock_proposes_a_score_that_nobody_counted_yet(county: County) -> None:
    one = county.open(
        "conduct", "rectification", "county", source="covert_check", level="minor", problem="账目未公开",
        handler_unit=county.units["liuhe"], found_on=county.today.isoformat(),
    ).matter_id  # fmt: skip
    measure = {"content": "公开", "responsible": county.people["handler"], "by": "2016-03-20"}
    county.act(one, "plan", "township_committee", {"measures": [measure], "goal": "公开"})
    county.later(days=90)
    sweep_all(county.database, county.engine, county.now)
    with county.database.read() as session:
        states = session.execute(select(Matter.state, Matter.unit_id).where(Matter.procedure == "score")).all()
    assert [tuple(row) for row in states] == [("proposed", county.units["liuhe"])]
    assert run(county)["cards"] == []
    check(county)


@pytest.mark.parametrize(
    ("name", "last", "parts"),
    [
        ("2016", date(2016, 12, 31), 19),
        ("2016-H1", date(2016, 6, 30), 9),
        ("2016-Q1", date(2016, 3, 31), 4),
        ("2016-02", date(2016, 2, 29), 1),
    ],
)
def test_periods_and_their_parts(name: str, last: date, parts: int) -> None:
    period = read_period(name)
    assert (period.last, len(period.parts)) == (last, parts)
    assert name in period.parts


@pytest.mark.parametrize("text", ["", "16", "2016-13", "2016-H3", "2016-Q5", "2016 ", "all"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(NoSuchPeriod) as refused:
        read_period(text)
    assert isinstance(refused.value, DubanError)
