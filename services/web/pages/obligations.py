"""定期事项: what recurs by rule for each unit: opened, waived with a reason, or not seen to yet."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from config.calendar import local_date
from services.db.errors import DubanError
from services.engine.obligations import waive_obligation
from services.engine.queries.obligations import ObligationView, list_obligations
from services.web import choices
from services.web.calls import Call
from services.web.forgery import Visitor
from services.web.rendering import done, render

router = APIRouter()
Asked = Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$")]
Given = Annotated[str, Form(max_length=100, pattern=r"^[^\x00]*$")]
Words = Annotated[str, Form(max_length=2000, pattern=r"^[^\x00]*$")]
STATUSES = {"opened": "已开办", "waived": "已免除", "missing": "待开办", "failed": "未能开办"}
PAGE = 50


@router.get("/obligations")
def show(
    request: Request, call: Visitor, procedure: Asked = "", unit: Asked = "", status: Asked = "", year: Asked = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> Response:  # fmt: skip
    """The obligations of a year, the latest period first."""
    shown = int(year) if year.isascii() and year.isdecimal() and len(year) == 4 else local_date(call.now).year
    found = [v for v in _find(call, procedure, unit, date(shown, 1, 1)) if v.first.year == shown]
    found = [view for view in found if status in ("", view.status)]
    given = {"procedure": procedure, "unit": unit, "status": status, "year": year}
    with call.read() as session:
        units = choices.units(session, call)
    return render(
        request, call, "obligations/page.html", fragment="obligations/list.html", statuses=STATUSES, year=shown,
        rows=found[(page - 1) * PAGE : page * PAGE], total=len(found), page=page, more=len(found) > page * PAGE,
        procedures=_recurring(call), units=units, address={k: v for k, v in given.items() if v},
        may_waive="county_office" in {grant.role for grant in call.actor.grants},
    )  # fmt: skip


@router.get("/obligations/waive")
def ask(
    request: Request, call: Visitor, procedure: Asked, name: Asked, period: Asked, unit: Asked, person: Asked = ""
) -> Response:
    """The dialog of 免除: why this one does not apply to this unit this time."""
    return _dialog(request, call, [procedure, name, period, unit, person])


@router.post("/obligations/waive")
def waive(
    request: Request, call: Visitor, procedure: Given, name: Given, period: Given, unit: Given, person: Given = "",
    reason: Words = "",
) -> Response:  # fmt: skip
    """免除."""
    which = [procedure, name, period, unit, person]
    if not reason.strip():
        return _dialog(request, call, which, wrong="请填写免除理由", status=422)
    try:
        with call.write() as session:
            waive_obligation(
                session, call.engine, procedure, name, period, _number(unit), call.actor, reason, call.now,
                person_id=_number(person) or None,
            )  # fmt: skip
    except DubanError as error:
        return _dialog(request, call, which, reason=reason, wrong=error.zh, status=409)
    return done("已免除，理由已记录", close=True, refresh=True)


def _find(call: Call, procedure: str, unit: str, since: date) -> list[ObligationView]:
    with call.read() as session:
        return list_obligations(
            session, call.engine, call.actor, call.now, since=since, procedure=procedure or None,
            unit_id=_number(unit) or None,
        )  # fmt: skip


def _recurring(call: Call) -> list[choices.Choice]:
    registry, today = call.engine.registry, local_date(call.now)
    recurring = {key for key in registry.procedures if registry.current(key, today).policy.obligations}
    return [choice for choice in choices.procedures(call) if choice.value in recurring]


def _dialog(
    request: Request, call: Call, which: list[str], *, reason: str = "", wrong: str = "", status: int = 200
) -> Response:
    names = ("procedure", "name", "period", "unit", "person")
    return render(
        request, call, "obligations/waive.html", fragment="obligations/waive.html", status=status,
        which=dict(zip(names, which, strict=True)), reason=reason, wrong=wrong,
    )  # fmt: skip


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
