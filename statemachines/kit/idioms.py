"""Pieces of procedures that recur: asking for more time, standing still, stepping aside."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from statemachines.kit import effects as fx
from statemachines.kit.forms import Form, Names, Note, PersonId, Reason, Text
from statemachines.kit.procedure import Action, Guard, Kind
from statemachines.kit.teams import marked_absent, not_seated, still_waited_for


class ExtensionRequest(Reason):
    """More time, asked for before the period is over."""

    amount: int = Field(title="申请延长", ge=1, le=999)
    unit: Literal["month", "day", "workday"] = Field("month", title="单位")


class Recusal(Reason):
    """Somebody who must keep away from this matter: by own wish, on request, or by decision."""

    person: Annotated[PersonId, Names()] = Field(title="回避人员")


class Member(Reason):
    """Somebody who joins, leaves or cannot attend a panel, and why."""

    person: PersonId = Field(title="成员")


class Opinion(Form):
    opinion: Text = Field(title="意见")


def extension_of(clock: str, sources: Iterable[StrEnum]) -> tuple[Action, ...]:
    """Ask for, grant or refuse more time on a clock; who grants it and how much is the policy's."""
    return extensions_of({clock: sources})


def extensions_of(clocks: Mapping[str, Iterable[StrEnum]]) -> tuple[Action, ...]:
    """The same three actions for several clocks, each in its own states; no state belongs to two of them."""
    owner = {str(state): clock for clock, states in clocks.items() for state in states}
    where = tuple(state for states in clocks.values() for state in states)
    pending = Guard(
        "no_request",
        "no extension is waiting for a decision",
        "没有待批的延期申请",
        lambda s, _: owner[s.state] in s.pending,
    )
    fresh = Guard(
        "already_requested",
        "an extension is already waiting",
        "已有延期申请待批",
        lambda s, _: owner[s.state] not in s.pending,
    )
    another = Guard(
        "same_person",
        "whoever asks does not approve",
        "申请人不得审批自己的延期申请",
        lambda s, _: bool(s.acting) and not s.acting & s.did("ask_extension"),
    )

    def each(effect: Callable[..., fx.Effect]) -> tuple[fx.Effect, ...]:
        if len(clocks) == 1:
            return tuple(effect(clock) for clock in clocks)
        return tuple(effect(c, when=lambda s, _, c=c: owner[s.state] == c) for c in clocks)

    return (
        Action("ask_extension", "申请延期", where, form=ExtensionRequest, kind=Kind.NOTE,
               guards=(fresh,), effects=each(fx.AskExtension)),
        Action("grant_extension", "批准延期", where, form=Note, kind=Kind.NOTE,
               guards=(pending, another), effects=each(fx.GrantExtension)),
        Action("refuse_extension", "不同意延期", where, form=Reason, kind=Kind.NOTE,
               guards=(pending, another), effects=each(fx.RefuseExtension)),
    )  # fmt: skip


def suspension_of(clock: str, sources: Iterable[StrEnum]) -> tuple[Action, ...]:
    """Let a clock stand still with a reason, and let it run on."""
    where = tuple(sources)
    runs = Guard(
        "not_running",
        "the clock does not run",
        "时限未在计算，无法中止",
        lambda s, _: s.clocks.get(clock) == "running",
    )
    rests = Guard(
        "not_suspended",
        "the clock is not suspended",
        "时限未处于中止状态",
        lambda s, _: s.clocks.get(clock) == "suspended",
    )
    return (
        Action(
            "suspend",
            "中止计时",
            where,
            form=Reason,
            kind=Kind.NOTE,
            guards=(runs,),
            effects=(fx.Suspend(clock),),
        ),
        Action(
            "resume",
            "恢复计时",
            where,
            form=Reason,
            kind=Kind.NOTE,
            guards=(rests,),
            effects=(fx.Resume(clock),),
        ),
    )


def members_of(
    panel: str, sources: Iterable[StrEnum], *, prefix: str = "", guards: tuple[Guard, ...] = ()
) -> tuple[Action, ...]:
    """Seat one more, take a seat away, note who cannot answer and who can after all; `guards` hold for who is seated.

    The actions are add_member, remove_member, mark_absent and mark_present; `prefix` sets those of a second panel apart.
    """
    where = tuple(sources)
    here = still_waited_for(panel)
    return (
        Action(f"{prefix}add_member", "增补成员", where, form=Member, kind=Kind.NOTE,
               guards=(not_seated(panel), *guards), effects=(fx.AddMember(panel),)),
        Action(f"{prefix}remove_member", "减去成员", where, form=Member, kind=Kind.NOTE,
               guards=(here,), effects=(fx.RemoveMember(panel),)),
        Action(f"{prefix}mark_absent", "登记缺席", where, form=Member, kind=Kind.NOTE,
               guards=(here,), effects=(fx.MarkAbsent(panel),)),
        Action(f"{prefix}mark_present", "取消缺席", where, form=Member, kind=Kind.NOTE,
               guards=(marked_absent(panel), *guards), effects=(fx.AddMember(panel),)),
    )  # fmt: skip


def recusal(sources: Iterable[StrEnum]) -> Action:
    """Exclude a person from the matter in every way, from now on."""
    return Action("recuse", "登记回避", tuple(sources), form=Recusal, kind=Kind.NOTE)


def not_who_did(action: str, *, code: str, en: str, zh: str) -> Guard:
    """The person acting now is none of those who ever performed `action`; the clock is no person and passes nothing."""
    return Guard(code, en, zh, lambda s, _: bool(s.acting) and not s.acting & s.did(action))
