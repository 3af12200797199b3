"""Return inspection (回马枪): after a while somebody looks again whether what was struck off has stayed mended.

Source: 吉林 (M24). Opened when a rectification is struck off, or by hand; a relapse opens a second round of rectification.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from statemachines.kit import effects as fx
from statemachines.kit.forms import (
    AttachmentId,
    Coded,
    Destination,
    Form,
    MatterId,
    PastDate,
    PersonId,
    Reason,
    Text,
    UnitId,
)
from statemachines.kit.idioms import extension_of, recusal
from statemachines.kit.procedure import Action, Guard, Opening, procedure
from statemachines.kit.situation import Situation
from statemachines.kit.teams import apart_from, team_of


class State(StrEnum):
    PLANNED = "planned"
    HELD = "held"
    RELAPSED = "relapsed"
    CANCELLED = "cancelled"


S = State

Attachments = Annotated[tuple[AttachmentId, ...], Field(default=(), title="附件", max_length=50)]


class Return(Form):
    rectification: MatterId = Field(title="已销号的整改")
    handler_unit: UnitId = Field(title="被检查单位")


class Finding(Form):
    members: tuple[PersonId, ...] = Field(title="检查人员", min_length=2, max_length=20)
    inspected_on: PastDate = Field(title="检查日期")
    finding: Text = Field(title="检查情况")
    attachments: Attachments


class Relapse(Finding):
    level: Annotated[str, Coded("problem_levels")] = Field(title="问题层级")
    again: Annotated[UnitId, Destination()] = Field(title="整改单位")


def _who_rectified(s: Situation, _: Any) -> frozenset[int]:
    first = s.others[s.answer("open.rectification")]
    return first.did("plan", "plan.measures.responsible", "note_progress", "submit")


def _second_round(s: Situation, answers: Relapse) -> list[Mapping[str, Any]]:
    return [{
        "source": "routine_check", "level": answers.level, "problem": answers.finding, "handler_unit": answers.again,
        "found_on": answers.inspected_on.isoformat(), "origin": s.matter_id,
    }]  # fmt: skip


IS_STRUCK_OFF = Guard(
    "not_struck_off", "name a rectification that was struck off", "请选择已销号的整改事项",
    lambda s, a: (first := s.others[a.rectification]).procedure == "rectification" and "strike_off" in first.steps,
)  # fmt: skip
SAME_UNIT = Guard(
    "other_unit", "the unit is the one that rectified", "被检查单位须与原整改单位一致",
    lambda s, a: s.others[a.rectification].answer("open.handler_unit") == a.handler_unit,
)  # fmt: skip
TEAM = team_of(2, "members", zh="回马枪检查须由两人以上进行")
APART = apart_from(
    _who_rectified, "members", code="inspector_rectified", en="nobody who rectified it inspects it",
    zh="参与过整改的人员不得参加检查",
)  # fmt: skip

RETURN_INSPECTION = procedure(
    "return_inspection",
    "回马枪检查",
    State,
    opening=Opening(
        form=Return,
        title=lambda a: "回马枪：整改成效检查",
        guards=(IS_STRUCK_OFF, SAME_UNIT),
        effects=(fx.MoveUp("county"), fx.StartClock("inspection"), fx.LinkTo("rectification", "returns_to")),
    ),
    actions=[
        Action("find_held", "整改成效保持", [S.PLANNED], S.HELD, Finding, (TEAM, APART)),
        Action("find_relapsed", "问题反弹", [S.PLANNED], S.RELAPSED, Relapse, (TEAM, APART),
               (fx.Open("rectification", _second_round, "rectifies"),)),
        Action("cancel", "取消检查", [S.PLANNED], S.CANCELLED, Reason, (
            apart_from(_who_rectified, code="canceller_rectified", en="whoever rectified it does not cancel it",
                       zh="参与过整改的人员不得取消检查"),)),
        *extension_of("inspection", [S.PLANNED]),
        recusal([S.PLANNED]),
    ],
    labels={S.PLANNED: "待检查", S.HELD: "成效保持", S.RELAPSED: "问题反弹", S.CANCELLED: "已取消"},
    final=[S.HELD, S.RELAPSED, S.CANCELLED],
)  # fmt: skip
