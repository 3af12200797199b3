"""What can be done with a matter, and doing it. Apart from `matters`: nothing else is asked for as often."""

import re
from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field, StringConstraints

from services.api.shapes import Answers, Id, IdempotencyKey, Sent, Shown, Words, etag_of
from services.engine.looking import look
from services.engine.perform import perform
from services.engine.queries.actions import PossibleAction, possible_actions
from services.http.calls import Acting, Reading
from services.http.threads import InOneThread

router = APIRouter(prefix="/matters", tags=["matters"], route_class=InOneThread)

IfMatch = Annotated[
    Annotated[str, StringConstraints(max_length=30)] | None,
    Header(description='the ETag of the matter the caller looked at, such as "7"'),
]
Version = Annotated[Id | None, Field(description="the version the caller looked at; another one gets 409")]


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
    response.headers["ETag"] = etag_of(done.version)
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
