"""Supervised handling (督办): issued, handled, strike-off asked for, verified by somebody else, struck off.

Source: 镇坪 “五张清单” 督办清单 (M34) and 通城 2016 督办 (M89). Opened by hand or by a rung of an overdue clock.
"""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from statemachines.kit import effects as fx
from statemachines.kit.forms import (
    AttachmentId,
    Coded,
    Destination,
    Due,
    Form,
    Line,
    MatterId,
    PersonId,
    Reason,
    Text,
    UnitId,
)
from statemachines.kit.idioms import extension_of, recusal, suspension_of
from statemachines.kit.procedure import Action, Guard, Kind, Opening, Rung, procedure, send_back


class State(StrEnum):
    ISSUED = "issued"
    HANDLING = "handling"
    VERIFICATION = "verification"
    STRUCK_OFF = "struck_off"


S = State
OPEN = (S.ISSUED, S.HANDLING, S.VERIFICATION)

Attachments = Annotated[tuple[AttachmentId, ...], Field(default=(), title="佐证材料", max_length=50)]


class Order(Form):
    summary: Line = Field(title="督办事项")
    demand: Text = Field(title="督办要求")
    source: Annotated[str, Coded("supervision_sources")] = Field(title="来源")
    handler_unit: Annotated[UnitId, Destination()] = Field(title="承办单位")
    subject: MatterId | None = Field(None, title="所督办的事项")
    given_due: Due | None = Field(None, title="限办日期")


class Receipt(Form):
    handler: PersonId = Field(title="承办人")
    measures: Text = Field(title="办理措施")


class StrikeOffRequest(Form):
    done: Text = Field(title="完成情况")
    evidence: Attachments


class Verification(Form):
    opinion: Text = Field(title="核验意见")


class Progress(Form):
    content: Text = Field(title="办理情况")
    attachments: Attachments


VERIFIER_APART = Guard(
    "verifier_rectified", "the verifier is nobody who handled it", "核验人不得是承办人、申请销号人",
    lambda s, _: bool(s.acting)
    and not s.acting & s.did("sign_for", "sign_for.handler", "note_progress", "ask_strike_off"),
)  # fmt: skip


def _order_for(rung: Rung) -> dict[str, Any]:
    return {
        "summary": f"督办：{rung.number} {rung.clock}超期"[:200],
        "demand": f"“{rung.number}”的{rung.clock}已于{rung.due.isoformat()}到期，请立即办理并报告原因。",
        "source": "overdue",
        "handler_unit": rung.unit_id,
        "subject": rung.matter_id,
    }


SUPERVISED_HANDLING = procedure(
    "supervised_handling",
    "督办事项",
    State,
    opening=Opening(
        form=Order,
        title=lambda a: a.summary,
        effects=(
            fx.MoveTo("open.handler_unit"),
            fx.StartClock("handling", by="open.source", given="open.given_due"),
            fx.LinkTo("subject", "supervises"),
        ),
        on_rung=_order_for,
    ),
    actions=[
        Action("sign_for", "签收", [S.ISSUED], S.HANDLING, Receipt, (), (fx.Assign("sign_for.handler"),)),
        Action("note_progress", "记录进展", [S.HANDLING, S.VERIFICATION], None, Progress, (), (), Kind.NOTE),
        Action("ask_strike_off", "申请销号", [S.HANDLING], S.VERIFICATION, StrikeOffRequest),
        Action("strike_off", "销号", [S.VERIFICATION], S.STRUCK_OFF, Verification, (VERIFIER_APART,), (fx.StopClock("handling"),)),
        send_back([S.VERIFICATION]),
        Action("cancel", "撤销督办", OPEN, S.STRUCK_OFF, Reason, (), (fx.StopClock("handling"),)),
        *extension_of("handling", [S.ISSUED, S.HANDLING]),
        *suspension_of("handling", [S.HANDLING]),
        recusal(OPEN),
    ],
    labels={S.ISSUED: "待签收", S.HANDLING: "办理中", S.VERIFICATION: "待核验", S.STRUCK_OFF: "已销号"},
    final=[S.STRUCK_OFF],
)  # fmt: skip
