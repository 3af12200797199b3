"""Rectification (整改): a problem, a plan with measures and limits, evidence, verification, struck off or returned.

Sources: 镇坪 “五张清单” (M32 问题清单: six sources, three levels; M34 销号; M35 台账), 通城 2016 (一)3, and 回马枪 (M24).
Whoever rectifies never verifies; a strike-off takes two: one proposes it, another approves.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from statemachines.kit import effects as fx
from statemachines.kit.forms import (
    AttachmentId,
    Coded,
    Destination,
    Form,
    FreshEvidence,
    MatterId,
    PastDate,
    PersonId,
    Reason,
    Text,
    UnitId,
)
from statemachines.kit.idioms import extension_of, recusal
from statemachines.kit.procedure import Action, Guard, Kind, Opening, procedure, send_back
from statemachines.kit.situation import Situation
from statemachines.kit.teams import apart_from, who_did


class State(StrEnum):
    ISSUED = "issued"
    RECTIFYING = "rectifying"
    VERIFICATION = "verification"
    APPROVAL = "approval"
    STRUCK_OFF = "struck_off"
    CANCELLED = "cancelled"


S = State
OPEN = (S.ISSUED, S.RECTIFYING, S.VERIFICATION, S.APPROVAL)

Attachments = Annotated[tuple[AttachmentId, ...], Field(default=(), title="附件", max_length=50)]


class Problem(Form):
    source: Annotated[str, Coded("problem_sources")] = Field(title="问题来源")
    level: Annotated[str, Coded("problem_levels")] = Field(title="问题层级")
    problem: Text = Field(title="存在问题")
    handler_unit: Annotated[UnitId, Destination()] = Field(title="整改单位")
    found_on: PastDate = Field(title="发现日期")
    origin: MatterId | None = Field(None, title="来源事项")
    attachments: Attachments


class Measure(Form):
    content: Text = Field(title="整改措施")
    responsible: PersonId = Field(title="责任人")
    by: date = Field(title="完成时限")


class Plan(Form):
    measures: tuple[Measure, ...] = Field(title="整改措施", min_length=1, max_length=30)
    goal: Text = Field(title="整改目标")


class Progress(Form):
    content: Text = Field(title="整改进展")
    attachments: Attachments


class Result(Form):
    done: Text = Field(title="整改结果")
    evidence: tuple[Annotated[AttachmentId, FreshEvidence()], ...] = Field(
        title="整改证明材料", min_length=1, max_length=50
    )


class Verification(Form):
    verified_on: PastDate = Field(title="核验日期")
    opinion: Text = Field(title="核验情况")


class Approval(Form):
    opinion: Text = Field(title="审批意见")
    return_inspection: bool = Field(False, title="安排回马枪")


def _for_return(s: Situation, _: Any) -> list[Mapping[str, Any]]:
    return [{"rectification": s.matter_id, "handler_unit": s.answer("open.handler_unit")}]


RECTIFIED = ("plan", "plan.measures.responsible", "note_progress", "submit")

LIMITS_AHEAD = Guard(
    "limit_passed", "every measure's limit lies ahead", "整改措施的完成时限不得早于今天",
    lambda s, a: all(m.by >= s.today for m in a.measures),
)  # fmt: skip
VERIFIER_APART = apart_from(
    who_did(*RECTIFIED), code="verifier_rectified", en="nobody who rectified it verifies it", zh="参与整改的人员不得核验",
)  # fmt: skip
APPROVER_APART = apart_from(
    who_did(*RECTIFIED, "verify"), code="approver_took_part", en="whoever rectified or verified it does not approve",
    zh="参与整改、核验的人员不得批准销号",
)  # fmt: skip
NOT_BEFORE_SUBMISSION = Guard(
    "verified_before_submitted", "it cannot be verified before it was handed in", "核验日期不得早于提交整改结果之日",
    lambda s, a: a.verified_on.isoformat() >= s.steps["submit"].answers["submitted_on"],
)  # fmt: skip

RECTIFICATION = procedure(
    "rectification",
    "问题整改",
    State,
    opening=Opening(
        form=Problem,
        title=lambda a: f"整改：{a.problem}"[:60],
        event="found_on",
        effects=(fx.MoveTo("open.handler_unit"), fx.StartClock("planning")),
    ),
    actions=[
        Action("plan", "制定整改方案", [S.ISSUED], S.RECTIFYING, Plan, (LIMITS_AHEAD,),
               (fx.StopClock("planning"), fx.StartClock("rectification", by="open.level"))),
        Action("note_progress", "记录进展", [S.RECTIFYING], None, Progress, (), (), Kind.NOTE),
        Action("submit", "提交整改结果", [S.RECTIFYING], S.VERIFICATION, Result, (),
               (fx.Suspend("rectification"), fx.StartClock("verification")),
               derive=lambda s, _: {"submitted_on": s.today.isoformat()}),
        Action("verify", "核验通过", [S.VERIFICATION], S.APPROVAL, Verification, (VERIFIER_APART, NOT_BEFORE_SUBMISSION)),
        send_back([S.VERIFICATION], effects=(fx.StopClock("verification"), fx.Resume("rectification"))),
        Action("strike_off", "批准销号", [S.APPROVAL], S.STRUCK_OFF, Approval, (APPROVER_APART,),
               (fx.Open("return_inspection", _for_return, "returns_to", when=lambda s, a: a.return_inspection),)),
        Action("refuse_strike_off", "不同意销号", [S.APPROVAL], S.VERIFICATION, Reason, (APPROVER_APART,)),
        Action("cancel", "撤销整改", OPEN, S.CANCELLED, Reason,
               (apart_from(who_did(*RECTIFIED), code="canceller_rectified", en="whoever rectifies it does not cancel it",
                           zh="参与整改的人员不得撤销"),)),
        *extension_of("rectification", [S.RECTIFYING]),
        recusal(OPEN),
    ],
    labels={
        S.ISSUED: "待定方案", S.RECTIFYING: "整改中", S.VERIFICATION: "待核验", S.APPROVAL: "待批准销号",
        S.STRUCK_OFF: "已销号", S.CANCELLED: "已撤销",
    },
    final=[S.STRUCK_OFF, S.CANCELLED],
    links={"rectifies": ("整改的来源", "整改"), "returns_to": ("回访的整改", "回马枪")},
)  # fmt: skip
