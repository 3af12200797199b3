"""Clues and cases as the cast handles them: the usual answers of every step."""

from typing import Any

from tests.support.cast import County

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
