"""A case with only the steps that review, deliberation and reconsideration look at; and a review walked."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any

from pydantic import Field

from services.db.session import Database
from services.engine.models import Attachment
from services.identity.sealing import Vault
from statemachines.kit import effects as fx
from statemachines.kit.forms import Form, Line, Names, PastDate, PersonId, Text, UnitId
from statemachines.kit.procedure import Action, Kind, Opening, procedure
from statemachines.kit.situation import Situation
from statemachines.kit.teams import linked_done
from tests.support.cast import County, build_county
from tests.support.declared import declared


class State(StrEnum):
    INVESTIGATION = "investigation"
    REVIEW = "review"
    DECISION = "decision"
    DECIDED = "decided"


S = State
MEASURES = ("bulletin", "recommendation", "talk", "warning", "rectification", "appraisal")


class Filing(Form):
    subject_name: Annotated[Line, Names()] = Field(title="被审查人")


class Team(Form):
    members: tuple[PersonId, ...] = Field(title="审查组")


class Progress(Form):
    content: Text = Field(title="进展")


class Sending(Form):
    unit: UnitId = Field(title="送审单位")


class Decision(Form):
    sanction: str = Field(title="处分")
    decided_on: PastDate = Field(title="决定日期")


def _review(s: Situation, answers: Sending) -> list[Mapping[str, Any]]:
    return [{
        "case": s.matter_id, "summary": "某村干部违纪案", "unit": answers.unit, "grounds": "初核属实",
        "key_evidence": "账册", "proposed_sanction": "warning",
    }]  # fmt: skip


def _this(s: Situation, _: Any) -> list[Mapping[str, Any]]:
    return [{"case": s.matter_id}]


def _measures(s: Situation, _: Any) -> list[Mapping[str, Any]]:
    return [{"case": s.matter_id, "kind": kind} for kind in MEASURES]


CASE = procedure(
    "case",
    "立案审查",
    State,
    opening=Opening(Filing, title=lambda a: f"{a.subject_name}案", effects=(fx.StartClock("whole"),)),
    actions=[
        Action("set_team", "确定审查组", [S.INVESTIGATION], None, Team, kind=Kind.NOTE),
        Action("note_progress", "记录进展", [S.INVESTIGATION], None, Progress, kind=Kind.NOTE),
        Action("send_to_review", "移送审理", [S.INVESTIGATION], S.REVIEW, Sending, (),
               (fx.Suspend("whole"), fx.StartClock("county"), fx.Open("case_review", _review, "county_review"))),
        Action("receive_review", "收到审核意见", [S.REVIEW], S.DECISION, Form,
               (linked_done("county_review", zh="县审未办结"),), (fx.StopClock("county"), fx.Resume("whole"))),
        Action("ask_deliberation", "提请审议", [S.DECISION], None, Form, (),
               (fx.Open("deliberation", _this, "deliberation"),), Kind.NOTE),
        Action("decide", "作出决定", [S.DECISION], S.DECIDED, Decision,
               (linked_done("deliberation", zh="审议未办结", at_least=0),),
               (fx.Open("case_measure", _measures, "six_ones"),)),
    ],
    labels={S.INVESTIGATION: "审查中", S.REVIEW: "县审中", S.DECISION: "待决定", S.DECIDED: "已决定"},
    final=[S.DECIDED],
    watches=["deliberation"],
    when_done={"county_review": "receive_review"},
)  # fmt: skip

_TOWNSHIP_DOES = ("set_team", "note_progress", "send_to_review", "ask_deliberation", "decide")
_CLOCK = {"title": "全程期限", "source": "测试", "budget": "3 month"}
CASE_POLICY: dict[str, Any] = {
    "source": {"title": "测试", "effective": date(2010, 1, 1)}, "number": "立案〔{year}〕{n}号",
    "open": ["township_discipline"],
    "roles": {
        **{name: ["township_discipline"] for name in _TOWNSHIP_DOES},
        "receive_review": ["system", "township_discipline"],
    },
    "view": ["case_manager", "reviewer", "investigator"],
    "work": dict.fromkeys(["investigation", "review", "decision"], "township_discipline"),
    "clocks": {"whole": _CLOCK, "county": {**_CLOCK, "title": "县审期间"}},
}  # fmt: skip
INVESTIGATORS = ("township_discipline", "reviewer2")
"""Of the team that investigates; one of them is a reviewer besides."""


def county_with_cases(database: Database, vault: Vault, upon: str = "tongcheng") -> County:
    return build_county(database, declared(vault, (CASE, CASE_POLICY), upon=upon))


def a_case(county: County, *, team: tuple[str, ...] = INVESTIGATORS) -> int:
    """Return a case of Liuhe's, investigated by these."""
    case = county.open("township_discipline", "case", "liuhe", subject_name="某村干部").matter_id
    county.act(case, "set_team", "township_discipline", {"members": [county.people[who] for who in team]})
    return case


def sent_to_review(county: County, case: int) -> int:
    (review,) = county.act(case, "send_to_review", "township_discipline", {"unit": county.units["liuhe"]}).opened
    return review


def upload(county: County, who: str, name: str = "笔录.pdf") -> int:
    """Return the id of a file that this person has just uploaded (its content is of no matter here)."""
    with county.database.write() as session:
        row = Attachment(
            matter_id=None, sha256=sha256(name.encode()).hexdigest(), name=name, size=1, media_type="application/pdf",
            uploaded_by=county.people[who], uploaded_at=county.now,
        )  # fmt: skip
        session.add(row)
        session.flush()
        return row.id


REVIEW_STEPS = (
    "accept", "assign_reviewers", "read", "finish_reading", "record_talk", "convene", "vote", "conclude",
    "score_quality", "issue_opinion", "feed_back",
)  # fmt: skip
LEAD, CO, THIRD, CROSS = "reviewer", "conduct", "conduct2", "baishi_discipline"
"""Who reviews in the tests: only the lead holds the role, the others a seat."""


def walk_review(county: County, review: int, *steps: str) -> int:
    """Take these steps of a review (all of them where none is named) with the usual people and answers."""
    for step in steps or REVIEW_STEPS:
        if step == "read":
            for who in (LEAD, CO):
                county.act(review, "record_reading", who, {"notes": "阅卷摘录", "opinion": "事实清楚"})
        elif step == "vote":
            for who in (LEAD, CO, CROSS):
                county.act(review, "give_position", who, {"stance": "agree", "reason": "量纪适当"})
        else:
            county.act(review, step, *usual(county, step))
    return review


def usual(county: County, step: str) -> tuple[str, dict[str, Any]]:
    people, today = county.people, county.today.isoformat()
    papers = list(county.engine.registry.current("case_review", county.today).policy.codes("form_checklist"))
    points = dict.fromkeys(["facts", "evidence", "character", "proportion", "procedure", "file"], 90)
    given: dict[str, tuple[str, dict[str, Any]]] = {
        "accept": (LEAD, {"present": papers}),
        "return_case": (LEAD, {"missing": ["key_evidence"], "reason": "缺证人证言"}),
        "assign_reviewers": ("leader", {"lead_reviewer": people[LEAD], "co_reviewer": people[CO]}),
        "finish_reading": (LEAD, {}),
        "convene": (LEAD, {
            "held_on": today, "cross_members": [{"person": people[CROSS], "unit": county.units["baishi"]}],
        }),
        "conclude": (LEAD, {}),
        "score_quality": (LEAD, {**points, "comment": "总体较好"}),
        "issue_opinion": ("leader", {"opinion": "同意"}),
        "feed_back": (LEAD, {"told_on": today, "method": "letter", "receiver": "柳河乡纪委", "archive_no": "审2016-1"}),
        "send_back": (LEAD, {"reason": "补充核对"}),
    }  # fmt: skip
    if step == "record_talk":
        return LEAD, {
            "talked_on": today, "place": "县纪委谈话室", "talkers": [people[LEAD], people[CO]],
            "record": [upload(county, LEAD)], "signed": True, "defence_statement": "系家庭困难所致",
        }  # fmt: skip
    return given[step]
