"""Two small procedures: cases that end in a sanction, and an inquiry that a rule over them proposes."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from statemachines.kit import effects as fx
from statemachines.kit.candidates import Proposal
from statemachines.kit.forms import Coded, Form, Line, Names, PersonId, UnitId
from statemachines.kit.procedure import Action, Opening, Procedure, procedure


class State(StrEnum):
    RUNNING = "running"
    DECIDED = "decided"
    CLOSED = "closed"


S = State


class Filing(Form):
    summary: Line
    channel: Line = "letter"
    subject_unit: UnitId | None = None
    named: Annotated[PersonId, Names()] | None = None


class Sanction(Form):
    kind: Annotated[str, Coded("sanctions")]
    months: int = 6


class Decision(Form):
    sanction: Sanction
    grounds: tuple[Line, ...] = ()


class Inquiry(Form):
    summary: Line
    unit: UnitId
    head: Annotated[PersonId, Names()] | None = None
    responsibility: Line = "none"


def on_candidate(proposal: Proposal) -> dict[str, Any]:
    return {
        "summary": f"{proposal.rule.title}（{len(proposal.facts)}件）", "unit": proposal.unit_id,
        "head": proposal.head_person_id, **proposal.rule.tags,
    }  # fmt: skip


CASE = procedure(
    "case", "案件", State, opening=Opening(Filing, lambda a: a.summary, effects=(fx.StartClock("period"),)),
    actions=[
        Action("decide", "处分决定", [S.RUNNING], S.DECIDED, Decision),
        Action("close", "结案", [S.DECIDED], S.CLOSED),
    ],
    labels={S.RUNNING: "审查", S.DECIDED: "已决定", S.CLOSED: "已结案"}, final=[S.CLOSED],
)  # fmt: skip


def inquiry(**opening: Any) -> Procedure:
    """The procedure that is proposed; `opening` overrides parts of its opening."""
    parts = {
        "form": Inquiry, "title": lambda a: a.summary, "on_candidate": on_candidate,
        "effects": (fx.StartClock("period"),), **opening,
    }  # fmt: skip
    return procedure(
        "inquiry", "问责", State, opening=Opening(**parts),
        actions=[Action("decide", "研判", [S.RUNNING], S.DECIDED), Action("close", "办结", [S.DECIDED], S.CLOSED)],
        labels={S.RUNNING: "待研判", S.DECIDED: "已研判", S.CLOSED: "已办结"}, final=[S.CLOSED],
    )  # fmt: skip


def rule(**changes: Any) -> dict[str, Any]:
    """Two removals or expulsions per unit, ever, changed so."""
    return {
        "title": "任期内两人以上受重处分", "source": "测试", "fact": "case.decide", "count": 2,
        "where": {"sanction.kind": ["removal", "expulsion"]}, "per": "open.subject_unit", **changes,
    }  # fmt: skip


def policy(rules: Mapping[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
    """The policy of either procedure."""
    return {
        "number": "{year}-{n}", "source": {"title": "测试", "effective": date(2010, 1, 1)}, "open": ["handler"],
        "roles": {"decide": ["county_office", "handler"], "close": ["county_office"]},
        "work": {"running": "county_office", "decided": "county_office"}, "candidates": dict(rules or {}),
        "clocks": {"period": {"title": "期限", "source": "测试", "budget": "3 month"}},
        "lists": {"sanctions": {"source": "测试", "values": {
            "warning": "警告", "removal": "撤职", "expulsion": "开除"}}}, **parts,
    }  # fmt: skip
