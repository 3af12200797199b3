"""What was set aside, and a time that cannot be right, stand on 自动任务 with their reasons, to be mended there."""

from datetime import timedelta

from sqlalchemy import select, update

from services.administration import record
from services.engine.aside import SetAside
from services.engine.models import Clock
from services.engine.sweep import sweep_all
from services.runs.models import RunState, Via
from services.runs.record import Outcome, begin_run, end_run
from services.runs.timekeeping import confirm
from tests.support.rungs import overdue
from tests.web.site import Site


def test_it_is_shown_with_its_reason_and_tried_again(site: Site) -> None:
    county = site.county
    (matter_id,) = overdue(county, 1)
    handling = (Clock.matter_id == matter_id) & (Clock.name == "handling")
    with county.database.write() as session:
        session.execute(update(Clock).where(handling).values(name="lost"))
        run = begin_run(session, "escalate_overdue", county.now, county.now)
        end_run(session, run, Outcome(RunState.COMPLETED, Via.CLOCK, {}), county.now)
    assert "暂搁" not in site.by("supervisor").get("/flows").text
    sweep_all(county.database, county.engine, county.now)

    page = site.by("supervisor").get("/flows").text
    assert "1 件事项暂搁" in page and "规则文本缺失或已被改动" in page and "已试 1 次" in page
    assert "1 件事项暂搁" in site.by("supervisor").get("/board").text
    assert site.post("handler", "/flows/retry", {"matter": matter_id}).status_code == 403
    with county.database.write() as session:
        session.execute(update(Clock).where(Clock.name == "lost").values(name="handling"))
    assert site.post("supervisor", "/flows/retry", {"matter": matter_id}).status_code == 204
    with county.database.read() as session:
        assert session.scalars(select(SetAside.again_at)).one() == county.now
    assert sweep_all(county.database, county.engine, county.now)["fired"] > 0
    assert "暂搁" not in site.by("supervisor").get("/flows").text


def test_whoever_a_matter_keeps_away_does_not_see_it_there(site: Site) -> None:
    county = site.county
    (matter_id,) = overdue(county, 1)
    county.act(matter_id, "recuse", "office", {"person": county.people["supervisor"], "reason": "亲属"})
    with county.database.write() as session:
        session.execute(update(Clock).where(Clock.name == "handling").values(name="lost"))
    sweep_all(county.database, county.engine, county.now)
    assert f"/matters/{matter_id}" in site.by("leader").get("/flows").text
    assert f"/matters/{matter_id}" not in site.by("supervisor").get("/flows").text


def test_a_clock_that_cannot_be_right_is_said_and_confirmed_by_whoever_may(site: Site) -> None:
    county = site.county
    with county.database.write() as session:
        confirm(session, county.now + timedelta(days=400))
    page = site.by("supervisor").get("/flows").text
    assert "服务器时间有误" in page and "最近一次任务在 2017-04-05 10:00" in page and "/flows/time" not in page
    assert "服务器时间有误" in site.by("supervisor").get("/board").text
    assert site.post("supervisor", "/flows/time").status_code == 403
    assert 'hx-post="/flows/time"' in site.by("office").get("/flows").text
    assert site.post("office", "/flows/time").status_code == 204
    assert "服务器时间有误" not in site.by("supervisor").get("/flows").text
    with county.database.read() as session:
        assert [deed.action for deed in record.find(session, record.Wanted(), 10)] == ["time_confirmed"]
