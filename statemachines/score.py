"""Scores (考核得分): an entry is proposed, confirmed by somebody outside, open to objection, and counts after that.

Sources: 通城 2016 (M59, M85), 镇坪 考评问责 (M45, M46), rules on scores: nothing counts without a human, an objection
window and a source; automatic points come from the policy and are never typed. No item counts petitions.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from statemachines.kit import effects as fx
from statemachines.kit.authority import within_authority
from statemachines.kit.forms import AttachmentId, Coded, Form, Heard, MatterId, PersonId, Text, UnitId, invalid
from statemachines.kit.idioms import Opinion, recusal
from statemachines.kit.procedure import Action, Guard, Opening, Rung, procedure
from statemachines.kit.situation import Situation
from statemachines.kit.teams import apart_from, who_did


class State(StrEnum):
    PROPOSED = "proposed"
    WINDOW = "window"
    OBJECTED = "objected"
    COUNTED = "counted"
    DROPPED = "dropped"


S = State
OPEN = (S.PROPOSED, S.WINDOW, S.OBJECTED)
FULL = 100
PERIOD = re.compile(r"20[0-9]{2}(-(H[12]|Q[1-4]|0[1-9]|1[0-2]))?")

Attachments = Annotated[tuple[AttachmentId, ...], Field(default=(), title="佐证材料", max_length=50)]
Points = Annotated[Decimal, Field(ge=-FULL, le=FULL, decimal_places=2)]


def _a_period(text: str) -> str:
    if not PERIOD.fullmatch(text):
        raise invalid(
            "period",
            "a period is 2016, 2016-H1, 2016-Q1 or 2016-03",
            "考核期请填 2016、2016-H1、2016-Q1 或 2016-03 的形式",
        )
    return text


class Entry(Form):
    period: Annotated[str, AfterValidator(_a_period)] = Field(
        title="考核期（年份，或如 2016-H1、2016-Q1、2016-03）", max_length=7
    )
    unit: UnitId = Field(title="考核单位")
    person: Annotated[PersonId, Heard()] | None = Field(None, title="考核对象（个人）")
    item: Annotated[str, Coded("score_items")] = Field(title="考核项目")
    points: Points | None = Field(None, title="分值")
    origin: MatterId | None = Field(None, title="来源事项")
    reason: Text = Field(title="计分事由")
    attachments: Attachments


class Worth(Form):
    points: str | None = Field(title="计入分值")


class Objection(Form):
    reason: Text = Field(title="异议理由")
    attachments: Attachments


def points_of(s: Situation) -> str | None:
    """Return what the entry is worth: from the policy, from its origin, or as it was given; None for a veto."""
    item = s.answer("open.item")
    if (fixed := s.policy.codes("fixed_points").get(item)) is not None:
        return fixed
    if item in s.policy.codes("derived_items"):
        origin = s.others.get(s.answer("open.origin") or 0)
        return None if origin is None else origin.answer("conclude.score")
    given: str | None = s.answer("open.points")
    return given


def _points_fit(s: Situation, answers: Entry) -> bool:
    item, points = answers.item, answers.points
    if item in {**s.policy.codes("fixed_points"), **s.policy.codes("veto_items")}:
        return points is None
    if item in s.policy.codes("derived_items"):
        return points is None and points_of(s) is not None
    if item in s.policy.codes("weights"):
        return points is not None and points >= 0 and bool(answers.attachments)
    return points is not None and points != 0 and abs(points) <= Decimal(str(s.policy.setting("typed_points_at_most")))


def _is_about_whom_it_says(s: Situation, answers: Entry) -> bool:
    """A figure taken from another matter is that matter's subject's own."""
    origin = s.others.get(answers.origin or 0)
    if answers.item not in s.policy.codes("derived_items") or origin is None:
        return True
    return (origin.answer("open.unit"), origin.answer("open.subject")) == (answers.unit, answers.person)


def _grade_of_entry(s: Situation, _: Any) -> str:
    return "veto" if s.answer("open.item") in s.policy.codes("veto_items") else "entry"


def _is_about_somebody(s: Situation, _: Any) -> bool:
    return s.answer("open.person") is not None


def _from_a_late_clock(rung: Rung) -> Mapping[str, Any]:
    return {
        "period": str(rung.due.year), "unit": rung.unit_id, "item": "overdue", "origin": rung.matter_id,
        "reason": f"{rung.clock}于{rung.due.isoformat()}到期，逾期未办结",
    }  # fmt: skip


POINTS_FIT = Guard(
    "points_do_not_fit", "points are the policy's, the origin's, or within the limit with evidence",
    "本项目的分值由政策或来源事项确定时不得填写；外部评价分须为0至100并附佐证；其他加减分须在规定幅度内", _points_fit,
)  # fmt: skip
OWN_FIGURE = Guard(
    "another_subject", "the origin's figure belongs to another unit or person", "来源事项的得分属于其他单位或人员",
    _is_about_whom_it_says,
)  # fmt: skip
NOT_ITS_OWN = Guard(
    "of_the_subject_unit", "nobody of the subject unit decides on its score", "被考核单位的人员不得确认、裁定本单位的考核得分",
    lambda s, _: bool(s.acting) and (s.unit_kind == "county" or not s.at_home),
)  # fmt: skip
NOT_PROPOSER = apart_from(
    who_did("open"), code="same_person", en="the proposer does not confirm", zh="提出人不得确认同一计分",
)  # fmt: skip
NOT_ABOUT_ME = Guard(
    "own_score", "nobody decides on his own score", "不得确认、裁定本人的考核得分",
    lambda s, _: s.answer("open.person") not in s.acting,
)  # fmt: skip
ANOTHER = apart_from(
    who_did("open", "confirm", "object"), code="took_part", en="whoever proposed, confirmed or objected does not decide",
    zh="提出、确认计分或提出异议的人员不得裁定异议",
)  # fmt: skip
HIGH_ENOUGH = within_authority("confirmation", _grade_of_entry, zh="一票否决须由县纪委监委领导确认")
IN_TIME = Guard(
    "window_closed", "the time to object is over", "异议期已过", lambda s, _: "objection" not in s.overdue,
)  # fmt: skip
WINDOW_OVER = Guard(
    "window_open", "it may still be objected to", "异议期未满，不能计分", lambda s, _: "objection" in s.overdue,
)  # fmt: skip
CONFIRMERS = (NOT_PROPOSER, NOT_ITS_OWN, NOT_ABOUT_ME)

SCORE = procedure(
    "score",
    "考核计分",
    State,
    opening=Opening(
        form=Entry,
        title=lambda a: f"{a.period}考核计分：{a.reason}"[:60],
        guards=(POINTS_FIT, OWN_FIGURE),
        effects=(fx.MoveTo("open.unit"), fx.StartClock("confirmation"), fx.LinkTo("origin", "scores")),
        on_rung=_from_a_late_clock,
        rung_link="scores",
    ),
    actions=[
        Action("confirm", "确认计分", [S.PROPOSED], S.WINDOW, Opinion, (*CONFIRMERS, HIGH_ENOUGH),
               (fx.StopClock("confirmation"), fx.StartClock("objection"),
                fx.Assign("open.person", when=_is_about_somebody)),
               derive=lambda s, _: {"points": points_of(s)}, derived=Worth),
        Action("reject", "不予确认", [S.PROPOSED], S.DROPPED, Opinion, CONFIRMERS),
        Action("object", "提出异议", [S.WINDOW], S.OBJECTED, Objection, (IN_TIME,),
               (fx.StopClock("objection"), fx.StartClock("decision"))),
        Action("count", "计入得分", [S.WINDOW], S.COUNTED, Form, (WINDOW_OVER,)),
        Action("uphold", "维持计分", [S.OBJECTED], S.COUNTED, Opinion, (ANOTHER, NOT_ITS_OWN, NOT_ABOUT_ME, HIGH_ENOUGH)),
        Action("drop", "撤销计分", [S.OBJECTED], S.DROPPED, Opinion, (ANOTHER, NOT_ITS_OWN, NOT_ABOUT_ME)),
        recusal(OPEN),
    ],
    labels={
        S.PROPOSED: "待确认", S.WINDOW: "异议期", S.OBJECTED: "异议裁定", S.COUNTED: "已计分", S.DROPPED: "不予计分",
    },
    final=[S.COUNTED, S.DROPPED],
    links={"scores": ("计分来源", "考核计分")},
)  # fmt: skip
