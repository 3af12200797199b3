"""One matter with all around it, and what can be done with it."""

import json
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.engine import looking, queries, work
from services.engine.core import Engine
from services.engine.errors import MatterNotFound
from services.engine.models import Clock, WorkItem
from services.identity.access import Actor
from tests.support.cast import County

TO_HANDLING = ("accept", "propose", "approve")


def look(county: County, function: Any, who: str, *more: Any, **named: Any) -> Any:
    with county.database.read() as session:
        return function(session, county.engine, county.actor(who, session), *more, **named)


def get_matter(session: Session, engine: Engine, actor: Actor, matter_id: int, now: datetime) -> queries.MatterView:
    return queries.get_matter(session, engine, looking.look(session, engine, actor, matter_id), actor, now)


def timeline(
    session: Session, engine: Engine, actor: Actor, matter_id: int, **named: Any
) -> queries.Page[queries.EntryView]:
    return queries.timeline(session, looking.look(session, engine, actor, matter_id), actor, **named)


def possible_actions(
    session: Session, engine: Engine, actor: Actor, matter_id: int, now: datetime
) -> list[queries.PossibleAction]:
    return queries.possible_actions(looking.look(session, engine, actor, matter_id), actor, now)


# ── one matter ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_matter_with_all_around_it_and_nothing_sealed(county: County) -> None:
    matter = county.walk(*TO_HANDLING, reported=[{"name": "卫承办", "person": county.people["elsewhere"]}])
    view = look(county, get_matter, "office", matter, county.now)
    assert (view.state_label, view.unit_name, view.origin_unit_name) == ("办理中", "柳河乡", "清河县")
    assert [s.action for s in view.steps] == ["open", *TO_HANDLING]
    assert [s.by_name for s in view.steps] == ["赵信访", "赵信访", "赵信访", "孙领导"]
    assert {c.name: c.state for c in view.clocks} == {
        "screening": "stopped", "disposition": "stopped", "acceptance_notice": "running", "handling": "running",
    }  # fmt: skip
    assert view.duties == ["受理告知"] and view.excluded == 1
    assert [i.role_title for i in view.items] == ["承办人"]
    assert view.light is not None and view.light.colour == "green"
    assert "林举报" not in json.dumps(asdict(view), default=str, ensure_ascii=False)


def test_a_matter_out_of_sight_is_not_found_by_any_query(county: County) -> None:
    matter = county.walk("accept")
    with county.database.read() as session:
        clock = session.scalars(select(Clock.id).where(Clock.matter_id == matter)).first()
    for function, more in (
        (get_matter, (matter, county.now)),
        (timeline, (matter,)),
        (queries.links, (matter,)),
        (possible_actions, (matter, county.now)),
        (queries.explain_clock, (clock, county.now)),
        (queries.explain_clock, (10_000, county.now)),
    ):
        with pytest.raises(MatterNotFound):
            look(county, function, "elsewhere", *more)


def test_the_timeline_is_newest_first_with_titles(county: County) -> None:
    matter = county.walk("accept", "propose")
    page = look(county, timeline, "clerk", matter, limit=2)
    assert [(e.title, e.source_label, e.target_label) for e in page.rows] == [
        ("拟处置", "待拟处置", "待审批"), ("受理", "待甄别", "待拟处置"),
    ]  # fmt: skip
    rest = look(county, timeline, "clerk", matter, cursor=page.next)
    assert [e.title for e in rest.rows] == ["登记"] and rest.next is None


def test_links_show_only_what_may_be_seen(county: County) -> None:
    first = county.walk()
    hidden = county.walk(repeat_of=first, reported=[{"name": "李主任", "person": county.people["office"]}])
    again = county.walk(repeat_of=first)
    seen = look(county, queries.links, "clerk", first)
    assert {(v.matter_id, v.kind_title, v.outgoing) for v in seen} == {
        (hidden, "重复件", False),
        (again, "重复件", False),
    }
    assert [v.matter_id for v in look(county, queries.links, "office", first)] == [again]
    (back,) = look(county, queries.links, "clerk", again)
    assert (back.matter_id, back.kind_title, back.outgoing) == (first, "原信访件", True)


def test_a_clock_is_explained_line_by_line(county: County) -> None:
    matter = county.walk(received_on="2016-02-03")
    view = look(county, get_matter, "clerk", matter, county.now)
    told = look(county, queries.explain_clock, "clerk", view.clocks[0].id, county.now)
    assert (told.clock.title, told.clock.budget_zh) == ("登记甄别期限", "15日")
    assert (told.clock.nominal_due, told.clock.late) == (date(2016, 2, 18), True)
    assert told.clock.source in told.steps[0].zh and told.steps[-1].day == date(2016, 2, 18)


def test_a_stopped_clock_keeps_its_lateness(county: County) -> None:
    matter = county.walk("accept", received_on="2016-01-04")
    clocks = {c.name: c for c in look(county, get_matter, "clerk", matter, county.now).clocks}
    assert (clocks["screening"].late, clocks["screening"].light, clocks["disposition"].late) == (True, None, False)


# ── what can be done ─────────────────────────────────────────────────────────────────────────────────────


def test_actions_of_the_state_with_right_and_reason(county: County) -> None:
    matter = county.walk("accept")
    by_name = {a.name: a for a in look(county, possible_actions, "clerk", matter, county.now)}
    assert by_name["propose"].allowed and [t.label for t in by_name["propose"].targets] == ["待审批"]
    assert not by_name["recuse"].allowed and "登记回避" in by_name["recuse"].why_not
    assert by_name["withdraw"].allowed and [t.state for t in by_name["withdraw"].targets] == ["registered"]
    assert "accept" not in by_name
    others = {a.name: a.allowed for a in look(county, possible_actions, "supervisor", matter, county.now)}
    assert not any(others.values())


def test_forms_carry_the_codes_of_the_matters_own_policy(county: County) -> None:
    before, since = county.walk("accept", received_on="2016-02-29"), county.now
    county.now = datetime(2018, 3, 1, 2, tzinfo=UTC)
    after = county.walk("accept")
    county.now = since + timedelta(days=800)
    found = {}
    for matter in (before, after):
        actions = {a.name: a for a in look(county, possible_actions, "clerk", matter, county.now)}
        field = actions["propose"].form["properties"]["disposition"]
        found[matter] = field["enum"]
        assert field["x-labels"].keys() == set(field["enum"]) and field["x-list"] == "dispositions"
    assert "case_filing" in found[before] and "case_filing" not in found[after]


def test_a_return_offers_the_steps_passed(county: County) -> None:
    matter = county.walk("accept", "propose")
    actions = {a.name: a for a in look(county, possible_actions, "leader", matter, county.now)}
    assert [t.state for t in actions["send_back"].targets] == ["triage", "registered"]
    field = actions["send_back"].form["properties"]["to"]
    assert field["enum"] == ["triage", "registered", None] and field["x-labels"]["triage"] == "待拟处置"


def test_a_claim_by_another_is_the_reason_why_not(county: County) -> None:
    matter = county.walk(*TO_HANDLING)
    with county.database.write() as session:
        open_items = WorkItem.matter_id == matter, WorkItem.closed_at.is_(None)
        item = session.scalars(select(WorkItem.id).where(*open_items)).one()
        work.claim(session, county.engine, item, county.actor("handler", session), county.now)
    actions = {a.name: a for a in look(county, possible_actions, "handler2", matter, county.now)}
    assert "王承办" in actions["complete"].why_not and actions["note_progress"].allowed
