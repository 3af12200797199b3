"""Spot check (抽查核实): a finished item drawn by lot is verified by people who did not handle it.

Sources: 通城 2016 M68 (about 30 % of the clean letter-inquiry replies) and M70 (completion quality, twice a year).
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from statemachines.kit import effects as fx
from statemachines.kit.forms import AttachmentId, Coded, Form, Line, MatterId, PastDate, PersonId, Text
from statemachines.kit.idioms import extension_of, recusal
from statemachines.kit.procedure import Action, Guard, Kind, Opening, procedure, send_back
from statemachines.kit.situation import Situation


class State(StrEnum):
    DRAWN = "drawn"
    CHECKING = "checking"
    REVIEW = "review"
    CLOSED = "closed"


S = State
OPEN = (S.DRAWN, S.CHECKING, S.REVIEW)

Attachments = Annotated[tuple[AttachmentId, ...], Field(default=(), title="附件", max_length=50)]


class Draw(Form):
    summary: Line = Field(title="抽查事项")
    kind: Annotated[str, Coded("sample_kinds")] = Field(title="抽查类别")
    subject: MatterId = Field(title="被抽查的事项")
    drawn_on: PastDate = Field(title="抽取日期")
    sample: Line = Field(title="抽样记录")


class Team(Form):
    members: tuple[PersonId, ...] = Field(title="核实人员", min_length=2, max_length=20)
    plan: Text = Field(title="核实方案")


class Finding(Form):
    result: Annotated[str, Coded("check_results")] = Field(title="核实结果")
    quality: int = Field(title="办理质量（0–100）", ge=0, le=100)
    summary: Text = Field(title="核实情况")
    attachments: Attachments


class Progress(Form):
    content: Text = Field(title="核实进展")
    attachments: Attachments


class Opinion(Form):
    opinion: Text = Field(title="审核意见")


def _handled_the_subject(s: Situation) -> frozenset[int]:
    subject = s.others.get(s.answer("open.subject"))
    if subject is None:
        return frozenset()
    return subject.did("note_progress", "complete", "complete.team", "record_reply", "propose", "approve")


MEMBERS_APART = Guard(
    "checker_handled_it", "nobody who handled the item checks it, and two different people do",
    "核实人员须为两人以上，且不得参与过被抽查事项的办理",
    lambda s, a: len(set(a.members)) >= 2 and not set(a.members) & _handled_the_subject(s),
)  # fmt: skip
IS_MEMBER = Guard(
    "not_in_team", "only a member of the team reports", "仅核实组成员可提交核实结果",
    lambda s, _: bool(s.acting & set(s.answer("set_team.members", ()))),
)  # fmt: skip
REVIEWER_APART = Guard(
    "reviewer_checked_it", "whoever checked it does not confirm it", "核实人员不得审核自己的核实结果",
    lambda s, _: bool(s.acting) and not s.acting & s.did("set_team.members", "note_progress", "report"),
)  # fmt: skip

SPOT_CHECK = procedure(
    "spot_check",
    "抽查核实",
    State,
    opening=Opening(
        form=Draw,
        title=lambda a: a.summary,
        event="drawn_on",
        effects=(fx.StartClock("checking", by="open.kind"), fx.LinkTo("subject", "checks")),
    ),
    actions=[
        Action("set_team", "确定核实组", [S.DRAWN, S.CHECKING], S.CHECKING, Team, (MEMBERS_APART,)),
        Action("note_progress", "记录进展", [S.CHECKING], None, Progress, (), (), Kind.NOTE),
        Action("report", "提交核实结果", [S.CHECKING], S.REVIEW, Finding, (IS_MEMBER,)),
        send_back([S.REVIEW]),
        Action("confirm", "审核确认", [S.REVIEW], S.CLOSED, Opinion, (REVIEWER_APART,), (fx.StopClock("checking"),)),
        *extension_of("checking", [S.DRAWN, S.CHECKING]),
        recusal(OPEN),
    ],
    labels={S.DRAWN: "已抽取", S.CHECKING: "核实中", S.REVIEW: "待审核", S.CLOSED: "已办结"},
    final=[S.CLOSED],
)  # fmt: skip
