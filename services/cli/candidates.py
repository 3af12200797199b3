"""`duban candidates`: what rules propose for people to judge."""

from dataclasses import asdict
from typing import Annotated

import typer

from services.cli.edge import AsJson, clock_now, migrated_runtime, report, table
from services.cli.obligations import show_counts

_SHOWN = ("procedure", "number", "rule_title", "unit_name", "person_name", "grounds", "state", "opened_at")
app = typer.Typer(no_args_is_help=True)


@app.command(name="list")
def list_them(
    procedure: Annotated[str | None, typer.Option(help="Only this procedure.")] = None,
    still_open: Annotated[bool, typer.Option("--open", help="Only those that are not closed yet.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what was proposed, the latest first."""
    from services.engine.core import engine_for
    from services.engine.queries.candidates import list_candidates
    from services.identity.access import CLOCK

    made = migrated_runtime()
    with made.database.read() as session:
        found = list_candidates(session, engine_for(made), CLOCK, procedure=procedure, still_open=still_open)
    answer = [asdict(view) for view in found]
    rows = [[row[name] for name in _SHOWN] for row in answer]
    report(answer, as_json, lambda console: console.print(table(*_SHOWN, rows=rows)))


@app.command()
def propose(as_json: AsJson = False) -> None:
    """Propose what the rules find, once; doing it again proposes nothing twice."""
    from services.engine.candidates import propose_candidates

    answer = propose_candidates(migrated_runtime(), clock_now())
    report(answer, as_json, lambda console: show_counts(console, answer))
    if answer["failed"]:
        raise typer.Exit(1)
