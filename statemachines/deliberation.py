"""Deliberation on an important case (重要案件审议): every member of the committee states a position before the decision.

Source: 广西 “重要案件审议制度” (M93): the member in charge reflects first, the others after, the head comments at the end.
"""

from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field

from statemachines.kit import effects as fx
from statemachines.kit.forms import AttachmentId, Coded, Form, Line, MatterId, PastDate, PersonId, Text
from statemachines.kit.idioms import extension_of, members_of, recusal
from statemachines.kit.panels import Panel, SeatState
from statemachines.kit.procedure import Action, Guard, Kind, Opening, procedure, send_back
from statemachines.kit.situation import Situation
from statemachines.kit.teams import panel_enough


class State(StrEnum):
    PREPARATION = "preparation"
    SITTING = "sitting"
    CLOSED = "closed"


S = State
OPEN = (S.PREPARATION, S.SITTING)
COMMITTEE = "committee"

LongText = Annotated[str, Field(max_length=5000, json_schema_extra={"format": "textarea"})]


class Request(Form):
    case: MatterId = Field(title="审议案件")


class Meeting(Form):
    held_on: PastDate = Field(title="会议日期")
    place: Line = Field(title="地点")
    report: Text = Field(title="案情和处理意见通报要点")


class Order(Form):
    in_charge: PersonId = Field(title="分管成员（先作检视反思）")
    head: PersonId = Field(title="主要负责人（最后点评）")


class Position(Form):
    stance: Annotated[str, Coded("positions")] = Field(title="表态")
    statement: LongText = Field("", title="发言（检视反思、对照查摆或点评）")
    measures: LongText = Field("", title="整改措施或要求")


class Conclusion(Form):
    resolution: Text = Field(title="审议结论")
    minutes: tuple[AttachmentId, ...] = Field((), title="会议记录（附件）", max_length=10)


class Figures(Form):
    agree: int = Field(title="同意")
    disagree: int = Field(title="不同意")
    members: int = Field(title="成员总数")
    absent: int = Field(title="缺席")
    agreed: bool = Field(title="多数同意")


def _by_party_committee(s: Situation, _: Any) -> bool:
    return bool(s.policy.setting("by_party_committee"))


def _reflects(s: Situation) -> bool:
    """Whether this county asks the members to reflect, in an order."""
    return bool(s.policy.setting("reflection_required"))


def _seat_state(s: Situation, person: int | None) -> SeatState | None:
    return next((t.state for t in s.panels[COMMITTEE].seats if t.person == person), None)


def _are_members(s: Situation, answers: Order) -> bool:
    return answers.in_charge != answers.head and {answers.in_charge, answers.head} <= s.panels[COMMITTEE].members


def _may_still_change(s: Situation, _: Any) -> bool:
    """Before anybody spoke, or where one of the two can no longer speak."""
    chosen = [s.answer("set_order.in_charge"), s.answer("set_order.head")]
    gone = any(p and _seat_state(s, p) in (None, SeatState.ABSENT, SeatState.REMOVED) for p in chosen)
    return gone or not s.panels[COMMITTEE].votes


def _is_in_turn(s: Situation, _: Any) -> bool:
    """The member in charge first, the head once nobody else is waited for; whoever spoke may add to it."""
    if not _reflects(s):
        return True
    if "set_order" not in s.steps:
        return False
    in_charge, head = s.answer("set_order.in_charge"), s.answer("set_order.head")
    waiting = {t.person for t in s.panels[COMMITTEE].seats if t.state is SeatState.WAITING} - s.acting
    return not waiting - {head} if head in s.acting else in_charge not in waiting


def _says_enough(s: Situation, answers: Position) -> bool:
    with_measures = {s.answer("set_order.in_charge"), s.answer("set_order.head")} & s.acting
    return not _reflects(s) or bool(answers.statement and (answers.measures or not with_measures))


def _figures(s: Situation, _: Any) -> Mapping[str, Any]:
    tally = s.panels[COMMITTEE]
    agree, members = tally.count("stance", "agree"), len(tally.members)
    return {
        "agree": agree, "disagree": tally.count("stance", "disagree"), "members": members,
        "absent": tally.seats_in(SeatState.ABSENT),
        "agreed": agree > Fraction(str(s.policy.setting("majority"))) * members,
    }  # fmt: skip


OF_A_CASE = Guard(
    "not_a_case", "what is deliberated on must be a case", "提请审议的事项须是立案审查的案件",
    lambda s, a: s.others[a.case].procedure == "case",
)  # fmt: skip
MEMBERS_CHOSEN = Guard(
    "not_members", "the member in charge and the head are two members of the committee",
    "分管成员和主要负责人须为会议成员，且不是同一人", _are_members,
)  # fmt: skip
NOT_BEGUN = Guard(
    "already_speaking", "the order stands once somebody spoke", "已有成员发言，不能再调整发言顺序", _may_still_change
)
IN_TURN = Guard(
    "not_in_turn", "set the order; the member in charge speaks first, the head after everybody else",
    "请先确定发言顺序；分管成员先作检视反思，主要负责人最后点评", _is_in_turn,
)  # fmt: skip
REFLECTED = Guard(
    "reflection_missing", "every member reflects; the one in charge and the head add measures",
    "请填写发言；分管成员和主要负责人还须填写整改措施或要求", _says_enough,
)  # fmt: skip

DELIBERATION = procedure(
    "deliberation",
    "重要案件审议",
    State,
    opening=Opening(
        form=Request, title=lambda _: "重要案件审议", guards=(OF_A_CASE,), effects=(fx.MoveUp("county"), fx.StartClock("deliberation"))
    ),
    actions=[
        Action("convene", "召集审议", [S.PREPARATION], S.SITTING, Meeting, (),
               (fx.Convene(COMMITTEE, role="party_committee", when=_by_party_committee),
                fx.Convene(COMMITTEE, role="standing_committee", when=lambda s, a: not _by_party_committee(s, a)))),
        Action("set_order", "确定发言顺序", [S.SITTING], None, Order, (MEMBERS_CHOSEN, NOT_BEGUN), (), Kind.NOTE),
        *members_of(COMMITTEE, [S.SITTING]),
        Action("state_position", "逐一表态", [S.SITTING], None, Position, (IN_TURN, REFLECTED), (), Kind.VOTE),
        send_back([S.SITTING], title="改期再议"),
        Action("conclude", "形成结论", [S.SITTING], S.CLOSED, Conclusion,
               (panel_enough(COMMITTEE, zh="尚有成员未表态，缺席的须登记"),), (fx.StopClock("deliberation"),), derive=_figures, derived=Figures),
        *extension_of("deliberation", OPEN),
        recusal(OPEN),
    ],
    labels={S.PREPARATION: "待召集", S.SITTING: "审议中", S.CLOSED: "已审议"},
    final=[S.CLOSED],
    by_hand=False,
    panels=[Panel(COMMITTEE, action="state_position")],
    links={"deliberation": ("所审议案件", "重要案件审议")},
)  # fmt: skip
