"""Conduct assessment (作风评价): five dimensions, marked by an assessing team, weighed, entered into the yearly score.

Source: 通城 2016 (二)4 (M59), after 湖北省领导班子和领导干部作风状况评价暂行办法. Nobody assesses himself.
"""

from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field

from statemachines.kit import effects as fx
from statemachines.kit.figures import two_places
from statemachines.kit.findings import Findings, Result, as_rectifications, grade_of, mean_of, means
from statemachines.kit.forms import AttachmentId, Coded, Form, Heard, PersonId, Reason, Text, UnitId
from statemachines.kit.idioms import extension_of, members_of, recusal
from statemachines.kit.panels import Panel, Seat, seats_of
from statemachines.kit.procedure import Action, Choice, Guard, Kind, Opening, procedure
from statemachines.kit.situation import Situation
from statemachines.kit.teams import linked_done, panel_enough, team_of


class State(StrEnum):
    PLANNED = "planned"
    ASSESSING = "assessing"
    RECTIFYING = "rectifying"
    CONCLUDED = "concluded"
    WAIVED = "waived"


S = State
OPEN = (S.PLANNED, S.ASSESSING, S.RECTIFYING)
ASSESSORS = "assessors"

Attachments = Annotated[tuple[AttachmentId, ...], Field(default=(), title="附件", max_length=50)]
Mark = Annotated[int, Field(ge=0, le=100)]


class Plan(Form):
    year: int = Field(title="年度", ge=2000, le=2099)
    unit: UnitId = Field(title="被评价单位")
    subject: Annotated[PersonId, Heard()] | None = Field(None, title="被评价人（评价个人时）")
    method: Annotated[str, Coded("assessment_methods")] = Field(title="评价方式")


class Team(Form):
    members: tuple[PersonId, ...] = Field(title="评价人员", min_length=1, max_length=200)
    plan: Text = Field(title="评价安排")


class Marks(Form):
    thought: Mark = Field(title="思想作风（0–100）")
    study: Mark = Field(title="学风文风会风（0–100）")
    work: Mark = Field(title="工作作风（0–100）")
    leadership: Mark = Field(title="领导作风（0–100）")
    life: Mark = Field(title="生活作风（0–100）")
    grounds: Text = Field(title="评价依据")


class Conclusion(Form):
    comment: Text = Field(title="评价意见")
    findings: Findings
    attachments: Attachments


def score_of(s: Situation) -> Fraction | None:
    """The weighed mean over the five dimensions of the means of all marks; exact."""
    weights, tally = s.policy.codes("dimension_weights"), s.panels[ASSESSORS]
    return mean_of(means(tally, weights, Fraction), weights)


def _result(s: Situation, _: Any) -> dict[str, str | None]:
    score = score_of(s)
    if score is None:
        return {"score": None, "grade": None}
    return {"score": two_places(score), "grade": grade_of(score, s.policy.codes("grade_thresholds"))}


def _score_entry(s: Situation, _: Any) -> list[Mapping[str, Any]]:
    return [{
        "period": str(s.answer("open.year")), "unit": s.answer("open.unit"), "person": s.answer("open.subject"),
        "item": "conduct_assessment", "origin": s.matter_id, "reason": f"作风评价得分{s.answer('conclude.score')}",
    }]  # fmt: skip


def _seats(_: Situation, answers: Team) -> list[Seat]:
    return seats_of(answers.members)


NOT_ABOUT_ME = Guard(
    "own_assessment", "nobody takes part in his own assessment", "被评价人不得参与本人的评价",
    lambda s, a: s.actor is None or s.answer("open.subject") not in s.acting | set(getattr(a, "members", ())),
)  # fmt: skip
NOT_ITS_OWN = Guard(
    "of_the_assessed_unit", "the assessed unit does not assess itself", "被评价单位的人员不得组织、认定本单位的评价",
    lambda s, _: bool(s.acting) and (s.unit_kind == "county" or not s.at_home),
)  # fmt: skip
SEATED_IS_ANOTHER = Guard(
    "own_assessment", "nobody takes part in his own assessment", "被评价人不得参与本人的评价",
    lambda s, a: s.answer("open.subject") != a.person,
)  # fmt: skip
HAS_FINDINGS = Choice(lambda s, a: S.RECTIFYING if a.findings else S.CONCLUDED, (S.RECTIFYING, S.CONCLUDED))

CONDUCT_ASSESSMENT = procedure(
    "conduct_assessment",
    "作风评价",
    State,
    opening=Opening(
        form=Plan,
        title=lambda a: f"{a.year}年作风评价" + ("（个人）" if a.subject else "（单位）"),
        effects=(fx.MoveTo("open.unit"), fx.StartClock("assessment")),
        once=lambda a: f"{a.unit}/{a.subject or 0}/{a.year}",
    ),
    actions=[
        Action("set_team", "确定评价人员", [S.PLANNED], S.ASSESSING, Team,
               (NOT_ABOUT_ME, NOT_ITS_OWN, team_of(2, "members", zh="作风评价须由两人以上进行")),
               (fx.Convene(ASSESSORS, seats=_seats),)),
        Action("mark", "评分", [S.ASSESSING], None, Marks, kind=Kind.VOTE),
        *members_of(ASSESSORS, [S.ASSESSING], guards=(SEATED_IS_ANOTHER,)),
        Action("conclude", "评价认定", [S.ASSESSING], HAS_FINDINGS, Conclusion,
               (NOT_ABOUT_ME, NOT_ITS_OWN, panel_enough(ASSESSORS, zh="尚有评价人员未评分")),
               (fx.StopClock("assessment"), fx.StartClock("follow_up", when=lambda s, a: bool(a.findings)),
                fx.Open("rectification", as_rectifications, "rectifies"), fx.Open("score", _score_entry, "scores")),
               derive=_result, derived=Result),
        Action("finish", "整改完成", [S.RECTIFYING], S.CONCLUDED, Form, (linked_done("rectifies", zh="尚有整改未销号"),)),
        Action("waive", "免予评价", [S.PLANNED], S.WAIVED, Reason, (NOT_ABOUT_ME, NOT_ITS_OWN)),
        *extension_of("assessment", [S.PLANNED, S.ASSESSING]),
        recusal(OPEN),
    ],
    labels={
        S.PLANNED: "待组织", S.ASSESSING: "评分中", S.RECTIFYING: "整改中", S.CONCLUDED: "已办结", S.WAIVED: "免予评价",
    },
    final=[S.CONCLUDED, S.WAIVED],
    panels=[Panel(ASSESSORS, "mark")],
    watches=["rectifies"],
    when_done={"rectifies": "finish"},
)  # fmt: skip
