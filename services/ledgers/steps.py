"""What one row of a ledger says was done, as answers to the petition's own actions.

Nothing is invented: what the ledger does not say was done (telling the complainant, filing) stays owed, and every
answer says that it was taken from the ledger.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from services.identity.access import Actor
from services.ledgers.cast import Cast
from services.ledgers.rows import LedgerRow
from statemachines.petition import State

UNSORTED_FIELD = "other_discipline"
"""The problem field of a row whose words are on no list; the words themselves are kept in the content."""

_APART = re.compile(r"[、，,;；/]")
_AND_OTHERS = re.compile(r"等(\d+|[一二三四五六七八九十]+)?人?$")


@dataclass(frozen=True, slots=True)
class Step:
    """One action to take: by whom, on which day, with which answers."""

    action: str
    actor: Actor
    on: date
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """One row and what its steps need: the cast, the units' paths and names, the unit that registers."""

    row: LedgerRow
    cast: Cast
    units: Mapping[int, tuple[str, str]]
    unit_id: int
    reported_unit: int | None

    @cached_property
    def source(self) -> str:
        """Said in every answer."""
        return f"据台账导入：第{self.row.line}行"

    @cached_property
    def reported(self) -> list[str]:
        """The names of those reported; one cell may hold several. Where it is empty the unit itself is reported."""
        text = self.row.reported_name or self.row.reported_unit_text or ""
        parts = (_AND_OTHERS.sub("", part) for part in _APART.split(text))
        return [part for part in parts if part]

    @cached_property
    def assigned_on(self) -> date:
        """The day it was given to the handling unit; where the ledger does not say, the day received."""
        day = self.row.assigned_on or self.row.received_on
        return min(day, self.row.ended_on or day)

    def opening(self) -> dict[str, Any]:
        """The registration's answers. The complainant's name and phone are in its sealed field alone."""
        row = self.row
        about = f"{row.reported_unit_text or ''}{row.problem}"
        return {
            "channel": row.channel, "received_on": row.received_on.isoformat(), "anonymous": row.anonymous,
            "summary": self.hide(f"反映{about}问题" if about else row.summary or "信访举报")[:200],
            "content": self._content(), "problem_fields": [row.problem_code or UNSORTED_FIELD],
            "complainant": {"name": row.complainant, "phone": row.phone or ""} if row.complainant else None,
            "reported": [self._reported(name) for name in self.reported],
            "superior": "台账未载明交办机关" if row.channel == "handed_down" else None,
        }  # fmt: skip

    def act(self, part: str, *, at: int | None = None, but: frozenset[int] = frozenset()) -> Actor:
        """Whoever takes the part at a unit (default: the registering one), nobody whom the row reports."""
        path = self.units[at or self.unit_id][0]
        return self.cast.actor(part, path, self.reported, but)

    def hide(self, text: str) -> str:
        """The text without the complainant's name and phone, should an office have written them there too."""
        for secret in (self.row.complainant, self.row.phone):
            if secret and len(secret) > 1:
                text = text.replace(secret, "（举报人）")
        return text

    def _content(self) -> str:
        row = self.row
        facts = {
            "问题类别": row.problem,
            "台账编号": row.number,
            "承办单位": self.units[row.unit_id][1],
            "备注": row.remark,
        }
        lines = [row.summary or "（台账未记主要内容）", *(f"{name}：{text}" for name, text in facts.items() if text)]
        return self.hide("\n".join([*lines, self.source]))

    def _reported(self, name: str) -> dict[str, Any]:
        row = self.row
        texts = {"post": self.hide(row.reported_post or ""), "unit_text": self.hide(row.reported_unit_text or "")}
        return {"name": name, "unit": self.reported_unit, **texts}


def next_step(case: Case, state: str) -> Step | None:
    """The next thing that the ledger says was done to a petition in this state; None where it says no more."""
    make = _NEXT.get(state)
    return make(case) if make else None


def _screen(case: Case) -> Step:
    registrar = case.act("registrar")
    if not case.row.out_of_scope:
        return Step("accept", registrar, case.assigned_on, {"note": case.source})
    refusal = {"ground": "out_of_scope", "reason": case.source, "receiving_organ": "党委、政府信访部门"}
    return Step("refuse", registrar, case.assigned_on, refusal)


def _hand_over(case: Case) -> Step | None:
    """Only where nobody has to be told: that the complainant was, no ledger says."""
    if case.row.ended_on is None or not case.row.anonymous:
        return None
    handing = {"handed_on": case.row.ended_on.isoformat(), "receipt": case.source}
    return Step("hand_over", case.act("registrar"), case.row.ended_on, handing)


def _propose(case: Case) -> Step | None:
    """With the ledger's disposition. Without one an ended petition counts as concluded, an open one waits for it."""
    row = case.row
    if row.disposition is None and row.ended_on is None:
        return None
    silent = "" if row.disposition else "；台账未记处置方式，按已办结登记"
    proposal = {
        "disposition": row.disposition or "closed", "petition_class": row.petition_class, "class_reason": case.source,
        "given_due": row.due_on.isoformat() if row.due_on and row.petition_class == "date_given" else None,
        "handler_unit": row.unit_id, "opinion": f"{case.source}{silent}",
    }  # fmt: skip
    return Step("propose", case.act("registrar"), case.assigned_on, proposal)


def _approve(case: Case) -> Step:
    return Step("approve", _approver(case), case.assigned_on, {"note": case.source})


def _record_reply(case: Case) -> Step | None:
    if case.row.ended_on is None:
        return None
    reply = {
        "mode": "letter", "replied_on": case.row.ended_on.isoformat(), "no_problem": False,
        "content": f"{case.source}；台账未记回复内容",
    }  # fmt: skip
    return Step("record_reply", case.act("handler", at=case.row.unit_id), case.row.ended_on, reply)


def _complete(case: Case) -> Step | None:
    row = case.row
    if row.ended_on is None:
        return None
    handler = case.act("handler", at=row.unit_id)
    summary = f"{case.source}；台账未记办理结果"
    team: list[int] = []
    if row.disposition == "preliminary_verification" and handler.id is not None:
        team = case.cast.enlist("team", case.cast.team(case.units[row.unit_id][0], handler.id, case.reported))
        summary += "；核查人员台账未记，按承办单位在岗人员登记"
    done = {"result": "not_recorded", "finished_on": row.ended_on.isoformat(), "summary": summary, "team": team}
    return Step("complete", handler, row.ended_on, done)


def _pass_recheck(case: Case) -> Step | None:
    row = case.row
    if row.ended_on is None:
        return None
    path = case.units[row.unit_id][0]
    handler = case.act("handler", at=row.unit_id).id
    team = frozenset(case.cast.team(path, handler, case.reported) if handler is not None else ())
    members = case.cast.enlist("rechecker", case.cast.able("rechecker", path, case.reported, team)[:2])
    opinion = f"{case.source}；复核情况台账未记，按在岗复核人员登记"
    return Step(
        "pass_recheck",
        case.act("rechecker", at=row.unit_id, but=team),
        row.ended_on,
        {"members": members, "opinion": opinion},
    )


def _close_held(case: Case) -> Step | None:
    if case.row.ended_on is None:
        return None
    return Step("close_held", _approver(case), case.row.ended_on, {"reason": case.source})


def _approver(case: Case) -> Actor:
    proposer = case.act("registrar").id
    return case.act("approver", but=frozenset({proposer} if proposer else ()))


_NEXT: dict[str, Callable[[Case], Step | None]] = {
    State.REGISTERED: _screen,
    State.REFUSED: _hand_over,
    State.TRIAGE: _propose,
    State.APPROVAL: _approve,
    State.INQUIRY: _record_reply,
    State.HANDLING: _complete,
    State.RECHECK: _pass_recheck,
    State.HELD: _close_held,
}
