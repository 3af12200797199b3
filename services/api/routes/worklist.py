"""What waits for the caller."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from services.api.shapes import Cursor, Id, Limit, Listed, Words
from services.engine.queries.worklist import WorkFilters, WorkRow, light_counts, worklist
from services.http.calls import Reading
from services.http.threads import InOneThread

router = APIRouter(prefix="/worklist", tags=["worklist"], route_class=InOneThread)


async def read_filters(
    light: Annotated[Literal["red", "yellow", "green", "grey", "all"], Query()] = "all",
    procedure: Annotated[Words | None, Query()] = None,
    state: Annotated[Words | None, Query()] = None,
    unit: Annotated[Id | None, Query(description="this unit and all below it")] = None,
    claimed: Annotated[Literal["mine", "unclaimed"] | None, Query()] = None,
    q: Annotated[Words | None, Query(description="part of the title or the number")] = None,
) -> WorkFilters:
    return WorkFilters(light, procedure, state, unit, claimed, q)


Filters = Annotated[WorkFilters, Depends(read_filters)]


@router.get("")
def show_worklist(
    call: Reading,
    filters: Filters,
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Listed[WorkRow]:
    """List the open work items that are the caller's or wait for a role of his, the most urgent first."""
    with call.read() as session:
        page = worklist(session, call.engine, call.actor, call.now, filters=filters, cursor=cursor, limit=limit)
    return Listed(items=page.rows, next=page.next)


@router.get("/counts")
def count_worklist(call: Reading, filters: Filters) -> dict[str, str]:
    """Count those items per light: {"red": "12", …, "all": "1000+"}; the filter by light does not apply."""
    with call.read() as session:
        return light_counts(session, call.engine, call.actor, call.now, filters=filters)
