"""事项台账: every matter one may know of, filtered by the address, in columns of one's choice; and as a workbook."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from tempfile import TemporaryFile
from typing import IO, Annotated, Any
from urllib.parse import quote, urlencode

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import ColumnElement

from config.calendar import local_date
from services.engine.queries import MatterFilters, list_matters
from services.engine.queries.board import closed_between, ended_late, held_by
from services.ledgers.exporting import COLUMNS, export_matters
from services.web import choices
from services.web.forgery import Visitor
from services.web.rendering import render, wants_fragment

log = structlog.get_logger("ledger")
router = APIRouter()
Asked = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]
STATUSES = {
    "open": "在办", "overdue": "已超期", "soon": "即将到期", "suspended": "已中止", "closed": "已办结",
}  # fmt: skip
KEPT = {"on_time": "按期办结", "late": "曾有超期"}
USUAL = ("light", "title", "state", "unit", "due", "event")
_LIGHTS = {"soon": "yellow", "suspended": "grey"}
_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Asking:
    """What an address asks for; `address` is the same again without what was empty or unknown."""

    filters: MatterFilters
    only: list[ColumnElement[bool]]
    columns: tuple[str, ...]
    address: dict[str, str]

    def link(self, path: str) -> str:
        return f"{path}?{urlencode(self.address)}" if self.address else path


def read_asking(
    procedure: Asked = "", state: Asked = "", unit: Asked = "", own: Asked = "", status: Asked = "", kept: Asked = "",
    due_from: Asked = "", due_to: Asked = "", event_from: Asked = "", event_to: Asked = "",
    closed_from: Asked = "", closed_to: Asked = "", q: Asked = "",
    cols: Annotated[list[str], Query(max_length=40)] = [],  # noqa: B006
) -> Asking:  # fmt: skip
    """Read an address; what cannot be is as good as not asked for."""
    unit_id = int(unit) if unit.isascii() and unit.isdecimal() and len(unit) < 19 else None
    given = {"due_from": due_from, "due_to": due_to, "event_from": event_from, "event_to": event_to,
             "closed_from": closed_from, "closed_to": closed_to}  # fmt: skip
    days = {name: day for name, text in given.items() if (day := _day(text))}
    status, kept, q = status if status in STATUSES else "", kept if kept in KEPT else "", q.strip()
    alone = own == "1" and unit_id is not None
    columns = tuple(name for name in COLUMNS if name in _split(cols)) or USUAL
    filters = MatterFilters(
        procedure or None, state or None, None if alone else unit_id, None if status in _LIGHTS else status or None,
        _LIGHTS.get(status), None, days.get("due_from"), days.get("due_to"), days.get("event_from"),
        days.get("event_to"), q or None,
    )  # fmt: skip
    address = {
        "procedure": procedure, "state": state, "unit": str(unit_id or ""), "own": "1" if alone else "",
        "status": status, "kept": kept, **{name: day.isoformat() for name, day in days.items()}, "q": q,
        "cols": "" if columns == USUAL else ",".join(columns),
    }  # fmt: skip
    only = [held_by(unit_id)] if alone and unit_id else []
    only += [ended_late(late=kept == "late")] if kept else []
    if "closed_from" in days or "closed_to" in days:
        only.append(closed_between(days.get("closed_from"), days.get("closed_to")))
    return Asking(filters, only, columns, {name: text for name, text in address.items() if text})


Asks = Annotated[Asking, Depends(read_asking)]


@router.get("/ledger")
def show(request: Request, call: Visitor, asking: Asks, cursor: Asked = "") -> Response:
    """The ledger; for htmx only the list, and the shortest address that shows it."""
    with call.read() as session:
        page = list_matters(
            session, call.engine, call.actor, call.now,
            filters=asking.filters, only=asking.only, cursor=cursor or None,
        )  # fmt: skip
        offered: dict[str, Any] = {} if wants_fragment(request) else {"units": choices.units(session, call)}
    answer = render(
        request, call, "ledger/page.html", fragment="ledger/list.html", page=page, asking=asking, cursor=cursor,
        address=asking.address, titles={name: column.title for name, column in COLUMNS.items()}, statuses=STATUSES,
        kept=KEPT, procedures=choices.procedures(call), states=choices.states(call), **offered,
    )  # fmt: skip
    if wants_fragment(request):
        more = {"cursor": cursor} if cursor else {}
        answer.headers["HX-Push-Url"] = f"/ledger?{urlencode(asking.address | more)}".rstrip("?")
    return answer


@router.get("/ledger/export")
def export(call: Visitor, asking: Asks) -> Response:
    """Exactly what the address filters, as a workbook; it lies in a file without a name until it is sent."""
    file: IO[bytes] = TemporaryFile()  # noqa: SIM115  (closed once it is sent)
    with call.read() as session:
        rows = export_matters(
            session, call.engine, call.actor, call.now, file,
            columns=asking.columns, filters=asking.filters, only=asking.only,
        )  # fmt: skip
    log.info("ledger exported", by=call.actor.id, name=call.actor.name, rows=rows, **asking.address)
    size = file.tell()
    file.seek(0)
    name = quote(f"事项台账-{local_date(call.now).isoformat()}.xlsx")
    headers = {
        "Content-Disposition": f"attachment; filename=\"ledger.xlsx\"; filename*=UTF-8''{name}",
        "Content-Length": str(size),
    }
    return StreamingResponse(_chunks(file), media_type=_WORKBOOK, headers=headers)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1950 <= day.year <= 2099 else None


def _split(cols: list[str]) -> set[str]:
    return {name for text in cols for name in text.split(",")}
