"""督查看板: how much is open, late and due soon, who answers for it, and which escalations nobody has acknowledged."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Query, Request, Response

from config.calendar import local_date
from services.db.errors import DubanError
from services.engine.acknowledging import acknowledge, waiting_for
from services.engine.queries import Page, unacknowledged_rungs
from services.engine.queries.attribution import Window
from services.engine.queries.board import count_unacknowledged
from services.engine.queries.paging import MOST, id_cursor, read_id
from services.engine.queries.responsibility import late_lines
from services.identity.units import get_unit
from services.web import boards, choices
from services.web.boards import HANDFUL, Scope
from services.web.calls import Call
from services.web.forgery import Visitor
from services.web.pages.flows import STATES, row_of
from services.web.periods import CHOICES
from services.web.rendering import done, render, wants_fragment
from services.web.trends import HEIGHT, WIDTH

router = APIRouter()
Id = Annotated[int, Path(ge=1, le=2**63 - 1)]
Asked = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]
Note = Annotated[str, Form(max_length=500, pattern=r"^[^\x00]*$")]
_PAGE = 30
_REASONS_SHOWN = 3


@dataclass(frozen=True)
class Ask:
    """The parts of the board's address."""

    period: Asked = ""
    first: Annotated[str, Query(max_length=20, alias="from")] = ""
    last: Annotated[str, Query(max_length=20, alias="to")] = ""
    unit: Asked = ""

    def scope(self, call: Call) -> Scope:
        return boards.read_scope(call.now, self.period, self.first, self.last, self.unit)


Asks = Annotated[Ask, Depends()]


@router.get("/board")
def show(request: Request, call: Visitor, ask: Asks) -> Response:
    """The board; for htmx what lies below its filters."""
    scope = ask.scope(call)
    with call.read() as session:
        board = boards.show_board(session, call, scope)
        units = choices.units(session, call)
        runs = None if board.runs is None else [
            (key, flow, run and row_of(run)) for key, flow, run in boards.flow_rows(board.runs)
        ]  # fmt: skip
    answer = render(
        request, call, "board/page.html", fragment="board/body.html", board=board, scope=scope, units=units, runs=runs,
        periods=CHOICES, box=(WIDTH, HEIGHT), cell_address=boards.cell_address, shade=boards.shade,
        share_addresses=boards.share_addresses, states=STATES, handful=HANDFUL, now_day=local_date(call.now),
    )  # fmt: skip
    if wants_fragment(request):
        answer.headers["HX-Push-Url"] = scope.board()
    return answer


@router.get("/board/units/{unit_id:int}")
def show_late_days(request: Request, call: Visitor, unit_id: Id, ask: Asks) -> Response:
    """The drawer of one unit: what its late days are made of."""
    scope = ask.scope(call)
    days = Window(scope.period.first, scope.period.last)
    with call.read() as session:
        unit = get_unit(session, unit_id)
        lines = late_lines(session, call.engine, call.actor, call.now, unit_id, days, scope.only())
        name = unit.name
    template = "board/late.html"
    return render(request, call, template, fragment=template, name=name, lines=lines, period=scope.period)


@router.get("/board/rungs")
def list_rungs(request: Request, call: Visitor, whose: Asked = "", cursor: Asked = "") -> Response:
    """Every reminder and escalation not acknowledged: those that wait for oneself, or all of them."""
    with call.read() as session:
        seen = session, call.engine, call.actor
        mine = {rung.id for rung in waiting_for(*seen, call.now, MOST)}
        whose = whose if whose in ("mine", "all") else ("mine" if mine else "all")
        if whose == "all":
            page = unacknowledged_rungs(*seen, cursor=cursor or None, limit=_PAGE)
        else:
            waiting = waiting_for(*seen, call.now, _PAGE + 1, read_id(cursor) if cursor else 0)
            page = Page(waiting[:_PAGE], id_cursor(waiting[_PAGE - 1].id) if len(waiting) > _PAGE else None)
        total = count_unacknowledged(*seen)
    lines = [boards.line_of(call, rung) for rung in page.rows]
    return render(
        request, call, "board/rungs.html", fragment="board/rungs_list.html", lines=lines, mine=mine, whose=whose,
        total=total, cursor=cursor, following=page.next, most=MOST,
    )  # fmt: skip


@router.get("/board/acknowledge")
def ask_to_acknowledge(
    request: Request, call: Visitor, rungs: Annotated[list[int], Query(max_length=MOST)]
) -> Response:
    """The dialog of 确认知悉, with place for a note; for one or several."""
    template = "board/acknowledge.html"
    return render(request, call, template, fragment=template, rungs=rungs)


@router.post("/board/acknowledge")
def acknowledge_rungs(call: Visitor, rungs: Annotated[list[int], Form(max_length=MOST)], note: Note = "") -> Response:
    """确认知悉, by name and once; each by itself, so that what one refuses keeps no other waiting."""
    refused = list(_refused(call, rungs, note.strip()))
    did = len(rungs) - len(refused)
    if len(rungs) == 1 and refused:
        raise refused[0]
    if not refused:
        text = "已确认知悉" if did == 1 else f"已确认知悉 {did} 条"
        return done(text, refresh=True, counted=True, close=True)
    reasons = "；".join(dict.fromkeys(refusal.zh for refusal in refused[:_REASONS_SHOWN]))
    return done(
        f"已确认 {did} 条，{len(refused)} 条未能确认。{reasons}", bad=True, refresh=True, counted=True, close=True
    )


def _refused(call: Call, rungs: Iterable[int], note: str) -> Iterable[DubanError]:
    for rung_id in rungs:
        try:
            with call.write() as session:
                acknowledge(session, call.engine, rung_id, call.actor, call.now, note)
        except DubanError as refusal:
            yield refusal
