"""事项台账: every matter one may know of, filtered by the address, in columns of one's choice; and as a workbook."""

from collections.abc import Iterator, Mapping
from tempfile import TemporaryFile
from typing import IO, Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from config.calendar import local_date
from services.engine.queries import list_matters
from services.ledgers.asking import KEPT, LEVELS, STATUSES, Asking, read_asking
from services.ledgers.exports import (
    AT_ONCE,
    begin_export,
    cancel_export,
    count_asked,
    export_now,
    latest_export,
    open_export,
)
from services.ledgers.models import ExportState
from services.ledgers.showing import columns_for, values_of
from services.ledgers.views import default_view, list_views
from services.web import choices
from services.web.calls import Call
from services.web.exports import send_workbook
from services.web.forgery import Visitor
from services.web.rendering import render, wants_fragment

router = APIRouter()
Cursor = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]
ExportId = Annotated[int, Path(ge=1, le=2**63 - 1)]
LONGEST = 1000
ALL = "all"
"""In an address that asks for nothing else: really everything, not the view that one chose to begin with."""


def read_address(request: Request, call: Visitor) -> Asking:
    """Read the ledger's address; columns may be given one by one."""
    given: dict[str, str] = {}
    for name, text in request.query_params.multi_items():
        text = text[:LONGEST].replace("\x00", "")
        given[name] = f"{given[name]},{text}" if name == "cols" and name in given else text
    return read_asking(call.engine, given)


Asks = Annotated[Asking, Depends(read_address)]


@router.get("/ledger")
def show(request: Request, call: Visitor, asking: Asks, cursor: Cursor = "") -> Response:
    """The ledger; for htmx only the list, and the shortest address that shows it."""
    whole = not wants_fragment(request)
    with call.read() as session:
        if whole and not request.query_params and (chosen := default_view(session, call.actor)):
            return RedirectResponse(f"/ledger?{chosen.address}" if chosen.address else f"/ledger?{ALL}=1", 303)
        offered = columns_for(call.engine, asking.filters.procedure)
        page = list_matters(
            session, call.engine, call.actor, call.now, filters=asking.filters,
            only=asking.conditions(session, call.engine, call.actor, call.now), cursor=cursor or None,
        )  # fmt: skip
        shown = [offered[name] for name in asking.columns]
        cells = [
            dict(zip(asking.columns, values, strict=True))
            for values in values_of(session, call.engine, page.rows, shown)
        ]
        total = count_asked(session, call.engine, call.actor, asking, call.now)
        more = _around(session, call, asking) if whole else {}
    answer = render(
        request, call, "ledger/page.html", fragment="ledger/list.html", page=page, cells=cells, asking=asking,
        cursor=cursor, address=asking.address, total=total, at_once=AT_ONCE,
        titles={name: column.title for name, column in offered.items()}, **more,
    )  # fmt: skip
    if not whole:
        answer.headers["HX-Push-Url"] = asking.link("/ledger", **({"cursor": cursor} if cursor else {}))
        if not asking.address and not cursor:
            answer.headers["HX-Push-Url"] = f"/ledger?{ALL}=1"
    return answer


@router.get("/ledger/export")
def export(call: Visitor, asking: Asks) -> Response:
    """Exactly what the address filters, as a workbook; it lies in a file without a name until it is sent.

    What is too much for that is written aside, from the page.
    """
    with call.read() as session:
        total = count_asked(session, call.engine, call.actor, asking, call.now)
    if total > AT_ONCE:
        return RedirectResponse(asking.link("/ledger"), 303)
    file: IO[bytes] = TemporaryFile()  # noqa: SIM115  (closed once it is sent)
    export_now(call.service.runtime, call.engine, call.actor, asking, call.now, file)
    return _send(call, file)


@router.post("/ledger/exports")
def begin(request: Request, call: Visitor, asking: Asks) -> Response:
    """Have a large export written aside; the page then shows how far it is."""
    with call.read() as session:
        total = count_asked(session, call.engine, call.actor, asking, call.now)
    begin_export(call.service.runtime, call.engine, call.actor, asking, total, call.now)
    return show_progress(request, call)


@router.get("/ledger/exports")
def show_progress(request: Request, call: Visitor) -> Response:
    """How far one's latest large export is; the page asks every second while it is written."""
    with call.read() as session:
        latest = _progress(session, call)
    template = "ledger/progress.html"
    return render(request, call, template, fragment=template, export=latest)


@router.post("/ledger/exports/{export_id:int}/cancel")
def cancel(request: Request, call: Visitor, export_id: ExportId) -> Response:
    """Stop an export of one's own at its next batch."""
    with call.write() as session:
        cancel_export(session, call.actor, export_id, call.now)
    return show_progress(request, call)


@router.get("/ledger/exports/{export_id:int}")
def download(call: Visitor, export_id: ExportId) -> Response:
    """The file of one's own export."""
    with call.read() as session:
        file = open_export(call.service.runtime, session, call.actor, export_id, call.now)
    return _send(call, file)


def _around(session: Session, call: Call, asking: Asking) -> dict[str, Any]:
    """What stands around the list and is not swapped with it."""
    return {
        "units": choices.units(session, call), "statuses": STATUSES, "kept": KEPT, "levels": LEVELS,
        "procedures": choices.procedures(call), "states": choices.states(call),
        "views": [{"id": v.id, "name": v.name, "address": v.address, "default": v.default}
                  for v in list_views(session, call.actor)],
        "export": _progress(session, call), "chips": list(_chips(session, asking)),
    }  # fmt: skip


def _chips(session: Session, asking: Asking) -> Iterator[tuple[str, str, list[tuple[str, str]], str]]:
    """What the board narrowed the ledger to: (title, unit, fields, the address without it)."""
    for name, title, fields in (
        ("held", "经手单位", ("held",)), ("late_by", "责任超期单位", ("late_by", "late_from", "late_to")),
    ):  # fmt: skip
        if name in asking.address:
            unit = choices.unit_name(session, int(asking.address[name]))
            rest = Asking(asking.filters, (), {k: v for k, v in asking.address.items() if k not in fields})
            span = [asking.address[f] for f in fields[1:] if f in asking.address]
            said = f"{unit}（{' 至 '.join(span)}）" if span else unit
            yield title, said, [(f, asking.address[f]) for f in fields if f in asking.address], rest.link("/ledger")


def _progress(session: Session, call: Call) -> Mapping[str, Any] | None:
    if (latest := latest_export(session, call.actor, call.now)) is None:
        return None
    return {
        "id": latest.id, "state": ExportState(latest.state), "total": latest.total, "written": latest.written,
        "asked_at": latest.asked_at,
    }  # fmt: skip


def _send(call: Call, file: IO[bytes]) -> Response:
    return send_workbook(file, f"事项台账-{local_date(call.now).isoformat()}.xlsx")
