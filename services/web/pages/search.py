"""搜索: every matter one may know of, whether it waits for oneself or not."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from services.engine.queries import MatterFilters
from services.web import choices
from services.web.forgery import Visitor
from services.web.rendering import render, wants_fragment
from services.web.searching import Hits, search

router = APIRouter(prefix="/search")
Asked = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]
STATUSES = {"": "状态不限", "open": "在办", "overdue": "已超期", "closed": "已办结"}
AT_ONCE = 8


async def read_filters(q: Asked = "", procedure: Asked = "", status: Asked = "", unit: Asked = "") -> MatterFilters:
    """Filters from an address; what nobody offered is as good as not asked for. It waits for nothing: no thread."""
    unit_id = int(unit) if unit.isascii() and unit.isdecimal() and len(unit) < 19 else None
    return MatterFilters(
        q=q.strip() or None, procedure=procedure or None, status=status if status in STATUSES else None, unit_id=unit_id
    )


Filters = Annotated[MatterFilters, Depends(read_filters)]


@router.get("")
def show(request: Request, call: Visitor, filters: Filters, cursor: Asked = "") -> Response:
    """The page; for htmx what the filters change. Nothing is looked for before something is asked."""
    given = {"q": filters.q, "procedure": filters.procedure, "status": filters.status, "unit": filters.unit_id}
    address = {name: str(value) for name, value in given.items() if value}
    with call.read() as session:
        found = search(session, call, filters, cursor or None) if address else Hits([], None, "0")
        offered: dict[str, Any] = {} if wants_fragment(request) else {"units": choices.units(session, call)}
    return render(
        request, call, "search/page.html", fragment="search/list.html", found=found, filters=filters, address=address,
        cursor=cursor, procedures=choices.procedures(call), statuses=STATUSES, **offered,
    )  # fmt: skip


@router.get("/quick")
def show_first(request: Request, call: Visitor, q: Asked = "") -> Response:
    """The first hits, below the search box while somebody types."""
    found = Hits([], None, "0")
    if q.strip():
        with call.read() as session:
            found = search(session, call, MatterFilters(q=q.strip()), limit=AT_ONCE)
    return render(request, call, "search/quick.html", fragment="search/quick.html", found=found, q=q.strip())
