"""Matters: search, open, look at."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from services.api.shapes import (
    Answers,
    Cursor,
    Day,
    Id,
    IdempotencyKey,
    Limit,
    Listed,
    Name,
    Sent,
    Shown,
    Words,
    etag_of,
)
from services.db.together import ask_along
from services.engine.looking import look
from services.engine.opening import open_matter
from services.engine.queries.details import LinkView, MatterView, details_asked, get_matter, links
from services.engine.queries.explaining import Explanation, explain_clocks
from services.engine.queries.history import EntryView, timeline
from services.engine.queries.matters import MatterFilters, MatterRow, list_matters
from services.http.calls import Reading, Registering
from services.http.threads import InOneThread
from services.identity.units import get_unit

router = APIRouter(prefix="/matters", tags=["matters"], route_class=InOneThread)


class NewMatter(Sent):
    procedure: Name
    unit_id: Id
    answers: Answers


class OpenedMatter(Shown):
    """`receipt_code` is shown this once: hand it to the complainant. Null where the procedure gives none."""

    matter_id: int
    number: str
    state: str
    receipt_code: str | None


async def read_filters(
    procedure: Annotated[Words | None, Query()] = None,
    state: Annotated[Words | None, Query()] = None,
    unit: Annotated[Id | None, Query(description="this unit and all below it")] = None,
    status: Annotated[Literal["open", "closed", "overdue"] | None, Query()] = None,
    light: Annotated[Literal["red", "yellow", "green", "grey"] | None, Query()] = None,
    level: Annotated[int | None, Query(ge=0, le=1000, description="escalated at least this often")] = None,
    due_from: Annotated[Day | None, Query()] = None,
    due_to: Annotated[Day | None, Query()] = None,
    event_from: Annotated[Day | None, Query()] = None,
    event_to: Annotated[Day | None, Query()] = None,
    q: Annotated[Words | None, Query(description="part of the title or the number")] = None,
) -> MatterFilters:
    return MatterFilters(
        procedure, state, unit, status, light, level, due_from, due_to, event_from, event_to, q
    )  # fmt: skip


@router.get("")
def search_matters(
    call: Reading,
    filters: Annotated[MatterFilters, Depends(read_filters)],
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Listed[MatterRow]:
    """List the matters the caller may know of, the latest opened first."""
    with call.read() as session:
        page = list_matters(session, call.engine, call.actor, call.now, filters=filters, cursor=cursor, limit=limit)
    return Listed(items=page.rows, next=page.next)


@router.post("", status_code=201)
def register_matter(
    body: NewMatter, call: Registering, response: Response, idempotency_key: IdempotencyKey = None
) -> OpenedMatter:
    """Open a matter at a unit under the policy in force on the date of its event."""
    with call.write() as session:
        get_unit(session, body.unit_id)
        opened = open_matter(
            call.engine, session, body.procedure, body.answers, call.actor, call.now,
            unit_id=body.unit_id, request_key=idempotency_key,
        )  # fmt: skip
    response.headers["Location"] = f"/api/v1/matters/{opened.matter_id}"
    return OpenedMatter.model_validate(opened)


@router.get("/{matter_id}")
def show_matter(matter_id: Id, call: Reading, response: Response) -> MatterView:
    """Show one matter; its ETag is its version."""
    with call.read() as session:
        ask_along(session, *details_asked(call.engine, call.actor, matter_id))
        loaded = look(session, call.engine, call.actor, matter_id)
        shown = get_matter(session, call.engine, loaded, call.actor, call.now)
    response.headers["ETag"] = etag_of(shown.version)
    return shown


@router.get("/{matter_id}/timeline")
def show_timeline(
    matter_id: Id,
    call: Reading,
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Listed[EntryView]:
    """Show what happened to a matter, the latest first."""
    with call.read() as session:
        loaded = look(session, call.engine, call.actor, matter_id)
        page = timeline(session, loaded, call.actor, cursor=cursor, limit=limit)
    return Listed(items=page.rows, next=page.next)


@router.get("/{matter_id}/clocks")
def show_clocks(matter_id: Id, call: Reading) -> list[Explanation]:
    """Show every clock of a matter and, line by line, how its dates came about."""
    with call.read() as session:
        loaded = look(session, call.engine, call.actor, matter_id)
        return explain_clocks(call.engine, loaded, call.now)


@router.get("/{matter_id}/links")
def show_links(matter_id: Id, call: Reading) -> list[LinkView]:
    """Show the matters linked to this one that the caller may know of."""
    with call.read() as session:
        return links(session, call.engine, call.actor, matter_id)
