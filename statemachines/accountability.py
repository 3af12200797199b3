"""Accountability (问责): somebody who answered for a unit may have failed his responsibility. People judge; nothing acts.

Sources: 苍溪 一案三查 (M5–M8), 吉林 一案双查 (M21), 通城 2016（二）5 (M55). A trigger proposes a candidate and decides
nothing: judgement, an approved inquiry, a finding, the defence, a collective decision, execution, appeal.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from statemachines.kit import effects as fx
from statemachines.kit.forms import (
    AttachmentId,
    Coded,
    Form,
    Line,
    MatterId,
    Names,
    Note,
    PastDate,
    PersonId,
    Reason,
    Text,
    UnitId,
    invalid,
)
from statemachines.kit.idioms import extension_of, members_of, not_who_did, recusal, suspension_of
from statemachines.kit.panels import AfterReturn, Panel
from statemachines.kit.procedure import Action, Choice, Guard, Kind, Opening, procedure, send_back
from statemachines.kit.situation import Situation
from statemachines.kit.teams import apart_from, panel_enough, team_of, who_did


class State(StrEnum):
    CANDIDATE = "candidate"
    APPROVAL = "approval"
    INQUIRY = "inquiry"
    DEFENCE = "defence"
    DELIBERATION = "deliberation"
    EXECUTION = "execution"
    APPEAL_WINDOW = "appeal_window"
    APPEAL = "appeal"
    DISMISSED = "dismissed"
    CLOSED = "closed"


S = State
BEFORE_DECISION = (S.CANDIDATE, S.APPROVAL, S.INQUIRY, S.DEFENCE, S.DELIBERATION)
OPEN = (*BEFORE_DECISION, S.EXECUTION, S.APPEAL_WINDOW, S.APPEAL)

Attachments = Annotated[tuple[AttachmentId, ...], Field(default=(), title="材料", max_length=50)]


class Candidacy(Form):
    """`grounds` are the matters whose facts the trigger found; by hand at least the facts are told."""

    summary: Line = Field(title="问责事由")
    subject_unit: Annotated[UnitId, Names()] = Field(title="所涉单位")
    subject: Annotated[PersonId, Names()] | None = Field(None, title="问责对象（本系统人员）")
    subject_name: Annotated[Line, Names()] | None = Field(None, title="问责对象姓名")
    subject_post: Line | None = Field(None, title="问责对象职务")
    responsibility: Annotated[str, Coded("responsibilities")] = Field(title="责任类别")
    trigger: Annotated[str, Coded("triggers")] = Field(title="启动情形")
    facts: Text = Field(title="基本事实")
    grounds: tuple[MatterId, ...] = Field((), title="依据事项", max_length=50)


class Dismissal(Reason):
    ground: Annotated[str, Coded("dismissal_grounds")] = Field(title="不予问责情形")


class Team(Form):
    members: tuple[PersonId, ...] = Field(title="调查组成员", min_length=2, max_length=20)
    plan: Text = Field(title="调查方案")


class Progress(Form):
    content: Text = Field(title="调查情况")
    attachments: Attachments


class Finding(Form):
    facts: Text = Field(title="查明事实")
    responsibility: Annotated[str, Coded("responsibilities")] = Field(title="责任认定")
    degree: Annotated[str, Coded("degrees")] = Field(title="责任程度")
    advice: Text = Field(title="处理建议")
    attachments: Attachments


class Defence(Form):
    """The subject's own words, or that he had none to say; either way on record before anybody decides."""

    heard_on: PastDate = Field(title="听取日期")
    declined: bool = Field(False, title="本人表示不作申辩")
    statement: Annotated[str, Field(max_length=5000, json_schema_extra={"format": "textarea"})] = Field(
        "", title="申辩意见"
    )
    adopted: Text = Field(title="采纳情况及理由")
    record: Annotated[tuple[AttachmentId, ...], Field(title="签字笔录", min_length=1, max_length=10)]

    @model_validator(mode="after")
    def _heard_or_declined(self) -> Self:
        if self.declined == bool(self.statement):
            raise invalid(
                "defence_missing", "record what was said, or that nothing was", "请填写申辩意见，或注明本人不作申辩"
            )
        return self


class Opinion(Form):
    position: Annotated[str, Coded("positions")] = Field(title="意见")
    reason: Annotated[str, Field(max_length=2000, json_schema_extra={"format": "textarea"})] = Field("", title="理由")


class Measure(BaseModel):
    """One item of the menu, with why it fits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Annotated[str, Coded("measures")] = Field(title="追责方式")
    reason: Line = Field(title="理由")


class Decision(Form):
    decided_on: PastDate = Field(title="决定日期")
    accountable: bool = Field(title="应予问责")
    measures: tuple[Measure, ...] = Field((), title="追责方式", max_length=8)
    uses: tuple[Annotated[str, Coded("result_uses")], ...] = Field((), title="结果运用", max_length=7)
    document_no: Line = Field(title="决定文号")
    opinion: Text = Field(title="决定内容")

    @model_validator(mode="after")
    def _measured(self) -> Self:
        if self.accountable != bool(self.measures):
            raise invalid(
                "measures_do_not_fit", "measures belong to a decision that holds somebody to account, and to no other",
                "应予问责的须选择追责方式，不予问责的不选",
            )  # fmt: skip
        return self


class Figures(Form):
    agree: int = Field(title="同意")
    disagree: int = Field(title="不同意")
    members: int = Field(title="应到人数")
    answered: int = Field(title="表态人数")


class Execution(Form):
    served_on: PastDate = Field(title="送达日期")
    done: Text = Field(title="执行情况")
    attachments: Attachments


class Transfer(Form):
    organ: Line = Field(title="移送机关")
    transferred_on: PastDate = Field(title="移送日期")
    approved_by: PersonId = Field(title="批准人")
    facts: Text = Field(title="涉嫌犯罪问题")


class Appeal(Form):
    asked_on: PastDate = Field(title="申诉日期")
    grounds: Text = Field(title="申诉理由")
    attachments: Attachments


class AppealDecision(Form):
    result: Annotated[str, Coded("appeal_results")] = Field(title="复核结果")
    members: tuple[PersonId, ...] = Field(title="复核组成员", min_length=2, max_length=20)
    reason: Text = Field(title="理由")


def _proposed(proposal: Any) -> dict[str, Any]:
    """A candidate from a rule: what was found, about whom; what it means is for people to judge."""
    numbers = "、".join(fact.number for fact in proposal.facts)
    return {
        "summary": f"{proposal.rule.title}：{len(proposal.facts)}件"[:200],
        "subject_unit": proposal.unit_id,
        "subject": proposal.head_person_id,
        "responsibility": proposal.rule.tags["responsibility"],
        "trigger": proposal.rule.tags["trigger"],
        "facts": f"依据{proposal.rule.source}，发现{numbers}符合“{proposal.rule.title}”情形，请研判。",
        "grounds": [fact.matter_id for fact in proposal.facts],
    }


def _defence_heard(s: Situation, _: Any) -> bool:
    """Heard after the latest finding: what was found anew must be put to him anew."""
    if "hear_defence" not in s.steps or "find" not in s.steps:
        return False
    return s.steps["hear_defence"].at >= s.steps["find"].at


def _by_majority(s: Situation, answers: Decision) -> bool:
    """More than half of all members are for it; with nobody to account, more than half are not for it."""
    tally = s.panels["deliberation"]
    agreed = 2 * tally.count("position", "agree") > len(tally.members)
    return agreed or not answers.accountable


def _after_decision(s: Situation, answers: Decision) -> State:
    return S.EXECUTION if answers.accountable else S.DISMISSED


def _figures(s: Situation, _: Any) -> dict[str, Any]:
    tally = s.panels["deliberation"]
    return {
        "agree": tally.count("position", "agree"), "disagree": tally.count("position", "disagree"),
        "members": len(tally.members), "answered": len(tally.votes),
    }  # fmt: skip


NOT_PROPOSER = not_who_did(
    "propose_inquiry", code="same_person", en="the proposer does not approve", zh="提请调查的人不得审批"
)
SUBJECT_KNOWN = Guard(
    "subject_unknown", "say who is to answer before an inquiry is approved", "请先登记问责对象，再启动调查",
    lambda s, a: bool(s.answer("open.subject") or s.answer("open.subject_name") or s.answer("name_subject.subject")
                      or s.answer("name_subject.subject_name")),
)  # fmt: skip
DEFENCE_HEARD = Guard(
    "defence_not_heard", "no decision before the defence to the latest finding is on record",
    "认定事实后尚未听取本人申辩，不得作出决定", _defence_heard,
)  # fmt: skip
MAJORITY = Guard(
    "no_majority", "more than half of all members must agree", "同意人数未超过应到成员的半数，不得作出问责决定",
    _by_majority,
)  # fmt: skip
INQUIRERS_APART = apart_from(
    who_did("propose_inquiry", "approve_inquiry", "find", "set_team.members"), "members",
    code="reviewer_took_part", en="whoever took part does not review the appeal", zh="参与过调查、审批的人员不得复核申诉",
)  # fmt: skip
DECIDERS_APART = Guard(
    "reviewer_decided", "whoever decided does not review the appeal", "参与集体决定的人员不得复核申诉",
    lambda s, a: not (s.acting | set(a.members)) & (s.did("state_position", "decide")),
)  # fmt: skip
DECIDED_AFTER_DEFENCE = Guard(
    "decided_before_defence", "it cannot be decided before the defence was heard", "决定日期不得早于听取申辩日期",
    lambda s, a: a.decided_on >= date.fromisoformat(s.answer("hear_defence.heard_on")),
)  # fmt: skip


class Subject(Form):
    """Who is to answer, where the candidate named a unit only."""

    subject: Annotated[PersonId, Names()] | None = Field(None, title="问责对象（本系统人员）")
    subject_name: Annotated[Line, Names()] = Field(title="问责对象姓名")
    subject_post: Line = Field(title="问责对象职务")
    tenure: Line = Field(title="任职起止时间")


ENDS = (fx.StopClock("judgement"), fx.StopClock("inquiry"), fx.StopClock("decision"))

ACCOUNTABILITY = procedure(
    "accountability",
    "问责事项",
    State,
    opening=Opening(
        form=Candidacy,
        title=lambda a: a.summary,
        effects=(fx.StartClock("judgement"),),
        on_candidate=_proposed,
    ),
    actions=[
        Action("name_subject", "登记问责对象", [S.CANDIDATE, S.APPROVAL], None, Subject, (), (), Kind.NOTE),
        Action("propose_inquiry", "提请调查", [S.CANDIDATE], S.APPROVAL, Reason),
        Action("dismiss", "不予问责", [S.APPROVAL], S.DISMISSED, Dismissal, (NOT_PROPOSER,), ENDS),
        Action("approve_inquiry", "批准调查", [S.APPROVAL], S.INQUIRY, Note, (NOT_PROPOSER, SUBJECT_KNOWN),
               (fx.StopClock("judgement"), fx.StartClock("inquiry"))),
        Action("set_team", "组成调查组", [S.INQUIRY], None, Team, (team_of(2, "members", zh="调查组须由两人以上组成"),), (), Kind.NOTE),
        Action("note_progress", "记录调查", [S.INQUIRY], None, Progress, (), (), Kind.NOTE),
        Action("find", "提交认定", [S.INQUIRY], S.DEFENCE, Finding,
               (Guard("no_team", "form the team first", "请先组成调查组", lambda s, _: "set_team" in s.steps),),
               (fx.StopClock("inquiry"), fx.StartClock("decision"))),
        Action("hear_defence", "听取申辩", [S.DEFENCE], None, Defence, (), (), Kind.NOTE),
        Action("submit", "提请集体研究", [S.DEFENCE], S.DELIBERATION, Note, (DEFENCE_HEARD,),
               (fx.Convene("deliberation", role="standing_committee"),)),
        Action("state_position", "表态", [S.DELIBERATION], None, Opinion, kind=Kind.VOTE),
        *members_of("deliberation", [S.DELIBERATION]),
        Action("decide", "集体决定", [S.DELIBERATION], Choice(_after_decision, (S.EXECUTION, S.DISMISSED)), Decision,
               (panel_enough("deliberation"), DEFENCE_HEARD, MAJORITY, DECIDED_AFTER_DEFENCE),
               (fx.StopClock("decision"),
                fx.StartClock("execution", when=lambda s, a: a.accountable),
                fx.Owe("subject_notice", when=lambda s, a: a.accountable)),
               derive=_figures, derived=Figures, binding=True),
        Action("serve_notice", "送达决定", [S.EXECUTION, S.APPEAL_WINDOW], None, Execution, (), (fx.Settle("subject_notice"),), Kind.NOTE),
        Action("execute", "执行完毕", [S.EXECUTION], S.APPEAL_WINDOW, Execution, (),
               (fx.StopClock("execution"), fx.StartClock("appeal_window"))),
        Action("transfer_crime", "移送涉嫌犯罪", [S.INQUIRY, S.DEFENCE, S.DELIBERATION, S.EXECUTION], None, Transfer,
               (not_who_did("find", code="same_person", en="whoever found it does not transfer it alone", zh="认定人不得自行移送"),), (), Kind.NOTE),
        Action("appeal", "登记申诉", [S.APPEAL_WINDOW], S.APPEAL, Appeal, (), (fx.StopClock("appeal_window"), fx.StartClock("appeal"))),
        Action("decide_appeal", "申诉复核决定", [S.APPEAL], S.CLOSED, AppealDecision,
               (team_of(2, "members", zh="复核组须由两人以上组成"), INQUIRERS_APART, DECIDERS_APART), (fx.StopClock("appeal"),), binding=True),
        Action("close", "办结", [S.APPEAL_WINDOW], S.CLOSED, Form, (), (fx.StopClock("appeal_window"),)),
        send_back([S.APPROVAL, S.DEFENCE, S.DELIBERATION]),
        *extension_of("inquiry", [S.INQUIRY]),
        *suspension_of("inquiry", [S.INQUIRY]),
        recusal(OPEN),
    ],
    labels={
        S.CANDIDATE: "待研判", S.APPROVAL: "待审批", S.INQUIRY: "调查中", S.DEFENCE: "听取申辩", S.DELIBERATION: "集体研究",
        S.EXECUTION: "执行中", S.APPEAL_WINDOW: "申诉期内", S.APPEAL: "申诉复核", S.DISMISSED: "不予问责", S.CLOSED: "已办结",
    },
    final=[S.DISMISSED, S.CLOSED],
    panels=[Panel("deliberation", action="state_position", after_return=AfterReturn.ANEW)],
    links={"grounds": ("依据事项", "问责")},
)  # fmt: skip
