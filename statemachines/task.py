"""Yearly task (任务): what the county asks of its units, from the list to the strike-off.

Source: 镇坪 “五张清单” 任务清单 (M32–M35): regular, staged and key work of the year. A late one becomes 督办.
"""

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from statemachines.kit import effects as fx
from statemachines.kit.checklist import LABELS, State, checklist_actions
from statemachines.kit.forms import Coded, Destination, Form, Line, PastDate, Text, UnitId
from statemachines.kit.procedure import Opening, procedure


class Assignment(Form):
    summary: Line = Field(title="任务")
    demand: Text = Field(title="质量要求")
    kind: Annotated[str, Coded("task_kinds")] = Field(title="任务类别")
    handler_unit: Annotated[UnitId, Destination()] = Field(title="承办单位")
    issued_on: PastDate | None = Field(None, title="下达日期")
    due_on: date = Field(title="完成时限")


def _for_the_period(occasion: Any) -> dict[str, Any]:
    return {
        "summary": f"{occasion.title}（{occasion.period}）"[:200],
        "demand": f"请于{occasion.due.isoformat()}前完成{occasion.title}，并报送佐证材料。",
        "kind": "regular",
        "handler_unit": occasion.unit_id,
        "issued_on": occasion.first.isoformat(),
        "due_on": occasion.due.isoformat(),
    }


TASK = procedure(
    "task",
    "任务清单",
    State,
    opening=Opening(
        form=Assignment,
        title=lambda a: a.summary,
        effects=(fx.MoveTo("open.handler_unit"), fx.StartClock("handling", given="open.due_on")),
        on_period=_for_the_period,
    ),
    actions=checklist_actions("handling"),
    labels=LABELS,
    final=[State.STRUCK_OFF],
)
