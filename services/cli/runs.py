"""`duban flows`: what ran by itself, and the deployments of several machines."""

import json
import subprocess
import sys
from typing import Annotated, Any

import typer

from services.cli.edge import AsJson, migrated_runtime, report, table

_SHOWN = ("id", "flow", "scheduled_for", "state", "via", "result", "error")
app = typer.Typer()


@app.callback()
def flows() -> None:
    """What runs by itself."""


@app.command()
def deploy(as_json: AsJson = False) -> None:
    """Make the Prefect deployments what flows/schedule.py says, and say what changed; several machines only."""
    from services.cli.refusals import OneMachine
    from services.runs.prefect_server import prefect_environ

    settings = migrated_runtime().settings
    if not settings.several_machines:
        raise OneMachine
    command = (sys.executable, "-m", "flows.deploying")
    made = subprocess.run(command, env=prefect_environ(settings), stdout=subprocess.PIPE, text=True, check=False)
    if made.returncode:
        raise typer.Exit(made.returncode)
    answer = json.loads(made.stdout)
    rows = [(each["flow"], each["change"], ", ".join(each.get("fields", ()))) for each in answer["deployments"]]
    paused = "".join(f"\npaused by people, which stays so: {flow}" for flow in answer["paused"])
    report(answer, as_json, lambda console: console.print(table("flow", "change", "fields", rows=rows), paused))


@app.command()
def runs(
    flow: Annotated[str | None, typer.Option(help="Only runs of this flow.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List runs of the flows, newest first, with what each did in numbers."""
    from services.runs.queries import list_runs

    made = migrated_runtime()
    with made.database.read() as session:
        answer = [_row(run) for run in list_runs(session, flow, limit)]
    rows = [[run[name] for name in _SHOWN] for run in answer]
    shown = table(*_SHOWN, rows=rows)
    report(answer, as_json, lambda console: console.print(shown))


def _row(run: Any) -> dict[str, Any]:
    return {column.name: getattr(run, column.name) for column in type(run).__table__.columns}
