"""登记新事项: the opening form of every procedure that may be opened by hand; the receipt's code is shown once."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from services.db.errors import DubanError
from services.engine.errors import AlreadyPerformed, InvalidAnswers
from services.engine.opening import open_matter
from services.web.beginning import OpenForm, Opening, opening, openings, show_opening
from services.web.calls import Call
from services.web.forgery import Visitor
from services.web.forms.objections import Objections, read_objections
from services.web.forms.reading import Typed
from services.web.forms.sent import Sent, request_key, whole
from services.web.rendering import render

router = APIRouter(prefix="/matters/new")
Key = Annotated[str, Path(max_length=100, pattern=r"^[a-z][a-z0-9_]*$")]
UnitId = Annotated[str, Query(max_length=18, pattern=r"^[0-9]*$")]


@router.get("")
def choose(request: Request, call: Visitor) -> Response:
    """Which procedures this person may open."""
    with call.read() as session:
        offered = openings(session, call)
    return render(request, call, "matter/choose.html", offered=offered)


@router.get("/{procedure}")
def show(request: Request, call: Visitor, procedure: Key, unit: UnitId = "") -> Response:
    """The form; raises NotPermitted where this person may open none."""
    with call.read() as session:
        offer = opening(session, call, procedure)
        form = show_opening(session, call, offer, Typed.initial(offer.fields), unit=unit)
    return _answer(request, call, form, 200)


@router.post("/{procedure}")
def register(request: Request, call: Visitor, procedure: Key, sent: Sent) -> Response:
    """Open it; wrong or refused, the form comes back with everything in it."""
    with call.read() as session:
        offer = opening(session, call, procedure)
    typed, unit = Typed(sent, offer.fields), whole(sent, "unit")
    if unit is None or str(unit) not in {choice.value for choice in offer.units}:
        return _again(request, call, offer, typed, sent, Objections({"unit": "请选择登记单位"}))
    try:
        with call.write() as session:
            opened = open_matter(
                call.engine, session, procedure, typed.answers(offer.fields), call.actor, call.now,
                unit_id=unit, request_key=request_key(sent),
            )  # fmt: skip
    except InvalidAnswers as error:
        return _again(request, call, offer, typed, sent, read_objections(error.extra["errors"], offer.fields))
    except AlreadyPerformed as error:
        return _opened(request, call, offer, number="", matter_id=error.extra["matter_id"], code=None, told=error.zh)
    except DubanError as error:
        if error.status >= 500:
            raise
        return _again(request, call, offer, typed, sent, Objections(), error.zh, 409)
    return _opened(request, call, offer, number=opened.number, matter_id=opened.matter_id, code=opened.receipt_code)


def _again(
    request: Request, call: Call, offer: Opening, typed: Typed, sent: Sent, objections: Objections, refusal: str = "",
    status: int = 422,
) -> Response:  # fmt: skip
    unit = str(whole(sent, "unit") or "")
    with call.read() as session:
        form = show_opening(session, call, offer, typed, unit=unit, objections=objections, refusal=refusal)
    return _answer(request, call, form, status)


def _opened(
    request: Request, call: Call, offer: Opening, *, number: str, matter_id: int, code: str | None, told: str = ""
) -> Response:
    answer = render(
        request, call, "matter/opened.html", fragment="matter/opened.html", offer=offer, number=number,
        matter_id=matter_id, code=code, told=told,
    )  # fmt: skip
    answer.headers["HX-Trigger"] = f'{{"duban:performed": "new-{offer.key}", "duban:counted": true}}'
    return answer


def _answer(request: Request, call: Call, form: OpenForm, status: int) -> Response:
    return render(request, call, "matter/new.html", fragment="matter/opening.html", status=status, form=form)
