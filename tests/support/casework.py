"""Clues and cases as the cast handles them: the usual answers of every step."""

from typing import Any

from services.engine.models import Link
from tests.support.cast import County
from tests.support.invariants import rows_of

CLUE: dict[str, Any] = {
    "source": "inspection", "problem_fields": ["subsidies"], "content": "低保资金账目不清。",
    "subject_name": "高某", "subject_post": "村支书",
}  # fmt: skip


def open_clue(county: County, who: str = "township_discipline", unit: str = "liuhe", **answers: Any) -> int:
    """Register a clue received today; return its id."""
    given = {**CLUE, "received_on": county.today.isoformat(), **answers}
    return county.open(who, "clue", unit, **given).matter_id


def usual(county: County, step: str) -> tuple[str, dict[str, Any]]:
    """Return who takes a step of a clue in the township, and a valid form."""
    today, people = county.today.isoformat(), county.people
    team = [people["township_discipline"], people["township_discipline2"]]
    return {
        "report": ("township_discipline", {"reported_on": today, "summary": "发现低保资金问题线索"}),
        "acknowledge_committee": ("township_committee", {}),
        "acknowledge_county": ("manager", {}),
        "record_meeting": ("township_discipline", {
            "held_on": today, "county_attendee": people["investigator"], "grade": "important",
            "requirement": "一个月内提出处置意见"}),
        "propose": ("township_discipline", {"disposition": "preliminary_verification", "opinion": "拟初步核实"}),
        "approve": ("leader", {}),
        "set_team": ("manager", {"members": team}),
        "write_report": ("township_discipline", {"facts": "截留低保金", "evidence": "账册", "advice": "case_filing"}),
        "sign": ("township_discipline", {}),
        "submit_report": ("township_discipline2", {}),
        "conclude": ("leader", {"result": "case_filing", "opinion": "同意立案审查"}),
        "propose_filing": ("township_discipline", {
            "subject_name": "高某", "subject_post": "村支书", "nature": "masses", "grounds": "事实清楚、证据确凿"}),
        "consent_filing": ("township_committee", {"agree": True, "opinion": "同意"}),
        "file_case": ("leader", {"filed_on": today}),
        "archive": ("township_discipline", {"result": "已立案", "archive_no": "2016-1", "retention": "years_30"}),
    }[step]  # fmt: skip


def go(county: County, matter_id: int, *steps: str) -> None:
    """Take these steps of a clue in the usual way; "sign" is everybody of the team."""
    for step in steps:
        if step == "sign":
            for who in ("township_discipline", "township_discipline2"):
                county.act(matter_id, "sign", who, {})
        else:
            county.act(matter_id, step, *usual(county, step))


CASE: dict[str, Any] = {"subject_name": "高某", "subject_post": "村支书", "nature": "masses"}


def open_case(county: County, unit: str = "liuhe", **answers: Any) -> int:
    """File a case at a unit today, by hand; return its id."""
    given = {**CASE, "filed_on": county.today.isoformat(), **answers}
    return county.open("manager", "case", unit, **given).matter_id


def usual_in_case(county: County, step: str) -> tuple[str, dict[str, Any]]:
    """Return who takes a step of a case of the township, and a valid form."""
    today, people = county.today.isoformat(), county.people
    team = [people["township_discipline"], people["township_discipline2"]]
    lead = "township_discipline"
    return {
        "set_team": ("manager", {"members": team}),
        "write_report": (lead, {"facts": "截留低保金", "key_evidence": "账册", "advice": "warning"}),
        "hear_subject": (lead, {"heard_on": today, "listeners": team, "statement": "认错并退赔"}),
        "transfer": (lead, {"grounds": "初核属实", "key_evidence": "账册", "proposed_sanction": "warning"}),
        "put_to_decision": (lead, {
            "sanction": "warning", "facts": "截留低保金3000元", "basis": "条例第一百一十二条",
            "responsibility_facts": "支部书记失察"}),
        "decide": (lead, {"decided_on": today, "document_no": "柳纪〔2016〕1号"}),
        "report_decision": (lead, {"reported_on": today}),
        "announce": (lead, {"announced_on": today, "scope": "支部大会"}),
        "execute": (lead, {"executed_on": today, "content": "已执行"}),
        "record_visit": (lead, {"visited_on": today, "visitors": [people[lead]], "content": "表现良好"}),
        "close": (lead, {"archive_no": "2016-1", "retention": "permanent", "pages": 120}),
    }[step]  # fmt: skip


def go_on(county: County, case: int, *steps: str, **answers: Any) -> None:
    """Take these steps of a case in the usual way, `answers` replacing the usual ones of the last.

    "sign" is everybody of the team, "vote" both of the township's discipline organ.
    """
    for step in steps:
        if step in ("sign", "vote"):
            for who in ("township_discipline", "township_discipline2"):
                county.act(case, step, who, {} if step == "sign" else {"position": "agree"})
        else:
            who, given = usual_in_case(county, step)
            county.act(case, step, who, {**given, **(answers if step == steps[-1] else {})})


def reviews_of(county: County, case: int) -> list[int]:
    """Return the reviews of a case, oldest first."""
    with county.database.read() as session:
        return [row["from_id"] for row in rows_of(session, Link, to_id=case, kind="county_review")]
