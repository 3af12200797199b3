"""Clues (问题线索): registered, reported to two places, graded at a meeting, disposed of, verified, filed as a case.

Sources: 通城 2016 “纪律审查下沉” (M72–M76); 监督执纪工作规则 2019. Figures are in the packs. The committee knows of a
clue only by the seat it gets when the clue is reported to it; one about its own head never gets it there.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from statemachines.kit import effects as fx
from statemachines.kit.casework import (
    NOTHING_ASKED,
    REPORT_SIGNED,
    SEAT_TEAM,
    TEAM,
    TEAM_OF_TWO,
    Team,
    other_handling,
    team_report,
)
from statemachines.kit.forms import (
    AttachmentId,
    Coded,
    Destination,
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
)  # fmt: skip
from statemachines.kit.idioms import extension_of, not_who_did, recusal, suspension_of
from statemachines.kit.panels import AfterReturn, Panel
from statemachines.kit.procedure import Action, Choice, Guard, Kind, Opening, procedure, send_back
from statemachines.kit.situation import Situation
from statemachines.kit.teams import apart_from, panel_enough, who_did


class State(StrEnum):
    REGISTERED = "registered"
    MEETING = "meeting"
    PROPOSAL = "proposal"
    APPROVAL = "approval"
    INQUIRY = "inquiry"
    VERIFICATION = "verification"
    CONCLUSION = "conclusion"
    FILING = "filing"
    CONSENT = "consent"
    HELD = "held"
    CLOSING = "closing"
    CLOSED = "closed"


S = State
OPEN = tuple(s for s in S if s is not S.CLOSED)
REPORTED = tuple(s for s in OPEN if s is not S.REGISTERED)

Attachments = Annotated[tuple[AttachmentId, ...], Field(default=(), title="附件", max_length=50)]
Fields = Annotated[
    tuple[Annotated[str, Coded("problem_fields")], ...], Field(title="问题类别", min_length=1, max_length=10)
]
SubjectName = Annotated[Line, Names()]
Subject = Annotated[PersonId, Names()]


class Registration(Form):
    source: Annotated[str, Coded("clue_sources")] = Field(title="线索来源")
    superior: Line | None = Field(None, title="交办机关")
    received_on: PastDate = Field(title="收到日期")
    subject_name: SubjectName | None = Field(None, title="被反映人")
    subject: Subject | None = Field(None, title="系统内人员")
    subject_post: str = Field("", title="职务", max_length=100)
    subject_unit: UnitId | None = Field(None, title="所在单位")
    concerns_committee_head: bool = Field(False, title="涉及同级党委（党组）主要负责人")
    problem_fields: Fields
    content: Text = Field(title="主要内容")
    petition: MatterId | None = Field(None, title="来源信访件")
    attachments: Attachments

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.source == "superior" and not self.superior:
            raise invalid("superior_missing", "name the organ that handed it down", "上级交办的线索请填写交办机关")
        return self


class Report(Form):
    reported_on: PastDate = Field(title="报告日期")
    concerns_committee_head: bool = Field(False, title="涉及同级党委（党组）主要负责人，只向上级报告")
    summary: Text = Field(title="报告内容")


class Meeting(Form):
    held_on: PastDate = Field(title="会议日期")
    county_attendee: PersonId | None = Field(None, title="县纪检监察室参会人员")
    attendees: tuple[PersonId, ...] = Field((), title="其他参会人员", max_length=30)
    grade: Annotated[str, Coded("clue_grades")] = Field(title="线索分级")
    requirement: Text = Field(title="办理要求和时间安排")
    materials: str = Field("", title="现有材料", max_length=2000)


class Proposal(Form):
    disposition: Annotated[str, Coded("dispositions")] = Field(title="处置方式")
    handler_unit: Annotated[UnitId, Destination()] | None = Field(None, title="改由承办单位")
    opinion: Text = Field(title="拟处置意见")


class Reply(Form):
    mode: Annotated[str, Coded("inquiry_modes")] = Field(title="方式")
    replied_on: PastDate = Field(title="回复日期")
    content: Text = Field(title="回复要点")
    attachments: Attachments


class Progress(Form):
    content: Text = Field(title="办理情况")
    attachments: Attachments


class Findings(Form):
    facts: Text = Field(title="核查情况")
    evidence: Text = Field(title="主要证据")
    advice: Annotated[str, Coded("verification_results")] = Field(title="处理建议")
    attachments: Attachments


class Conclusion(Form):
    result: Annotated[str, Coded("verification_results")] = Field(title="处理决定")
    opinion: Text = Field(title="审批意见")


class FilingProposal(Form):
    subject_name: SubjectName = Field(title="被审查人")
    subject: Subject | None = Field(None, title="系统内人员")
    subject_post: str = Field("", title="职务", max_length=100)
    nature: Annotated[str, Coded("natures")] = Field(title="主要问题性质")
    grounds: Text = Field(title="立案依据")


class Consent(Form):
    agree: bool = Field(title="同意立案")
    opinion: Text = Field(title="意见")


class Filed(Note):
    filed_on: PastDate = Field(title="立案日期")
    important: bool = Field(False, title="重要案件")


class Suppression(Form):
    unit: UnitId = Field(title="责任单位")
    kind: Annotated[str, Coded("suppression_kinds")] = Field(title="情形")
    caused_petitions: bool = Field(False, title="因此引发群体访、越级访")
    facts: Text = Field(title="事实和依据")


class Archive(Form):
    result: Text = Field(title="办理结果")
    archive_no: Line = Field(title="档案号")
    retention: Annotated[str, Coded("retention_periods")] = Field(title="保管期限")


def concerns_head(s: Situation, _: Any) -> bool:
    """Whether it is about the head of the committee it would be reported to: then it goes upward only."""
    return bool(s.answer("open.concerns_committee_head") or s.answer("report.concerns_committee_head"))


def _told_below(s: Situation, answers: Any) -> bool:
    return s.unit_kind != "county" and not concerns_head(s, answers)


def _committee(panel: str, role: str, *kinds: str) -> fx.Convene:
    """The committee of the unit's own level."""
    return fx.Convene(panel, role=role, when=lambda s, a: s.unit_kind in kinds and not concerns_head(s, a))


def _disposed(*which: str) -> fx.When:
    return lambda s, _: s.answer("propose.disposition") in which


def _resolved(*which: str) -> fx.When:
    return lambda s, _: s.answer("conclude.result") in which


def _only(clock: str, when: fx.When) -> tuple[fx.Effect, ...]:
    """The clock runs if that holds; one left from before a return stops where it does not."""
    return fx.StartClock(clock, when=when), fx.StopClock(clock, when=lambda s, a: not when(s, a))


def _after_approval(s: Situation, _: Any) -> State:
    match s.answer("propose.disposition"):
        case "case_filing":
            return S.FILING
        case "letter_inquiry":
            return S.INQUIRY
        case "held_pending":
            return S.HELD
        case "closed":
            return S.CLOSING
    return S.VERIFICATION


def _after_conclusion(_: Situation, answers: Conclusion) -> State:
    return {"case_filing": S.FILING, "held_pending": S.HELD}.get(answers.result, S.CLOSING)


def _case(s: Situation, answers: Filed) -> list[Mapping[str, Any]]:
    asked = s.steps["propose_filing"].answers
    return [{
        "clue": s.matter_id, "subject_name": asked["subject_name"],
        "subject": asked["subject"] or s.answer("open.subject"),
        "subject_post": asked["subject_post"] or s.answer("open.subject_post", ""),
        "subject_is_member_of_unit": s.answer("open.subject_unit"),
        "nature": asked["nature"], "filed_on": answers.filed_on.isoformat(),
        "important": answers.important,
    }]  # fmt: skip


NOT_PROPOSER = not_who_did(
    "propose", code="same_person", en="the proposer does not approve", zh="拟处置人不得审批本件的处置意见"
)
NOT_SUBJECTS_UNIT = Guard(
    "unit_of_the_subject", "the subject's own unit does not handle it", "被反映人所在单位不得承办",
    lambda s, a: a.handler_unit is None or a.handler_unit != s.answer("open.subject_unit"),
)  # fmt: skip
NOT_OF_THE_TEAM = apart_from(
    who_did("set_team.members", "add_member.person", "submit_report"), code="verifier_decides",
    en="nobody who verified decides on it", zh="核查人员、报告提交人不得审批核查结果",
)  # fmt: skip
NOT_WHO_ASKED = not_who_did(
    "propose_filing", code="same_person", en="whoever proposes the case does not file it", zh="提请立案的人不得批准立案"
)
CONSENTED = Guard(
    "not_consented", "the committee does not agree", "同级党委（党组）主要负责人未同意立案，请退回",
    lambda s, _: "filing" in s.panels and s.panels["filing"].count("agree", False) == 0,
)  # fmt: skip
COMMITTEE_ANSWERED = panel_enough("filing", zh="同级党委（党组）主要负责人尚未批示")
REPORTED_TO_COMMITTEE = Guard(
    "not_reported", "nothing is owed to the committee", "没有待确认的同级党委报告",
    lambda s, _: "committee_report" in s.duties,
)  # fmt: skip

ARCHIVING = fx.StartClock("archiving")

CLUE = procedure(
    "clue",
    "问题线索",
    State,
    opening=Opening(
        form=Registration,
        title=lambda a: f"反映{a.subject_name}的问题线索" if a.subject_name else f"问题线索：{a.content[:40]}",
        event="received_on",
        effects=(fx.StartClock("disposition"), fx.Owe("county_report"), fx.LinkTo("petition", "clue_from")),
    ),
    actions=[
        Action("report", "双报告", [S.REGISTERED], S.MEETING, Report, (),
               (_committee("committee", "township_committee", "township", "grassroots"),
                _committee("committee", "unit_head", "department"),
                fx.Owe("committee_report", when=_told_below), fx.MoveUp("county", when=concerns_head))),
        Action("acknowledge_committee", "同级党委确认", REPORTED, None, Note, (REPORTED_TO_COMMITTEE,),
               (fx.Settle("committee_report"),), Kind.VOTE),
        Action("acknowledge_county", "县级备案确认", OPEN, None, Note, (), (fx.Settle("county_report"),), Kind.NOTE),
        Action("report_upward_only", "改为只向上级报告", REPORTED, None, Reason, (),
               (fx.Waive("committee_report"), fx.Convene("committee", seats=lambda *_: ()), fx.MoveUp("county")), Kind.NOTE),
        Action("record_meeting", "线索排查会", [S.MEETING], S.PROPOSAL, Meeting),
        Action("propose", "拟处置", [S.PROPOSAL], S.APPROVAL, Proposal, (NOT_SUBJECTS_UNIT,)),
        Action("approve", "批准处置", [S.APPROVAL],
               Choice(_after_approval, (S.VERIFICATION, S.INQUIRY, S.FILING, S.HELD, S.CLOSING)), Note, (NOT_PROPOSER,),
               (fx.StopClock("disposition"), fx.StopClock("further_disposition"),
                fx.MoveTo("propose.handler_unit", when=lambda s, _: s.answer("propose.handler_unit") is not None),
                *_only("verification", _disposed("preliminary_verification")),
                *_only("inquiry_reply", _disposed("letter_inquiry")),
                *_only("filing", _disposed("case_filing")),
                fx.StartClock("held_review", when=_disposed("held_pending")),
                fx.StartClock("archiving", when=_disposed("closed")))),
        Action("record_reply", "登记回复", [S.INQUIRY], S.PROPOSAL, Reply, (),
               (fx.StopClock("inquiry_reply"), fx.StartClock("further_disposition"))),
        Action("set_team", "组成核查组", [S.VERIFICATION], None, Team, (TEAM_OF_TWO,), (SEAT_TEAM,), Kind.NOTE),
        Action("note_progress", "记录进展", OPEN, None, Progress, (), (), Kind.NOTE),
        *team_report([S.VERIFICATION], Findings),
        *other_handling([S.VERIFICATION], "open.subject_unit", OPEN),
        *extension_of("verification", [S.VERIFICATION]),
        *suspension_of("verification", [S.VERIFICATION]),
        Action("submit_report", "报送核查报告", [S.VERIFICATION], S.CONCLUSION, Note, (REPORT_SIGNED, NOTHING_ASKED)),
        Action("conclude", "审批核查结果", [S.CONCLUSION], Choice(_after_conclusion, (S.FILING, S.HELD, S.CLOSING)),
               Conclusion, (NOT_OF_THE_TEAM,),
               (fx.StopClock("verification"), *_only("filing", _resolved("case_filing")),
                fx.StartClock("held_review", when=_resolved("held_pending")),
                fx.StartClock("archiving", when=lambda s, a: _after_conclusion(s, a) is S.CLOSING))),
        Action("propose_filing", "提请立案", [S.FILING], S.CONSENT, FilingProposal, (),
               (_committee("filing", "township_committee", "township", "grassroots"),
                _committee("filing", "unit_head", "department"),
                fx.Convene("filing", role="party_committee", when=lambda s, a: not _told_below(s, a)))),
        Action("consent_filing", "批示立案意见", [S.CONSENT], None, Consent, (), (), Kind.VOTE),
        Action("file_case", "批准立案", [S.CONSENT], S.CLOSING, Filed, (COMMITTEE_ANSWERED, CONSENTED, NOT_WHO_ASKED),
               (fx.StopClock("filing"), ARCHIVING, fx.Open("case", _case, "filed_from"))),
        send_back([S.PROPOSAL, S.APPROVAL, S.INQUIRY, S.VERIFICATION, S.CONCLUSION, S.FILING, S.CONSENT]),
        Action("take_up", "重新启动", [S.HELD], S.PROPOSAL, Reason, (),
               (fx.StopClock("held_review"), fx.StartClock("further_disposition"))),
        Action("close_held", "暂存转了结", [S.HELD], S.CLOSING, Reason, (), (fx.StopClock("held_review"), ARCHIVING)),
        Action("note_suppression", "登记压案瞒案", OPEN, None, Suppression, (), (), Kind.NOTE),
        recusal(OPEN),
        Action("archive", "归档", [S.CLOSING], S.CLOSED, Archive, (), (fx.StopClock("archiving"),)),
    ],
    labels={
        S.REGISTERED: "待双报告", S.MEETING: "待排查", S.PROPOSAL: "待拟处置", S.APPROVAL: "待审批", S.INQUIRY: "谈话函询中",
        S.VERIFICATION: "初步核实中", S.CONCLUSION: "核查结果待审批", S.FILING: "待提请立案", S.CONSENT: "立案待批准",
        S.HELD: "暂存待查", S.CLOSING: "待归档", S.CLOSED: "已归档",
    },
    final=[S.CLOSED],
    panels=[TEAM, Panel("committee", "acknowledge_committee", after_return=AfterReturn.KEPT), Panel("filing", "consent_filing")],
    links={"clue_from": ("来源信访件", "转出线索"), "filed_from": ("来源线索", "所立案件")},
)  # fmt: skip
