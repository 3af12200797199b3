"""One of the six measures after a case (“六个一”以案促改): done with evidence, or waived by another with a reason.

Source: 广西 (M94): 一案一通报、一建议、一谈话、一警示、一整改、一评议.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from statemachines.kit import effects as fx
from statemachines.kit.forms import AttachmentId, Coded, Form, MatterId, PastDate, Reason, Text, UnitId
from statemachines.kit.idioms import extension_of, recusal
from statemachines.kit.procedure import Action, Guard, Kind, Opening, procedure
from statemachines.kit.teams import apart_from, who_did


class State(StrEnum):
    OPEN = "open"
    DONE = "done"
    WAIVED = "waived"


S = State
TITLES = {
    "bulletin": "一案一通报", "recommendation": "一案一建议", "talk": "一案一谈话", "warning": "一案一警示",
    "rectification": "一案一整改", "appraisal": "一案一评议",
}  # fmt: skip

Files = tuple[AttachmentId, ...]


class Measure(Form):
    case: MatterId = Field(title="所据案件")
    kind: Annotated[str, Coded("case_measures")] = Field(title="类别")


class Progress(Form):
    content: Text = Field(title="落实情况")
    responsible_unit: UnitId | None = Field(None, title="责任单位")
    attachments: Files = Field((), title="附件", max_length=50)


class Completion(Form):
    done_on: PastDate = Field(title="完成日期")
    content: Text = Field(title="完成情况")
    evidence: Files = Field(title="佐证材料", min_length=1, max_length=50)


OF_A_CASE = Guard(
    "not_a_case",
    "it follows from a case",
    "“六个一”须依据立案审查的案件",
    lambda s, a: s.others[a.case].procedure == "case",
)
ANOTHER = apart_from(
    who_did("open", "note_progress", "ask_waiver"), code="same_person", en="whoever carries it out does not waive it",
    zh="承办人和提出免办的人员不得批准免办",
)  # fmt: skip
CASE_MEASURE = procedure(
    "case_measure",
    "六个一",
    State,
    opening=Opening(
        form=Measure,
        title=lambda a: f"六个一：{TITLES.get(a.kind, a.kind)}",
        guards=(OF_A_CASE,),
        effects=(fx.StartClock("carrying_out", by="open.kind"),),
    ),
    actions=[
        Action("note_progress", "记录进展", [S.OPEN], None, Progress, kind=Kind.NOTE),
        Action("finish", "完成", [S.OPEN], S.DONE, Completion, (), (fx.StopClock("carrying_out"),)),
        Action("ask_waiver", "申请免办", [S.OPEN], None, Reason, kind=Kind.NOTE),
        Action("waive", "免办", [S.OPEN], S.WAIVED, Reason, (ANOTHER,), (fx.StopClock("carrying_out"),)),
        *extension_of("carrying_out", [S.OPEN]),
        recusal([S.OPEN]),
    ],
    labels={S.OPEN: "待落实", S.DONE: "已完成", S.WAIVED: "已免办"},
    final=[S.DONE, S.WAIVED],
    by_hand=False,
    links={"six_ones": ("所据案件", "六个一")},
)  # fmt: skip
