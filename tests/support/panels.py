"""A procedure that does nothing but convene a panel, in every way a panel can be declared; and one that hangs on it."""

from datetime import date
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from statemachines.kit import effects as fx
from statemachines.kit.forms import Form, MatterId, PersonId, Reason
from statemachines.kit.idioms import members_of, recusal
from statemachines.kit.panels import AfterReturn, Panel, seats_of
from statemachines.kit.procedure import Action, Kind, Opening, Procedure, procedure, send_back
from statemachines.kit.teams import linked_done, panel_enough


class State(StrEnum):
    PREPARATION = "preparation"
    VOTING = "voting"
    REVIEW = "review"
    DONE = "done"


S = State
OPEN = (S.PREPARATION, S.VOTING, S.REVIEW)


class Agenda(Form):
    subject: str = Field(title="议题")


class Invitation(Form):
    members: tuple[PersonId, ...] = Field((), title="成员")


class Ballot(Form):
    answer: Literal["agree", "disagree"] = Field(title="意见")
    points: int = Field(0, title="分值")


class Errand(Form):
    meeting: MatterId = Field(title="会议")


def meeting(
    *, anonymous: bool = False, after_return: AfterReturn = AfterReturn.ANEW, role: str | None = None
) -> Procedure:
    """preparation → voting → review → done; each step can be sent back."""
    called = fx.Convene("board", role=role) if role else fx.Convene("board", seats=lambda s, a: seats_of(a.members))
    return procedure(
        "meeting",
        "会议",
        State,
        opening=Opening(Agenda, title=lambda a: a.subject, effects=(fx.StartClock("whole"),)),
        actions=[
            Action("convene", "召集", [S.PREPARATION], S.VOTING, Invitation, (), (called,)),
            Action("vote", "表决", [S.VOTING], None, Ballot, kind=Kind.VOTE),
            *members_of("board", [S.VOTING]),
            Action("conclude", "汇总", [S.VOTING], S.REVIEW, Form, (panel_enough("board"),), derive=figures),
            Action("confirm", "确认", [S.REVIEW], S.DONE, Form, (), (fx.StopClock("whole"),)),
            Action("send_out", "交办", [S.REVIEW], None, Form, (), (fx.Open("errand", errands, "errands"),), Kind.NOTE),
            Action("follow", "办理完毕", [S.REVIEW], S.DONE, Form, (linked_done("errands", zh="交办事项尚未办结"),)),
            send_back([S.VOTING, S.REVIEW]),
            recusal(OPEN),
        ],
        labels={S.PREPARATION: "准备", S.VOTING: "表决中", S.REVIEW: "待确认", S.DONE: "已结束"},
        final=[S.DONE],
        panels=[Panel("board", "vote", anonymous=anonymous, after_return=after_return)],
        when_done={"errands": "follow"},
        links={"errands": ("所属会议", "交办事项")},
    )  # fmt: skip


def figures(s: Any, _: Any) -> dict[str, Any]:
    tally = s.panels["board"]
    return {"agree": tally.count("answer", "agree"), "mean": str(tally.mean(lambda a: a["points"]))}


def errands(s: Any, _: Any) -> list[dict[str, Any]]:
    return [{"meeting": s.matter_id}, {"meeting": s.matter_id}]


class Errands(StrEnum):
    OPEN = "open"
    DONE = "done"


ERRAND = procedure(
    "errand",
    "交办事项",
    Errands,
    opening=Opening(Errand, title=lambda a: "交办", effects=(fx.StartClock("whole"),)),
    actions=[
        Action("finish", "办结", [Errands.OPEN], Errands.DONE),
        Action("waive", "免办", [Errands.OPEN], Errands.DONE, Reason),
    ],
    labels={Errands.OPEN: "办理中", Errands.DONE: "已办结"},
    final=[Errands.DONE],
)

SOURCE = {"title": "测试", "effective": date(2010, 1, 1)}
WHOLE = {"title": "全程期限", "source": "测试", "budget": "1 month", "ladder": [{"at": "0", "do": ["remind holder"]}]}
ERRAND_POLICY: dict[str, Any] = {
    "source": SOURCE, "number": "交办〔{year}〕{n}号", "open": ["county_office"],
    "roles": {"finish": ["county_office"], "waive": ["county_office"]}, "work": {"open": "county_office"},
    "clocks": {"whole": WHOLE},
}  # fmt: skip


def meeting_policy(**rule: Any) -> dict[str, Any]:
    """The office convenes and concludes; `rule` is the panel's rule."""
    office = ["county_office"]
    seats = ["add_member", "remove_member", "mark_absent", "mark_present"]
    acts = ["convene", *seats, "conclude", "confirm", "send_out", "send_back"]
    return {
        "source": SOURCE, "number": "会〔{year}〕{n}号", "open": office,
        "roles": {**dict.fromkeys(acts, office), "recuse": office, "follow": ["system", "county_office"]},
        "work": dict.fromkeys(["preparation", "voting", "review"], "county_office"), "clocks": {"whole": WHOLE},
        "panels": {"board": {"title": "表决", "source": "测试", **(rule or {"rule": "all"})}},
    }  # fmt: skip
