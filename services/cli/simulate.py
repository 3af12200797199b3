"""`duban simulate`: runs an invented county through simulated time, and says what came of it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from services.cli.edge import AsJson, progress, report, table
from services.cli.refusals import BadArgument

COUNTS = ("opened", "closed", "open", "overdue", "late")


def simulate(
    first: Annotated[str, typer.Option("--from", help="The first day.")] = "2016-01-01",
    last: Annotated[str, typer.Option("--to", help="The last day.")] = "2016-12-31",
    units: Annotated[int, typer.Option(min=3, max=200, help="Townships, departments and villages together.")] = 30,
    seed: Annotated[int, typer.Option(help="The same seed gives the same journals, on any database.")] = 7,
    procedures: Annotated[
        str | None, typer.Option(help="Only these come in from outside, e.g. petition,clue. Default: all.")
    ] = None,
    rate: Annotated[float, typer.Option(min=0, help="How many times the usual number comes in.")] = 1,
    keep: Annotated[
        Path | None, typer.Option(help="Keep database, keys and files in this new folder; DUBAN_HOME can name it.")
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="An empty database's URL. Default: SQLite in the run's own folder.")
    ] = None,
    pack: Annotated[str, typer.Option(envvar="DUBAN_PACK", help="Policy pack to work under.")] = "tongcheng",
    as_json: AsJson = False,
) -> None:
    """Run a county through the days: arrivals, obligations, votes, delays, escalations, on a database of its own."""
    from services.simulation.run import Order
    from services.simulation.run import simulate as run

    begins, ends = _day("--from", first), _day("--to", last)
    only = frozenset(procedures.split(",")) if procedures else None
    with _home(keep) as home, progress("days", (ends - begins).days + 1) as done:
        answer = run(Order(begins, ends, units, seed, pack, home, database, only, rate), done)
    report(answer, as_json, lambda console: _show(console, answer))


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadArgument(f'{option} "{text}" is no day; write it as 2016-01-01') from error


@contextmanager
def _home(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="duban-simulate-") as folder:
        yield Path(folder)


def _show(console: Console, answer: dict[str, Any]) -> None:
    title = f"{answer['units']} units from {answer['from']} to {answer['to']}, seed {answer['seed']}"
    rows = [(key, *(counts[name] for name in COUNTS)) for key, counts in answer["procedures"].items()]
    console.print(table("Procedure", *COUNTS, rows=rows, title=title))
    for name in ("rungs", "refusals", "stuck", "failures"):
        if answer[name]:
            console.print(table(name.capitalize(), "Times", rows=answer[name].items()))
    scores = [(item, state, count) for item, states in answer["scores"].items() for state, count in states.items()]
    if scores:
        console.print(table("Score item", "State", "Entries", rows=scores))
    console.print(f"{answer['entries']} journal entries, {answer['cpu_seconds']} s of CPU, digest {answer['digest']}")
