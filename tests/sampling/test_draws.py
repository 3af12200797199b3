"""Draws: the right size, made once, reproducible, and checked by people who did not handle the item."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from config.settings import Settings
from services.engine.errors import ActionRefused, NotPermitted
from services.engine.models import Link, Matter
from services.runtime import Runtime
from services.sampling.draws import draw_due_samples, list_samples, redraw
from services.sampling.models import Sample
from tests.support.cast import County

APRIL = datetime(2016, 4, 1, 0, tzinfo=UTC)


@pytest.fixture
def runtime(county: County, tmp_path: Path) -> Runtime:
    settings = Settings(home=tmp_path, pack="tongcheng")
    return Runtime(settings, county.database, county.engine.vault)


def replied(county: County, count: int, *, clean: bool = True) -> list[int]:
    made = []
    for _ in range(count):
        matter_id = county.walk("accept", "propose", "approve", disposition="letter_inquiry")
        who, form = county.usual("record_reply")
        county.act(matter_id, "record_reply", who, {**form, "no_problem": clean})
        made.append(matter_id)
    return made


def sample(county: County, kind: str = "clean_reply") -> Sample:
    with county.database.read() as session:
        return session.scalars(select(Sample).where(Sample.kind == kind)).one()


@pytest.mark.parametrize(("replies", "drawn"), [(7, 3), (1, 1), (0, 0)])
def test_thirty_per_cent_of_clean_replies_rounded_up(
    county: County, runtime: Runtime, replies: int, drawn: int
) -> None:
    replied(county, replies)
    replied(county, 2, clean=False)
    result = draw_due_samples(runtime, APRIL)
    assert result["samples"]["clean_reply 2016-03"] == f"{drawn} of {replies}"
    made = sample(county)
    assert redraw(made) == made.drawn
    with county.database.read() as session:
        checks = session.scalars(select(Matter).where(Matter.procedure == "spot_check")).all()
        assert len(checks) == drawn
        assert all(c.state == "drawn" and c.due_at for c in checks)
        assert len(session.scalars(select(Link).where(Link.kind == "checks")).all()) == drawn


def test_a_period_is_drawn_once(county: County, runtime: Runtime) -> None:
    replied(county, 4)
    first = draw_due_samples(runtime, APRIL)
    again = draw_due_samples(runtime, APRIL.replace(day=20))
    assert first["drawn"] >= 1
    assert again["checks"] == 0
    assert sample(county).population == sorted(sample(county).population)


def test_a_reply_that_was_withdrawn_is_not_drawn(county: County, runtime: Runtime) -> None:
    (matter_id,) = replied(county, 1)
    county.act(matter_id, "withdraw", "handler", {"reason": "登记有误"})
    draw_due_samples(runtime, APRIL)
    assert sample(county).population == []


def test_quality_is_sampled_on_a_day_no_table_announces(county: County, runtime: Runtime) -> None:
    for _ in range(3):
        county.walk("accept", "propose", "approve", "complete", "pass_recheck")
    assert "quality 2016-H1" not in draw_due_samples(runtime, datetime(2016, 4, 1, tzinfo=UTC))["samples"]
    result = draw_due_samples(runtime, datetime(2016, 7, 1, tzinfo=UTC))
    assert result["samples"]["quality 2016-H1"] == "1 of 3"
    with county.database.read() as session:
        made = session.scalars(select(Sample).where(Sample.kind == "quality", Sample.period == "2016-H1")).one()
    assert made.figures == {"registered": 3, "on_time": 3, "late": 0}


def test_nobody_who_handled_it_checks_it(county: County, runtime: Runtime) -> None:
    replied(county, 1)
    draw_due_samples(runtime, APRIL)
    county.now = APRIL
    with county.database.read() as session:
        check = session.scalars(select(Matter.id).where(Matter.procedure == "spot_check")).one()
    people = county.people
    with pytest.raises(ActionRefused) as refused:
        team = {"members": [people["handler"], people["checker"]], "plan": "走访"}
        county.act(check, "set_team", "office", team)
    assert refused.value.extra["reason"] == "checker_handled_it"
    county.act(check, "set_team", "office", {"members": [people["checker"], people["checker2"]], "plan": "走访"})
    report = {"result": "confirmed", "quality": 90, "summary": "与回复一致"}
    assert county.act(check, "report", "checker", report).state == "review"
    assert county.act(check, "confirm", "office", {"opinion": "同意"}).state == "closed"


def test_only_those_who_supervise_the_county_see_the_draws(county: County, runtime: Runtime) -> None:
    draw_due_samples(runtime, APRIL)
    with county.database.read() as session:
        assert list_samples(session, county.engine, county.actor("supervisor", session))
        with pytest.raises(NotPermitted):
            list_samples(session, county.engine, county.actor("handler", session))
