"""Matters: search, open, look at, act."""

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field, StringConstraints

from services.api.shapes import Answers, Cursor, Day, Id, Limit, Listed, Name, Sent, Shown, Words
from services.engine.looking import look
from services.engine.opening import open_matter
from services.engine.perform import perform
from services.engine.queries.actions import PossibleAction, possible_actions
from services.engine.queries.details import LinkView, MatterView, get_matter, links
from services.engine.queries.explaining import Explanation, explain_clocks
from services.engine.queries.history import EntryView, timeline
from services.engine.queries.matters import MatterFilters, MatterRow, list_matters
from services.http.calls import Acting, Reading, Registering
from services.identity.units import get_unit

router = APIRouter(prefix="/matters", tags=["matters"])

IdempotencyKey = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,100}$")] | None,
    Header(description="the client's own key of this very request: a repeat changes nothing and gets 409"),
]
IfMatch = Annotated[
    Annotated[str, StringConstraints(max_length=30)] | None,
    Header(description='the ETag of the matter the caller looked at, such as "7"'),
]
Version = Annotated[Id | None, Field(description="the version the caller looked at; another one gets 409")]


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


class Deed(Sent):
    answers: Answers = Field(default_factory=dict)
    version: Version = None


class DeedDone(Shown):
    """Where the matter stands now, the journal's entry, and the ids of matters opened by it."""

    matter_id: int
    state: str
    version: int
    entry_seq: int
    opened: list[int]


def read_filters(
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
        loaded = look(session, call.engine, call.actor, matter_id)
        shown = get_matter(session, call.engine, loaded, call.actor, call.now)
    response.headers["ETag"] = _etag(shown.version)
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
        return explain_clocks(session, call.engine, loaded, call.now)


@router.get("/{matter_id}/links")
def show_links(matter_id: Id, call: Reading) -> list[LinkView]:
    """Show the matters linked to this one that the caller may know of."""
    with call.read() as session:
        return links(session, call.engine, call.actor, matter_id)


@router.get("/{matter_id}/actions")
def show_actions(matter_id: Id, call: Reading) -> list[PossibleAction]:
    """Show what can be done with a matter now, each with its form, and why the caller may not."""
    with call.read() as session:
        return possible_actions(look(session, call.engine, call.actor, matter_id), call.actor, call.now)


@router.post("/{matter_id}/actions/{action}")
def act(
    matter_id: Id,
    action: Words,
    body: Deed,
    call: Acting,
    response: Response,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> DeedDone:
    """Move a matter by one action: all of it happens, or nothing and the answer says why."""
    seen = body.version or version_of(if_match)
    with call.write() as session:
        done = perform(
            call.engine, session, matter_id, action, call.actor, body.answers, call.now,
            request_key=idempotency_key, seen_version=seen,
        )  # fmt: skip
    response.headers["ETag"] = _etag(done.version)
    return DeedDone.model_validate(done)


def version_of(if_match: str | None) -> int | None:
    """Read the version out of If-Match; raise RequestValidationError for anything that is no ETag of ours."""
    if if_match is None:
        return None
    found = re.fullmatch(r'"([1-9][0-9]{0,17})"', if_match)
    if found is None:
        wrong = {"loc": ("header", "If-Match"), "type": "etag", "msg": 'give the ETag of the matter, such as "7"'}
        raise RequestValidationError([wrong])
    return int(found[1])


def _etag(version: int) -> str:
    return f'"{version}"'
