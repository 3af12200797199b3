"""What clues and cases share: a team that signs its report, and handling that moves to other hands (M76)."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from statemachines.kit import effects as fx
from statemachines.kit.forms import Coded, Destination, Form, Note, PersonId, Reason, UnitId, invalid
from statemachines.kit.idioms import members_of, not_who_did
from statemachines.kit.panels import Panel, seats_of
from statemachines.kit.procedure import Action, Guard, Kind
from statemachines.kit.situation import Situation
from statemachines.kit.teams import panel_enough, team_of

TEAM = Panel("team", action="sign")
"""The people who verify or investigate. A seat lets them see the matter, wherever they work, and sign the report."""


class Team(Form):
    members: tuple[PersonId, ...] = Field(title="工作组成员", max_length=20)
    note: str = Field("", title="分工", max_length=2000)


class Signature(Note):
    """A member stands for the report."""


class OtherHandling(Reason):
    """Who else is to handle it, and why."""

    way: Annotated[str, Coded("handling_ways")] = Field(title="办案方式")
    other_unit: Annotated[UnitId, Destination()] | None = Field(None, title="协办（承办）单位")

    @model_validator(mode="after")
    def _named(self) -> Self:
        if (self.way == "escalated") != (self.other_unit is None):
            raise invalid(
                "other_unit",
                "name the other unit for joint and cross handling, and none for the level above",
                "联合、交叉办理须填写对方单位，提级办理不填",
            )
        return self


def _written_for_this_team(s: Situation, _: Any) -> bool:
    if "write_report" not in s.steps or "set_team" not in s.steps:
        return False
    written, seated = (datetime.fromisoformat(s.steps[name].at) for name in ("write_report", "set_team"))
    return written >= seated


def _is_member(s: Situation, _: Any) -> bool:
    return "team" in s.panels and bool(s.acting & s.panels["team"].members)


TEAM_OF_TWO = team_of(2, "members", zh="工作组须由两人以上组成", code="team_of_two")
REPORT_SIGNED = panel_enough("team", zh="工作组成员尚未全部在报告上签字")
WRITES_AS_MEMBER = Guard(
    "not_of_the_team", "the team writes its report itself", "报告须由工作组成员撰写；尚未组成工作组的请先组成", _is_member,
)  # fmt: skip
REPORT_THERE = Guard(
    "no_report_yet", "there is no report of this team to sign", "本工作组的报告尚未形成，暂不能签字", _written_for_this_team,
)  # fmt: skip
NOTHING_ASKED = Guard(
    "handling_undecided", "other handling was asked for and is not decided", "办案方式的调整尚未批复，请等批复后再办理",
    lambda s, _: "handling_decision" not in s.duties,
)  # fmt: skip
ASKED = Guard(
    "nothing_asked", "no other handling was asked for", "没有待批的办案方式调整",
    lambda s, _: "handling_decision" in s.duties,
)  # fmt: skip
NOT_ASKER = not_who_did(
    "ask_other_handling", code="same_person", en="whoever asks does not approve", zh="提出人不得审批自己的提请"
)

SEAT_TEAM = fx.Convene("team", seats=lambda _, a: seats_of(a.members))


def team_report(sources: Iterable[StrEnum], form: type[Form]) -> tuple[Action, ...]:
    """The team writes a report, as often as needed, and every member signs the latest one.

    The procedure has its own `set_team` with the effect SEAT_TEAM.
    """
    where = tuple(sources)
    anew = fx.Convene("team", seats=lambda s, _: seats_of(sorted(s.panels["team"].members)))
    return (
        Action(
            "write_report", "形成报告", where, form=form, kind=Kind.NOTE, guards=(WRITES_AS_MEMBER,), effects=(anew,)
        ),
        Action("sign", "签署报告", where, form=Signature, kind=Kind.VOTE, guards=(REPORT_THERE,)),
        *members_of("team", where),
    )


def other_handling(sources: Iterable[StrEnum], subject_unit: str, refused_in: Iterable[StrEnum]) -> tuple[Action, ...]:
    """Joint, cross and escalated handling: asked for with a reason, decided by another.

    `subject_unit` is the answer that holds the unit of the person concerned, which never takes part. Where others take
    over, they make a team of their own. What was asked for can be refused in any state of `refused_in`, wherever the
    matter went meanwhile.
    """
    where = tuple(sources)
    apart = Guard(
        "unit_of_the_subject", "the subject's own unit takes no part", "被反映人所在单位不得参与办理",
        lambda s, a: a.other_unit is None or a.other_unit != s.answer(subject_unit),
    )  # fmt: skip
    done = fx.Settle("handling_decision")
    return (
        Action("ask_other_handling", "提请调整办案方式", where, form=OtherHandling, kind=Kind.NOTE,
               guards=(NOTHING_ASKED, apart),
               effects=(fx.Owe("handling_decision"), fx.Tell("county_leader", "提请调整办案方式，请批复"))),
        Action("approve_other_handling", "批准调整办案方式", where, form=Note, kind=Kind.NOTE, guards=(ASKED, NOT_ASKER),
               effects=(done, fx.MoveTo("ask_other_handling.other_unit", when=_asks("cross")),
                        fx.MoveUp("county", when=_asks("escalated")),
                        fx.Convene("team", seats=lambda *_: (), when=_asks("cross", "escalated")))),
        Action("refuse_other_handling", "不同意调整办案方式", tuple(refused_in), form=Reason, kind=Kind.NOTE, guards=(ASKED, NOT_ASKER),
               effects=(done,)),
    )  # fmt: skip


def _asks(*ways: str) -> fx.When:
    return lambda s, _: s.answer("ask_other_handling.way") in ways
