"""What the board shows, gathered; and the addresses of the lists behind its figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from config.calendar import local_date
from services.engine.acknowledging import waiting_for
from services.engine.queries import RungView
from services.engine.queries import board as figures
from services.engine.queries.attribution import Window
from services.engine.queries.heat import Cell, Span, UnitRow, heat_of_units, spans_around
from services.engine.queries.paging import MOST
from services.engine.queries.responsibility import Share, shares
from services.engine.visibility import in_subtree
from services.runs.health import Watch, watch
from services.runs.models import FlowRun
from services.runs.overview import FLOWS, latest_runs, may_watch
from services.web.calls import Call
from services.web.periods import Period, read_period
from services.web.rules import deeds_in_words, rung_in_words
from services.web.trends import Chart, line_chart

HANDFUL = 5


@dataclass(frozen=True)
class Scope:
    """What the board was narrowed to: the days, and a unit with all below it."""

    period: Period
    unit_id: int | None

    @property
    def address(self) -> dict[str, str]:
        return self.period.address | ({"unit": str(self.unit_id)} if self.unit_id else {})

    def only(self) -> list[Any]:
        return [in_subtree(self.unit_id)] if self.unit_id else []

    def ledger(self, **more: str) -> str:
        """An address of the ledger, within the unit."""
        unit = {"unit": str(self.unit_id)} if self.unit_id else {}
        return f"/ledger?{urlencode(unit | more)}"

    def board(self, **more: str) -> str:
        given = {name: text for name, text in (self.address | more).items() if text}
        return f"/board?{urlencode(given)}" if given else "/board"


@dataclass(frozen=True, slots=True)
class RungLine:
    """A rung that waits: when it fired on its ladder and what it did, in words."""

    rung: RungView
    when: str
    did: str


@dataclass(frozen=True)
class Board:
    """All figures of one moment."""

    load: figures.Load
    turnover: figures.Turnover
    units: list[figures.UnitLoad]
    spans: list[Span]
    heat: list[UnitRow]
    shares: list[Share]
    weeks: list[figures.Week]
    chart: Chart
    procedures: list[figures.ProcedureLoad]
    states: dict[str, list[figures.StateLoad]]
    waiting: int
    mine: list[RungLine]
    watch: Watch
    runs: dict[str, FlowRun] | None


def read_scope(now: datetime, period: str, first: str, last: str, unit: str) -> Scope:
    """Read an address; what cannot be is as good as not asked for."""
    unit_id = int(unit) if unit.isascii() and unit.isdecimal() and len(unit) < 19 else None
    return Scope(read_period(period, first, last, local_date(now)), unit_id)


def show_board(session: Session, call: Call, scope: Scope) -> Board:
    """Gather the figures that the caller may see."""
    seen, only = (session, call.engine, call.actor, call.now), scope.only()
    period, spans = scope.period, spans_around(call.now)
    weeks = figures.weeks_until(*seen, only=only)
    states: dict[str, list[figures.StateLoad]] = {}
    for found in figures.loads_of_states(*seen, *only):
        states.setdefault(found.procedure, []).append(found)
    return Board(
        figures.load_of_all(*seen, *only),
        figures.turnover(*seen[:3], period.first, period.last, *only),
        figures.loads_of_units(*seen, *only), spans, heat_of_units(*seen, spans, *only),
        shares(*seen, Window(period.first, period.last), only), weeks, _chart(weeks),
        figures.loads_of_procedures(*seen, *only), states,
        figures.count_unacknowledged(*seen[:3], *only),
        [line_of(call, rung) for rung in waiting_for(*seen, MOST)],
        watch(session, call.now), latest_runs(session) if may_watch(call.actor) else None,
    )  # fmt: skip


def line_of(call: Call, rung: RungView) -> RungLine:
    return RungLine(rung, rung_in_words(rung.rung), deeds_in_words(call.engine, rung.procedure, rung.did))


def cell_address(scope: Scope, row: UnitRow, span: Span) -> str:
    """The list behind a cell: what is open at this very unit and due in that span."""
    since = {"due_from": span.first.isoformat()} if span.first else {}
    own = {"unit": str(row.unit_id), "own": "1", "status": "open"}
    return scope.ledger(**own | since | {"due_to": span.last.isoformat()})


def shade(cell: Cell) -> str:
    """How a cell looks: late-1 to late-3 by how many are overdue, due where none is yet."""
    if cell.overdue:
        return "late-1" if cell.overdue <= 2 else "late-2" if cell.overdue <= 4 else "late-3"
    return "due" if cell.due else ""


def share_addresses(scope: Scope, share: Share) -> Mapping[str, str]:
    """The lists behind a unit's part: what was late there, what it handled, and what of that was late there."""
    unit, closed = str(share.unit_id), scope.period.within("closed")
    return {
        "late": scope.ledger(late_by=unit, **scope.period.within("late")),
        "handled": scope.ledger(held=unit, **closed),
        "at_fault": scope.ledger(late_by=unit, **closed),
    }


def flow_rows(runs: Mapping[str, FlowRun]) -> list[tuple[str, Any, FlowRun | None]]:
    return [(key, flow, runs.get(key)) for key, flow in FLOWS.items()]


def _chart(weeks: list[figures.Week]) -> Chart:
    return line_chart(
        [f"{week.monday.month}-{week.monday.day}" for week in weeks],
        [[week.opened for week in weeks], [week.closed for week in weeks]],
    )
