"""我的待办: what waits for oneself; and claiming, urging and handing on, several at once."""

from collections.abc import Callable, Iterable
from tempfile import TemporaryFile
from typing import IO, Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.db.errors import DubanError
from services.db.together import ask_along
from services.engine.queries import MatterFilters, WorkFilters, WorkRow
from services.engine.work import claim, transfer, urge
from services.ledgers.asking import Asking
from services.ledgers.exports import export_now
from services.web import choices
from services.web.calls import Call, InOneThread
from services.web.exports import send_workbook
from services.web.forgery import Visitor
from services.web.lighting import LIGHTS
from services.web.rendering import done, frame, frame_asked, render, wants_fragment
from services.web.worklists import SORTS, URGENT, chosen, gather_found, show_worklist

router = APIRouter(route_class=InOneThread)
Asked = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]
Typed = Annotated[str, Form(max_length=2000, pattern=r"^[^\x00]*$")]
Items = Annotated[list[int], Form(max_length=200)]
Chosen = Annotated[tuple[int, ...], Query(max_length=200)]
EXPORTED = ("light", "number", "title", "procedure", "state", "unit", "due", "event")


async def read_filters(
    light: Asked = "", procedure: Asked = "", state: Asked = "", unit: Asked = "", claimed: Asked = "", q: Asked = ""
) -> WorkFilters:
    """Filters from an address; what nobody offered is as good as not asked for. It waits for nothing: no thread."""
    unit_id = int(unit) if unit.isascii() and unit.isdecimal() and len(unit) < 19 else None
    return WorkFilters(
        light if light in LIGHTS else "all", procedure or None, state or None, unit_id,
        claimed if claimed in ("mine", "unclaimed") else None, q.strip() or None,
    )  # fmt: skip


Filters = Annotated[WorkFilters, Depends(read_filters)]


@router.get("/worklist")
def show(request: Request, call: Visitor, filters: Filters, sort: Asked = "", cursor: Asked = "") -> Response:
    """The list; for htmx only what the filters change."""
    with call.read() as session:
        ask_along(session, *frame_asked(request, call))
        found = show_worklist(session, call, filters, sort, cursor or None)
        offered: dict[str, Any] = {} if wants_fragment(request) else {"units": choices.units(session, call)}
        offered |= frame(session, request, call)
    return render(
        request, call, "worklist/page.html", fragment="worklist/list.html", found=found, filters=filters,
        sort=sort if sort in SORTS else URGENT, sorts=SORTS, address=_address(filters, sort), cursor=cursor,
        procedures=choices.procedures(call), states=choices.states(call), **offered,
    )  # fmt: skip


@router.post("/worklist/claim")
def claim_items(request: Request, call: Visitor, items: Items) -> Response:
    """签收: take items for oneself."""

    def take(session: Session, row: WorkRow) -> None:
        claim(session, call.engine, row.item_id, call.actor, call.now)

    return _each(request, call, "签收", _rows(call, items), take)


@router.get("/worklist/urge")
def ask_what_to_urge(request: Request, call: Visitor, items: Annotated[list[int], Query(max_length=200)]) -> Response:
    """The dialog of 催办."""
    return _urge_dialog(request, call, _rows(call, items))


@router.post("/worklist/urge")
def urge_matters(request: Request, call: Visitor, items: Items, text: Typed = "") -> Response:
    """催办: press whoever the matters wait for."""
    rows = _rows(call, items)
    if not text.strip():
        return _urge_dialog(request, call, rows, "请填写催办内容")

    def press(session: Session, row: WorkRow) -> None:
        urge(session, call.engine, row.matter_id, call.actor, text, call.now)

    return _each(request, call, "催办", _one_a_matter(rows), press)


@router.get("/worklist/transfer")
def ask_whom_to_hand_on_to(
    request: Request, call: Visitor, items: Annotated[list[int], Query(max_length=200)]
) -> Response:
    """The dialog of 转办."""
    return _transfer_dialog(request, call, _rows(call, items))


@router.post("/worklist/transfer")
def transfer_items(request: Request, call: Visitor, items: Items, to: Typed = "", reason: Typed = "") -> Response:
    """转办: hand items on to somebody who holds their role."""
    rows = _rows(call, items)
    errors = {} if to.isdecimal() else {"to": "请选择接办人"}
    if not reason.strip():
        errors["reason"] = "请填写转办理由"
    if errors:
        return _transfer_dialog(request, call, rows, to=to, reason=reason, errors=errors)

    def hand_on(session: Session, row: WorkRow) -> None:
        transfer(session, call.engine, row.item_id, int(to), call.actor, reason, call.now)

    return _each(request, call, "转办", rows, hand_on)


@router.get("/worklist/export")
def export(call: Visitor, filters: Filters, items: Chosen = ()) -> Response:
    """A workbook of the matters chosen, or of all that the filters leave."""
    with call.read() as session:
        rows = chosen(session, call, set(items)) if items else gather_found(session, call, filters)
    asking = Asking(MatterFilters(ids=tuple({row.matter_id for row in rows})), EXPORTED, {"list": "worklist"})
    file: IO[bytes] = TemporaryFile()  # noqa: SIM115  (closed once it is sent)
    export_now(call.service.runtime, call.engine, call.actor, asking, call.now, file)
    return send_workbook(file, f"我的待办-{local_date(call.now).isoformat()}.xlsx")


def _urge_dialog(request: Request, call: Call, rows: list[WorkRow], error: str = "") -> Response:
    template, status = "worklist/urge.html", 422 if error else 200
    return render(request, call, template, fragment=template, status=status, rows=rows, error=error)


def _transfer_dialog(
    request: Request,
    call: Call,
    rows: list[WorkRow],
    *,
    to: str = "",
    reason: str = "",
    errors: dict[str, str] | None = None,
) -> Response:
    with call.read() as session:
        people = choices.receivers(session, call, rows)
    return render(
        request, call, "worklist/transfer.html", fragment="worklist/transfer.html", status=422 if errors else 200,
        rows=rows, people=people, to=to, reason=reason, errors=errors or {},
    )  # fmt: skip


def _rows(call: Call, items: Iterable[int]) -> list[WorkRow]:
    with call.read() as session:
        return chosen(session, call, set(items))


def _one_a_matter(rows: Iterable[WorkRow]) -> list[WorkRow]:
    return list({row.matter_id: row for row in rows}.values())


def _each(
    request: Request, call: Call, verb: str, rows: list[WorkRow], deed: Callable[[Session, WorkRow], None]
) -> Response:
    """Do it to each in a transaction of its own: what one refuses is no reason to keep the others waiting.

    If any of several refuses, a dialog says for each what became of it.
    """
    results = [(row, _attempt(call, row, deed)) for row in rows]
    refused = sum(bool(why) for _, why in results)
    if not rows:
        return done("所选事项已不在您的待办中，列表已更新", bad=True, refresh=True, counted=True)
    did = f"已{verb} {len(rows) - refused} 件"
    if not refused:
        return done(did, refresh=True, counted=True, close=True)
    short = f"{did}，{refused} 件未能{verb}"
    if len(results) == 1:
        return done(f"{short}：{results[0][1]}", bad=True, refresh=True, counted=True, close=True)
    told = done(short, bad=True, refresh=True, counted=True)
    template = "worklist/results.html"
    answer = render(request, call, template, fragment=template, verb=verb, results=results, refused=refused)
    answer.headers.update({"HX-Trigger": told.headers["HX-Trigger"], "HX-Retarget": "#dialog-body"})
    answer.headers["HX-Reswap"] = "innerHTML"
    return answer


def _attempt(call: Call, row: WorkRow, deed: Callable[[Session, WorkRow], None]) -> str:
    """Return why it was refused; nothing if it was done."""
    try:
        with call.write() as session:
            deed(session, row)
    except DubanError as refusal:
        return refusal.zh
    return ""


def _address(filters: WorkFilters, sort: str) -> dict[str, str]:
    """What stays in the address of the next page."""
    given = {
        "light": "" if filters.light == "all" else filters.light, "procedure": filters.procedure,
        "state": filters.state, "unit": filters.unit_id, "claimed": filters.claimed, "q": filters.q,
        "sort": sort if sort in SORTS and sort != URGENT else "",
    }  # fmt: skip
    return {name: str(value) for name, value in given.items() if value}
