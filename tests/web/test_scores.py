"""考核得分: who sees which subjects, what each figure rests on, and what leaves as a workbook."""

import io
import re

import openpyxl
import pytest

from services.engine.opening import open_matter
from services.engine.sweep import sweep_all
from services.scoring.computing import compute
from tests.support.cast import County
from tests.support.invariants import entries
from tests.web.site import HTMX, Site


def propose(county: County, at: str = "liuhe", person: str | None = None, **more: object) -> int:
    data = {"period": "2016", "unit": county.units[at], "item": "bulletin_criticism", "reason": "=2月通报",
            "person": county.people[person] if person else None, **more}  # fmt: skip
    with county.database.write() as session:
        actor, unit_id = county.actor("office", session), county.units["county"]
        return open_matter(county.engine, session, "score", data, actor, county.now, unit_id=unit_id).matter_id


def counted(county: County, *ids: int) -> None:
    for one in ids:
        county.act(one, "confirm", "conduct2", {"opinion": "属实"})
    county.later(days=12)
    sweep_all(county.database, county.engine, county.now)


@pytest.fixture
def scored(site: Site) -> Site:
    """Two townships and one person with counted entries."""
    county = site.county
    counted(county, propose(county), propose(county, "baishi"), propose(county, person="handler"))
    return site


def shown(site: Site, who: str, query: str = "") -> str:
    """The page, as somebody who logs in now: days pass in these tests."""
    site.browsers.pop(who, None)
    answer = site.by(who).get(f"/scores{query}")
    assert answer.status_code == 200
    return answer.text


def subjects(site: Site, who: str, query: str = "") -> list[str]:
    return re.findall(r'class="s-who"><b>([^<]+)</b>', shown(site, who, query))


def test_whoever_supervises_sees_all_a_head_his_unit_a_person_himself(scored: Site) -> None:
    assert subjects(scored, "supervisor") == ["柳河乡", "王承办", "白石镇"]
    assert subjects(scored, "township_committee") == ["柳河乡", "王承办"]
    assert subjects(scored, "handler") == ["王承办"]
    assert subjects(scored, "handler2") == []
    assert subjects(scored, "supervisor", f"?unit={scored.county.units['baishi']}") == ["白石镇"]
    assert subjects(scored, "supervisor", "?period=2015") == []
    assert subjects(scored, "supervisor", "?period=nonsense&unit=x") == ["柳河乡", "王承办", "白石镇"]


def test_a_subject_is_hidden_from_whom_one_of_its_entries_keeps_away(scored: Site) -> None:
    county = scored.county
    origin = county.walk("accept", reported=[{"name": "何书记"}])
    counted(county, propose(county, origin=origin))
    assert subjects(scored, "supervisor") == ["柳河乡", "王承办", "白石镇"]
    assert subjects(scored, "township_committee") == ["王承办"]
    book = openpyxl.load_workbook(io.BytesIO(scored.by("township_committee").get("/scores/export").content))
    assert [row[1] for row in book["得分"].iter_rows(min_row=2, values_only=True)] == ["王承办"]


def test_objecting_is_offered_to_whom_it_is_open_while_it_is(scored: Site) -> None:
    county = scored.county
    one = propose(county)
    county.act(one, "confirm", "conduct2", {"opinion": "属实"})
    link = f'href="/matters/{one}?do=object"'
    assert link in shown(scored, "township_committee")
    assert link not in shown(scored, "supervisor")
    assert "提出异议" in scored.by("township_committee").get(f"/matters/{one}?do=object").text
    counted(county)
    assert link not in shown(scored, "township_committee")


def test_the_card_on_record_and_what_came_since(scored: Site) -> None:
    county = scored.county
    with county.database.write() as session:
        compute(session, county.engine, "2016", None, county.now)
    page = shown(scored, "supervisor")
    assert "阶段得分" in page
    assert "待更正" not in page
    counted(county, propose(county))
    assert shown(scored, "supervisor").count("待更正") == 1


def test_the_workbook_has_what_the_page_shows_and_leaves_a_trace(scored: Site) -> None:
    sent = scored.by("township_committee").get("/scores/export?period=2016")
    book = openpyxl.load_workbook(io.BytesIO(sent.content))
    figures = list(book["得分"].iter_rows(min_row=2, values_only=True))
    assert [(row[0], row[1], row[4], row[5]) for row in figures] == [
        ("柳河乡", None, -1, None), ("柳河乡", "王承办", -1, None),
    ]  # fmt: skip
    reasons = [row[5] for row in book["明细"].iter_rows(min_row=2)]
    assert [(cell.value, cell.data_type) for cell in reasons] == [("=2月通报", "s")] * 2
    assert [entry["action"] for entry in entries(scored.county, 1)][-1] == "export"
    assert [entry["action"] for entry in entries(scored.county, 2)][-1] != "export"


def test_htmx_gets_the_list_and_the_shortest_address(scored: Site) -> None:
    answer = scored.by("supervisor").get("/scores?period=2016&unit=", headers=HTMX)
    assert answer.headers["HX-Push-Url"] == "/scores?period=2016"
    assert "<html" not in answer.text
    assert 'hx-swap-oob="true"' in answer.text


def test_what_was_computed_from_the_ballots_is_told_on_the_page(site: Site) -> None:
    county = site.county
    data = {
        "year": 2016, "unit": county.units["liuhe"], "subject": county.people["township_committee"], "mode": "written",
        "duty": "primary", "planned_on": county.today.isoformat(), "report_by": "2016-12-31",
    }  # fmt: skip
    with county.database.write() as session:
        actor, unit_id = county.actor("conduct", session), county.units["county"]
        one = open_matter(
            county.engine, session, "accountability_report", data, actor, county.now, unit_id=unit_id
        ).matter_id
    county.act(one, "submit", "township_committee", {"responsibility": "履责", "integrity": "廉洁"})
    raters = ("clerk", "clerk2", "manager")
    people = [county.people[who] for who in raters]
    county.act(one, "question", "conduct", {
        "held_on": county.today.isoformat(), "questions": [{"question": "账目", "answer": "已公开"}],
        "attended_by": county.people["party_secretary"], "raters": [{"group": "branch", "people": people}],
    })  # fmt: skip
    assert "述效" not in site.by("clerk").get(f"/matters/{one}").text
    for who in raters:
        county.act(one, "vote", who, {"responsibility": "good", "integrity": "good"})
    county.act(one, "close_ballot", "conduct", {})
    page = site.by("conduct").get(f"/matters/{one}").text
    assert re.search(r"<dt>得分</dt><dd>\s*85\.00", page)
    assert re.search(r"<dt>等次</dt><dd>\s*良好", page)
