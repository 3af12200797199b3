"""督查看板: how much is open, late and due soon, who holds it, and which escalations nobody has acknowledged."""

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Path, Query, Request, Response
from sqlalchemy.orm import Session

from services.engine.acknowledging import acknowledge, waiting_for
from services.engine.queries import RungView, unacknowledged_rungs
from services.engine.queries.board import (
    Year,
    load_of_all,
    loads_of_procedures,
    loads_of_units,
    weeks_until,
    year_of,
)
from services.engine.queries.paging import MOST
from services.web.calls import Call
from services.web.forgery import Visitor
from services.web.rendering import done, render, wants_fragment
from services.web.rules import deeds_in_words, rung_in_words
from services.web.trends import HEIGHT, WIDTH, line_chart

router = APIRouter()
RungId = Annotated[int, Path(ge=1, le=2**63 - 1)]
_RUNGS = 10


@dataclass(frozen=True, slots=True)
class RungLine:
    """A rung that waits: when it fired on its ladder and what it did, in words."""

    rung: RungView
    when: str
    did: str


@router.get("/board")
def show(request: Request, call: Visitor, cursor: Annotated[str, Query(max_length=200)] = "") -> Response:
    """The board; for htmx the list of rungs alone. Those that one may acknowledge oneself stand on top."""
    with call.read() as session:
        mine, rungs, following = _rungs(session, call, cursor or None)
        listed: dict[str, Any] = {"mine": mine, "rungs": rungs, "following": following, "cursor": cursor}
        if wants_fragment(request):
            return render(request, call, "board/rungs.html", fragment="board/rungs.html", **listed)
        seen = (session, call.engine, call.actor, call.now)
        load, year, weeks = load_of_all(*seen), year_of(*seen), weeks_until(*seen)
        units, procedures = loads_of_units(*seen), loads_of_procedures(*seen)
    chart = line_chart(
        [f"{week.monday.month}-{week.monday.day}" for week in weeks],
        [[week.opened for week in weeks], [week.closed for week in weeks]],
    )
    return render(
        request, call, "board/page.html", load=load, year=year, closed=_closed(year), weeks=weeks, chart=chart,
        box=(WIDTH, HEIGHT), units=units, procedures=procedures, **listed,
    )  # fmt: skip


@router.get("/board/rungs/{rung_id}")
def ask_to_acknowledge(request: Request, call: Visitor, rung_id: RungId) -> Response:
    """The dialog of 确认知悉, with place for a note."""
    template = "board/acknowledge.html"
    return render(request, call, template, fragment=template, rung_id=rung_id)


@router.post("/board/rungs/{rung_id}")
def acknowledge_rung(
    call: Visitor, rung_id: RungId, note: Annotated[str, Form(max_length=500, pattern=r"^[^\x00]*$")] = ""
) -> Response:
    """确认知悉, by name and once."""
    with call.write() as session:
        acknowledge(session, call.engine, rung_id, call.actor, call.now, note.strip())
    return done("已确认知悉", refresh=True, counted=True, close=True)


def _rungs(session: Session, call: Call, cursor: str | None) -> tuple[list[RungLine], list[RungLine], str | None]:
    page = unacknowledged_rungs(session, call.engine, call.actor, cursor=cursor, limit=_RUNGS)
    waiting = waiting_for(session, call.engine, call.actor, call.now, MOST)
    mine = {rung.id for rung in waiting}
    others = [_line(call, rung) for rung in page.rows if rung.id not in mine]
    return [_line(call, rung) for rung in waiting], others, page.next


def _line(call: Call, rung: RungView) -> RungLine:
    return RungLine(rung, rung_in_words(rung.rung), deeds_in_words(call.engine, rung.did))


def _closed(year: Year) -> dict[str, str]:
    """The ledger's addresses of what was closed this year: all of it, on time, late."""
    since = {"status": "closed", "closed_from": year.since.isoformat()}
    return {kept: f"/ledger?{urlencode(since | more)}" for kept, more in
            (("all", {}), ("on_time", {"kept": "on_time"}), ("late", {"kept": "late"}))}  # fmt: skip
