"""One petition and all that came of it, by a fixed cast, on both databases: every due date worked out by hand.

Petition → clue → verification → filing → investigation → county review → decision → accountability candidate → inquiry
→ rectification → return inspection → score.
"""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from services.db.session import Database
from services.engine.candidates import propose_all
from services.engine.core import Engine
from services.engine.errors import MatterNotFound
from services.engine.models import Exclusion, Link, Matter
from services.engine.opening import open_matter
from services.engine.sweep import sweep_all
from services.identity.people import add_post
from services.identity.sealing import Vault
from services.scoring.computing import compute
from tests.engine.test_clue_life import clues_of, dues
from tests.engine.test_rectification_life import upload as upload_evidence
from tests.support.casework import go, go_on, reviews_of
from tests.support.cast import County, build_county
from tests.support.invariants import check, clocks, matter, open_items, rows_of
from tests.support.reviewing import upload, walk_review

HEAD = "nobody"
"""Heads the village whose secretary is reported: he will be the one to answer for it."""


@pytest.fixture
def cangxi(database: Database, vault: Vault) -> County:
    """The county under the rules of 苍溪, whose triggers propose accountability."""
    county = build_county(database, Engine.of("cangxi", vault))
    with database.write() as session:
        add_post(session, county.people[HEAD], county.units["upper"], "村党组织书记", date(2014, 1, 6), head=True)
    return county


def on(county: County, month: int, day: int) -> None:
    county.now = datetime(2016, month, day, 2, tzinfo=UTC)
    sweep_all(county.database, county.engine, county.now)


def linked(county: County, to: int, kind: str) -> int:
    with county.database.read() as session:
        (link,) = rows_of(session, Link, to_id=to, kind=kind)
    return int(link["from_id"])


def answers(county: County, matter_id: int, step: str) -> dict[str, Any]:
    given: dict[str, Any] = matter(county, matter_id)["record"]["steps"][step]["answers"]
    return given


def test_one_petition_and_all_that_came_of_it(cangxi: County) -> None:
    petition = petitioned(cangxi)
    case = investigated(cangxi, clues_of(cangxi, petition)[0])
    decided(cangxi, case)
    inquiry = held_to_account(cangxi, case)
    rectification = rectified(cangxi, inquiry)
    scored(cangxi, rectification)
    check(cangxi)
    nobody_was_told_who_must_not_know(cangxi, petition, inquiry)


def petitioned(county: County) -> int:
    on(county, 1, 7)
    reported = [{"name": "高某", "post": "村支书", "unit": county.units["upper"]}]
    petition = county.open(reported=reported).matter_id
    assert dues(county, petition) == {"screening": date(2016, 1, 22)}
    county.act(petition, "accept", "clerk")
    # 15 working days from Thursday 01-07; a month from 01-07 is a holiday, 02-14 the next working day
    assert dues(county, petition) == {"acceptance_notice": date(2016, 1, 28), "disposition": date(2016, 2, 14)}
    county.act(petition, "propose", *county.usual("propose"))
    county.act(petition, "approve", *county.usual("approve"))
    assert dues(county, petition)["handling"] == date(2016, 2, 14)
    on(county, 1, 20)
    county.act(petition, "give_acceptance_notice", *county.usual("give_acceptance_notice"))
    on(county, 2, 5)
    county.act(petition, "ask_extension", *county.usual("ask_extension"))
    county.act(petition, "grant_extension", *county.usual("grant_extension"))
    assert dues(county, petition) == {"handling": date(2016, 3, 7)}  # from the nominal 02-07
    on(county, 3, 1)
    who, done = county.usual("complete")
    county.act(petition, "complete", who, {**done, "as_clue": True})
    county.act(petition, "pass_recheck", *county.usual("pass_recheck"))
    assert clocks(county, petition)["handling"]["outcome"] == "on_time"
    assert dues(county, petition) == {"result_feedback": date(2016, 3, 22)}
    county.act(petition, "feed_back", *county.usual("feed_back"))
    assert dues(county, petition) == {"archiving": date(2016, 4, 1)}
    county.act(petition, "archive", *county.usual("archive"))
    return petition


def investigated(county: County, clue: int) -> int:
    assert dues(county, clue) == {"county_report": date(2016, 3, 8), "disposition": date(2016, 4, 1)}
    go(county, clue, "report", "acknowledge_committee", "acknowledge_county", "record_meeting")
    go(county, clue, "propose", "approve", "set_team", "write_report", "sign", "submit_report", "conclude")
    go(county, clue, "propose_filing", "consent_filing", "file_case", "archive")
    case = linked(county, clue, "filed_from")
    assert answers(county, case, "open")["subject_is_member_of_unit"] == county.units["upper"]
    assert dues(county, case) == {"investigation": date(2016, 6, 1)}
    go_on(county, case, "set_team", "write_report", "sign", "hear_subject")
    on(county, 3, 15)
    go_on(county, case, "transfer")
    assert clocks(county, case)["investigation"]["state"] == "suspended"
    review = reviews_of(county, case)[0]
    assert dues(county, review) == {"form_check": date(2016, 3, 22)}
    on(county, 4, 5)
    walk_review(county, review)
    assert dues(county, case)["decision"] == date(2016, 5, 5)
    return case


def decided(county: County, case: int) -> None:
    go_on(county, case, "put_to_decision", failings=["four_winds"])
    on(county, 4, 7)
    go_on(county, case, "vote", "decide")
    assert answers(county, case, "decide")["failings"] == ["four_winds"]
    assert dues(county, case) == {
        "sanction_period": date(2017, 4, 7), "decision_report": date(2016, 4, 28), "announcement": date(2016, 5, 9),
        "execution": date(2016, 5, 9), "follow_up": date(2016, 10, 8),
    }  # fmt: skip
    go_on(county, case, "report_decision", "announce", "execute")


def held_to_account(county: County, case: int) -> int:
    on(county, 4, 8)
    assert propose_all(county.database, county.engine, county.now)["proposed"] == 1
    assert propose_all(county.database, county.engine, county.now)["proposed"] == 0
    inquiry = linked(county, case, "grounds")
    with county.database.read() as session:
        away = {e["person_id"] for e in rows_of(session, Exclusion, matter_id=inquiry)}
    assert answers(county, inquiry, "open")["subject"] == county.people[HEAD]
    assert county.people[HEAD] in away
    assert dues(county, inquiry) == {"judgement": date(2016, 5, 9)}  # 05-08 is a Sunday
    county.act(inquiry, "propose_inquiry", "conduct", {"reason": "连续发生，应予调查"})
    county.act(inquiry, "approve_inquiry", "leader", {})
    assert dues(county, inquiry) == {"inquiry": date(2016, 7, 8)}
    team = [county.people["investigator"], county.people["investigator2"]]
    county.act(inquiry, "set_team", "conduct", {"members": team, "plan": "查阅台账、走访"})
    on(county, 5, 10)
    finding = {
        "facts": "未落实作风建设要求",
        "responsibility": "primary",
        "degree": "main_leadership",
        "advice": "调整岗位",
    }
    county.act(inquiry, "find", "investigator", finding)
    assert dues(county, inquiry) == {"decision": date(2016, 6, 12)}  # 06-10 is a holiday, 06-12 a working Sunday
    heard = {
        "heard_on": "2016-05-10",
        "statement": "已多次部署",
        "adopted": "部分采纳",
        "record": [upload(county, "investigator")],
    }
    county.act(inquiry, "hear_defence", "investigator", heard)
    county.act(inquiry, "submit", "conduct", {})
    for member in ("standing1", "standing2"):
        county.act(inquiry, "state_position", member, {"position": "agree"})
    on(county, 5, 12)
    measures = [{"kind": "post_adjusted", "reason": "履职不力"}]
    decision = {
        "decided_on": "2016-05-12", "accountable": True, "measures": measures, "document_no": "清纪责〔2016〕1号",
        "opinion": "予以调整岗位",
    }  # fmt: skip
    county.act(inquiry, "decide", "conduct", decision)
    assert answers(county, inquiry, "decide")["agree"] == 2
    assert dues(county, inquiry) == {"execution": date(2016, 6, 12), "subject_notice": date(2016, 6, 12)}
    on(county, 5, 16)
    served = {"served_on": "2016-05-16", "done": "已送达并执行"}
    county.act(inquiry, "serve_notice", "conduct", served)
    county.act(inquiry, "execute", "conduct", served)
    assert dues(county, inquiry) == {"appeal_window": date(2016, 6, 16)}
    on(county, 6, 17)  # the first working day after the window: the clock closes it
    assert matter(county, inquiry)["state"] == "closed"
    return inquiry


def rectified(county: County, inquiry: int) -> int:
    problem = {
        "source": "year_end", "level": "serious", "problem": "作风建设责任不落实", "origin": inquiry,
        "handler_unit": county.units["liuhe"], "found_on": "2016-06-17",
    }  # fmt: skip
    one = county.open("conduct", "rectification", "county", **problem).matter_id
    assert dues(county, one) == {"planning": date(2016, 7, 1)}
    measure = {"content": "逐村检查", "responsible": county.people["township_leader"], "by": "2016-07-15"}
    county.act(one, "plan", "township_committee", {"measures": [measure], "goal": "责任到人"})
    planned = dues(county, one)["rectification"]
    assert planned == date(2016, 9, 18)  # 09-17 is a holiday, 09-18 a working Sunday
    done = {"done": "已整改", "evidence": [upload_evidence(county, "township_committee", "c" * 64)]}
    county.act(one, "submit", "township_committee", done)
    county.act(one, "verify", "conduct", {"verified_on": "2016-06-17", "opinion": "属实"})
    (returning,) = county.act(one, "strike_off", "conduct2", {"opinion": "同意", "return_inspection": True}).opened
    assert dues(county, returning) == {"inspection": date(2016, 12, 19)}  # 12-17 is a Saturday
    on(county, 12, 5)
    inspected = {"members": [county.people["conduct"], county.people["supervisor"]], "inspected_on": "2016-12-05"}
    county.act(returning, "find_held", "conduct", {**inspected, "finding": "没有反弹"})
    return one


def scored(county: County, rectification: int) -> None:
    entry = {"period": "2016", "unit": county.units["liuhe"], "item": "bulletin_criticism", "origin": rectification,
             "reason": "因作风建设责任不落实被通报"}  # fmt: skip
    with county.database.write() as session:
        actor = county.actor("conduct", session)
        opened = open_matter(county.engine, session, "score", entry, actor, county.now, unit_id=county.units["county"])
    score = opened.matter_id
    county.act(score, "confirm", "conduct2", {"opinion": "属实"})
    assert dues(county, score) == {"objection": date(2016, 12, 12)}
    on(county, 12, 12)
    assert matter(county, score)["state"] == "window"  # its last day is the unit's
    on(county, 12, 13)
    assert matter(county, score)["state"] == "counted"
    with county.database.write() as session:
        first = compute(session, county.engine, "2016", None, county.now)
    with county.database.write() as session:
        again = compute(session, county.engine, "2016", None, county.now)
    said = [(c["unit_id"], c["figures"]["adjustments"], c["digest"]) for c in first["cards"]]
    assert said == [(c["unit_id"], c["figures"]["adjustments"], c["digest"]) for c in again["cards"]]
    assert (county.units["liuhe"], "-1.00") in [(unit, points) for unit, points, _ in said]
    assert [c["new"] for c in again["cards"]] == [False] * len(said)


def nobody_was_told_who_must_not_know(county: County, petition: int, inquiry: int) -> None:
    for hidden in (petition, inquiry):
        with pytest.raises(MatterNotFound):
            county.act(hidden, "note_progress", HEAD, {"content": "打听"})
    with county.database.read() as session:
        waiting = [i for m in session.scalars(select(Matter.id)) for i in open_items(county, m)]
    assert county.people[HEAD] not in {i["person_id"] for i in waiting}
