"""`python -m tests.soak`: mixed load on PostgreSQL with a fault every few seconds; the last line is JSON.

Exit code 1 if anything was lost, done twice or left half done, or the journal does not verify.
"""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.soak.soak import Plan, Run, forget, last_line, run


def main(
    minutes: Annotated[float, typer.Option(help="How long the load lasts.")] = 30,
    every: Annotated[float, typer.Option(help="Seconds between two faults.")] = 20,
    database: Annotated[str, typer.Option(help="postgres or sqlite.")] = "postgres",
    clients: Annotated[int, typer.Option(help="People at work at once.")] = 6,
    matters: Annotated[int, typer.Option(help="Petitions there are at the start.")] = 300,
    seed: Annotated[int, typer.Option(help="What is drawn by lot is drawn the same again.")] = 1,
) -> None:
    several = 2 if database == "postgres" else 1
    plan = Plan(minutes * 60, every, database, several, several, clients, matters, seed=seed)
    home, console = Path(tempfile.mkdtemp(prefix="duban-soak-")), Console(stderr=True)
    console.print(f"data and logs in {home}; setting up {matters} petitions")
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("starting", total=plan.seconds)

        def tell(made: Run) -> None:
            said = f"{made.desk.requests} requests, {sum(made.faults.values())} faults"
            bar.update(task, completed=made.elapsed, description=said)

        made = run(plan, home, tell)
    found = made.findings
    assert found is not None
    for trouble in (*found.lost, *found.twice, *found.half_moved, *made.fleet.ended_by_themselves):
        console.print(trouble, highlight=False)
    well = found.well and not made.fleet.ended_by_themselves and not made.desk.statuses["500"]
    if well:
        forget(home)
    sys.stdout.write(f"{last_line(made)}\n")
    raise typer.Exit(0 if well else 1)


typer.run(main)
