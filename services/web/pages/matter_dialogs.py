"""The dialogs of a matter's page: dates explained, what is sealed, 催办, 抄送, escalations acknowledged."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from services.db.errors import DubanError
from services.engine.acknowledging import acknowledge
from services.engine.errors import InvalidAnswers, MatterNotFound, NotPermitted
from services.engine.queries import explain_clock
from services.engine.sealed import open_sealed
from services.engine.visibility import find_visible
from services.engine.work import copy_to, urge
from services.web.calls import Call
from services.web.forgery import Visitor
from services.web.forms.pickers import names_of
from services.web.matters import unsealed
from services.web.pages.matters import Id, Name
from services.web.rendering import done, render
from services.web.rules import basis_of

router = APIRouter(prefix="/matters")
Words = Annotated[str, Form(max_length=2000, pattern=r"^[^\x00]*$")]


@router.get("/{matter_id:int}/clocks/{clock_id:int}")
def explain(request: Request, call: Visitor, matter_id: Id, clock_id: Id) -> Response:
    """The dialog that says how a date came about."""
    with call.read() as session:
        told = explain_clock(session, call.engine, call.actor, clock_id, call.now)
    if told.matter_id != matter_id:
        raise MatterNotFound
    return _fragment(request, call, "matter/clock.html", told=told, basis=basis_of(told.clock.source))


@router.get("/{matter_id:int}/sealed/{name}")
def ask_purpose(request: Request, call: Visitor, matter_id: Id, name: Name) -> Response:
    """The dialog that asks what for."""
    with call.read() as session:
        find_visible(session, call.engine, call.actor, matter_id)
    return _seal(request, call, matter_id, name)


@router.post("/{matter_id:int}/sealed/{name}")
def show_sealed(request: Request, call: Visitor, matter_id: Id, name: Name, purpose: Words = "") -> Response:
    """Show it this once; who looked and what for is on record before."""
    try:
        with call.write() as session:
            content = open_sealed(session, call.engine, matter_id, name, call.actor, purpose, call.now)
            told = unsealed(session, call, matter_id, name, content)
    except InvalidAnswers as error:
        return _seal(request, call, matter_id, name, purpose=purpose, wrong=error.extra["errors"][0]["zh"], status=422)
    except NotPermitted as error:
        return _seal(request, call, matter_id, name, purpose=purpose, refusal=error.zh, status=409)
    answer = _fragment(request, call, "matter/unsealed.html", told=told, purpose=purpose)
    answer.headers["HX-Trigger-After-Settle"] = '{"duban:noted": true}'
    return answer


@router.get("/{matter_id:int}/urge")
def ask_to_urge(request: Request, call: Visitor, matter_id: Id) -> Response:
    """The dialog of 催办."""
    with call.read() as session:
        row = find_visible(session, call.engine, call.actor, matter_id)
    return _fragment(request, call, "matter/urge.html", matter_id=matter_id, number=row["number"], text="", wrong="")


@router.post("/{matter_id:int}/urge")
def urge_it(request: Request, call: Visitor, matter_id: Id, text: Words = "") -> Response:
    """催办: press whoever it waits for."""
    try:
        with call.write() as session:
            told = urge(session, call.engine, matter_id, call.actor, text, call.now)
    except InvalidAnswers as error:
        return _fragment(
            request, call, "matter/urge.html", status=422, matter_id=matter_id, number="", text=text,
            wrong=error.extra["errors"][0]["zh"],
        )  # fmt: skip
    return done(f"已催办 {len(told)} 人", close=True, noted=True)


@router.get("/{matter_id:int}/copy")
def ask_to_copy(request: Request, call: Visitor, matter_id: Id) -> Response:
    """The dialog of 抄送."""
    with call.read() as session:
        find_visible(session, call.engine, call.actor, matter_id)
    return _copy(request, call, matter_id)


@router.post("/{matter_id:int}/copy")
def copy_it(request: Request, call: Visitor, matter_id: Id, to: Words = "", note: Words = "") -> Response:
    """抄送: draw somebody's attention to it."""
    if not (to.isascii() and to.isdecimal() and len(to) < 19):
        return _copy(request, call, matter_id, note=note, wrong="请选择抄送对象", status=422)
    try:
        with call.write() as session:
            copy_to(session, call.engine, matter_id, call.actor, int(to), note, call.now)
    except MatterNotFound:
        raise
    except DubanError as error:
        return _copy(request, call, matter_id, to=to, note=note, wrong=error.zh, status=422)
    return done("已抄送", close=True, noted=True)


@router.post("/{matter_id:int}/rungs/{rung_id:int}/acknowledge")
def acknowledge_it(call: Visitor, matter_id: Id, rung_id: Id) -> Response:
    """确认知悉: answer for an escalation by name."""
    with call.read() as session:
        find_visible(session, call.engine, call.actor, matter_id)
    with call.write() as session:
        acknowledge(session, call.engine, rung_id, call.actor, call.now)
    return done("已确认知悉", noted=True, counted=True)


def _seal(
    request: Request, call: Call, matter_id: int, name: str, *, purpose: str = "", wrong: str = "", refusal: str = "",
    status: int = 200,
) -> Response:  # fmt: skip
    return _fragment(
        request, call, "matter/seal.html", status=status, matter_id=matter_id, name=name, purpose=purpose,
        wrong=wrong, refusal=refusal,
    )  # fmt: skip


def _copy(
    request: Request, call: Call, matter_id: int, *, to: str = "", note: str = "", wrong: str = "", status: int = 200
) -> Response:
    with call.read() as session:
        names = names_of(session, call, {"person": {int(to)} if to else ()})
    return _fragment(
        request, call, "matter/copy.html", status=status, matter_id=matter_id, to=to, note=note, wrong=wrong,
        names=names,
    )  # fmt: skip


def _fragment(request: Request, call: Call, template: str, *, status: int = 200, **values: Any) -> Response:
    return render(request, call, template, fragment=template, status=status, **values)
