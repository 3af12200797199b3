"""`duban obligations`: what recurs by rule."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

import typer

from services.cli.edge import AsJson, clock_now, migrated_runtime, report, table

_SHOWN = ("procedure", "title", "period", "due", "unit_name", "person_name", "status", "number", "state", "reason")
app = typer.Typer(no_args_is_help=True)


@app.command(name="list")
def list_them(
    since: Annotated[str | None, typer.Option(help="Periods from this day on; default: this year's first.")] = None,
    procedure: Annotated[str | None, typer.Option(help="Only this procedure.")] = None,
    as_json: AsJson = False,
) -> None:
    """List per unit and period what was opened, waived or failed, and what is still missing."""
    from config.calendar import local_date
    from services.cli.refusals import BadArgument
    from services.engine.core import engine_for
    from services.engine.queries.obligations import list_obligations
    from services.identity.access import CLOCK

    now = clock_now()
    try:
        first = date.fromisoformat(since) if since else local_date(now).replace(month=1, day=1)
    except ValueError as error:
        raise BadArgument(f'--since "{since}" is no date; write it as 2016-03-01') from error
    made = migrated_runtime()
    with made.database.read() as session:
        found = list_obligations(session, engine_for(made), CLOCK, now, since=first, procedure=procedure)
    answer = [asdict(view) for view in found]
    rows = [[row[name] for name in _SHOWN] for row in answer]
    report(answer, as_json, lambda console: console.print(table(*_SHOWN, rows=rows)))


@app.command(name="open")
def open_them(as_json: AsJson = False) -> None:
    """Open what has fallen due, once; doing it again opens nothing twice."""
    from services.engine.obligations import open_obligations

    answer = open_obligations(migrated_runtime(), clock_now())
    report(answer, as_json, lambda console: show_counts(console, answer))
    if answer["failed"]:
        raise typer.Exit(1)


def show_counts(console: Any, answer: dict[str, Any]) -> None:
    """What a run did in numbers, and each failure with its reason."""
    numbers = [(name, n) for name, n in answer.items() if name != "failures"]
    console.print(table("what", "number", rows=numbers))
    for failure in answer["failures"]:
        console.print(f"failed: {', '.join(f'{name} {value}' for name, value in failure.items())}", markup=False)
