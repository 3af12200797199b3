"""`duban scores compute`."""

from typing import Annotated, Any

import typer
from rich.console import Console

from services.cli.edge import AsJson, clock_now, migrated_runtime, report, table

app = typer.Typer()


@app.callback()
def scores() -> None:
    """Scores of units and people."""


@app.command()
def compute(
    period: Annotated[str, typer.Option(help="2016, 2016-H1, 2016-Q1 or 2016-03.")], as_json: AsJson = False
) -> None:
    """Compute a period from its counted entries, from scratch; keep what is new, and say what changed since.

    The same entries give the same digest; a card that differs from the one kept becomes a correction beside it.
    """
    from services.engine.core import engine_for
    from services.scoring.computing import compute as run

    made = migrated_runtime()
    with made.database.write() as session:
        answer = run(session, engine_for(made), period, None, clock_now())
    report(answer, as_json, lambda console: _show(console, answer))


def _show(console: Console, answer: dict[str, Any]) -> None:
    rows = [
        (c["unit_id"], c["person_id"] or None, c["figures"]["assessed"], c["figures"]["adjustments"],
         c["figures"]["total"], "veto" if c["figures"]["vetoed"] else None, f"{c['kind']} {c['number']}",
         len(c["changed"]["added"]) + len(c["changed"]["removed"]) if c["new"] else None, c["digest"][:12])
        for c in answer["cards"]
    ]  # fmt: skip
    headings = ("unit", "person", "assessed", "adjusted", "total", "veto", "card", "changed", "digest")
    console.print(table(*headings, rows=rows, title=f"{answer['period']} · digest {answer['digest'][:12]}"))
