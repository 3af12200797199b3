"""Supervised handling (督办): issued, handled, strike-off asked for, verified by somebody else, struck off.

Source: 镇坪 “五张清单” 督办清单 (M34) and 通城 2016 督办 (M89). Opened by hand or by a rung of an overdue clock.
"""

from typing import Annotated, Any

from pydantic import Field

from statemachines.kit import effects as fx
from statemachines.kit.checklist import LABELS, State, checklist_actions
from statemachines.kit.forms import Coded, Destination, Due, Form, Line, MatterId, Text, UnitId
from statemachines.kit.procedure import Opening, Rung, procedure


class Order(Form):
    summary: Line = Field(title="督办事项")
    demand: Text = Field(title="督办要求")
    source: Annotated[str, Coded("supervision_sources")] = Field(title="来源")
    handler_unit: Annotated[UnitId, Destination()] = Field(title="承办单位")
    subject: MatterId | None = Field(None, title="所督办的事项")
    given_due: Due | None = Field(None, title="限办日期")


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
    actions=checklist_actions("handling"),
    labels=LABELS,
    final=[State.STRUCK_OFF],
)
