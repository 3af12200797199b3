"""A small procedure that recurs: a report that each township owes, handed in by its handler."""

from datetime import date
from enum import StrEnum
from typing import Any

from statemachines.kit import effects as fx
from statemachines.kit.forms import Form, Line, PersonId
from statemachines.kit.obligations import Occasion
from statemachines.kit.procedure import Action, Opening, Procedure, procedure


class State(StrEnum):
    OWED = "owed"
    DONE = "done"


class Task(Form):
    summary: Line
    period: Line
    first: date
    due: date
    head: PersonId | None = None
    kind: Line = "plain"


def on_period(occasion: Occasion) -> dict[str, Any]:
    return {
        "summary": f"{occasion.title} {occasion.period}", "period": occasion.period, "head": occasion.person_id,
        "first": occasion.first.isoformat(), "due": occasion.due.isoformat(),
    }  # fmt: skip


def report(key: str = "report", **opening: Any) -> Procedure:
    """The procedure; `opening` overrides parts of its opening."""
    parts = {
        "form": Task, "title": lambda a: a.summary, "event": "first", "on_period": on_period,
        "effects": (fx.StartClock("handing_in", given="open.due"),), **opening,
    }  # fmt: skip
    return procedure(
        key, "报告", State, opening=Opening(**parts), actions=[Action("hand_in", "上报", [State.OWED], State.DONE)],
        labels={State.OWED: "待上报", State.DONE: "已上报"}, final=[State.DONE],
    )  # fmt: skip


def rule(**changes: Any) -> dict[str, Any]:
    """A weekly report of every township, changed so."""
    return {"title": "每周检查", "source": "测试", "every": "week", "each": {"unit_kind": ["township"]}, **changes}


def policy(effective: date = date(2010, 1, 1), **parts: Any) -> dict[str, Any]:
    """The policy: with `obligations=` and whatever else is given."""
    return {
        "number": "报〔{year}〕{n}号", "source": {"title": "测试", "effective": effective},
        "roles": {"hand_in": ["handler"]}, "work": {"owed": "handler"}, "view": ["county_office"],
        "clocks": {"handing_in": {"title": "上报期限", "source": "测试", "anchor": "open.first", "budget": "given"}},
        **parts,
    }  # fmt: skip
