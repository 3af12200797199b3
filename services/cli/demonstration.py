"""`duban demo load`."""

from typing import Annotated

import typer
from rich.console import Console

from services.cli.edge import AsJson, clock_now, progress, report, table

app = typer.Typer()


@app.callback()
def demo() -> None:
    """An invented county to try things on."""


@app.command()
def load(
    if_empty: Annotated[bool, typer.Option("--if-empty", help="Do nothing where there is any unit.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the database up to date and, if it is empty, fill it with an invented county: four months of petitions."""
    from services.demo import DAYS, demo_logins
    from services.demo import load as fill
    from services.migrations import upgrade
    from services.runtime import runtime

    made = runtime()
    upgrade(made.settings.database_url)
    with progress("working days walked", DAYS) as walked:
        answer = fill(made, clock_now(), if_empty=if_empty, progress=walked)
    logins = demo_logins(made) if answer["loaded"] else []
    shown = table("log-in", "password", "who", rows=logins)

    def show(console: Console) -> None:
        if not answer["loaded"]:
            console.print("there are units already: nothing loaded")
            return
        console.print(f"{answer['people']} people in {answer['units']} units, {answer['matters']} matters")
        console.print(shown)
        console.print(table("receipt code", "state it shows", rows=[(c, s) for s, c in answer["receipts"].items()]))

    report(answer, as_json, show)
