"""`duban sweep`, `duban clock explain`, `duban clock stuck` and `duban clock retry`."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from services.cli.edge import AsJson, clock_now, migrated_runtime, report, table

_STUCK = ("matter_id", "number", "clock", "why", "since", "again_at", "tries")
app = typer.Typer()


@app.callback()
def clock() -> None:
    """Periods running on matters."""


def sweep(
    as_of: Annotated[
        str | None, typer.Option(help="Sweep as if it were this instant, e.g. 2016-03-01T18:00 (Shanghai).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fire every rung whose day has come, once; sweeping again fires nothing twice.

    A sweep of now is on the record of runs, as one by hand.
    """
    from services.engine.sweep import sweep as sweep_now
    from services.runs.byhand import by_hand
    from services.runs.health import SWEEP
    from services.runs.timekeeping import trusted_now

    made = migrated_runtime()
    now = _instant(as_of) if as_of else trusted_now(made, clock_now())
    counts = sweep_now(made, now) if as_of else by_hand(made, SWEEP, lambda: sweep_now(made, now), now, clock_now)
    answer = {"as_of": now.isoformat(timespec="seconds"), **counts}
    rungs = [("rung " + rung, n) for rung, n in counts["by_rung"].items()]
    numbers = [(name, n) for name, n in counts.items() if name != "by_rung"]
    report(answer, as_json, lambda console: console.print(table("what", "number", rows=[*numbers, *rungs])))


@app.command()
def explain(clock_id: Annotated[int, typer.Argument(metavar="ID")], as_json: AsJson = False) -> None:
    """Say when a clock ends and why, step by step, and which rungs of its ladder fired."""
    from services.cli.explaining import explanation
    from services.engine.core import engine_for

    made = migrated_runtime()
    with made.database.read() as session:
        answer = explanation(engine_for(made), session, clock_id)
    report(answer, as_json, lambda console: _show(console, answer))


@app.command()
def stuck(as_json: AsJson = False) -> None:
    """List what the sweep could not serve and set aside: why, since when, and when it is tried again."""
    from services.engine.aside import list_aside

    made = migrated_runtime()
    with made.database.read() as session:
        answer = [asdict(row) for row in list_aside(session)]
    shown = table(*_STUCK, rows=[[row[name] for name in _STUCK] for row in answer])
    report(answer, as_json, lambda console: console.print(shown if answer else "nothing is set aside"))


@app.command()
def retry(
    matters: Annotated[list[int] | None, typer.Argument(metavar="[MATTER]...", help="Ids; none means all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let the next sweep try what was set aside, once its cause is mended; `duban sweep` does so at once."""
    from services.engine.aside import try_again

    made = migrated_runtime()
    with made.database.write() as session:
        tried = try_again(session, clock_now(), matters or None)
    report({"tried_again": tried}, as_json, lambda console: console.print(f"{tried} to be tried by the next sweep"))


@app.command(name="confirm")
def confirm_time(as_json: AsJson = False) -> None:
    """Say that this machine's clock is right where flows stand still because it seems wrong; they go on by it."""
    from services.runs.timekeeping import confirm

    made, now = migrated_runtime(), clock_now()
    with made.database.write() as session:
        confirm(session, now)
    at = now.isoformat(timespec="seconds")
    report({"confirmed": at}, as_json, lambda console: console.print(f"{at} is taken for right"))


def _show(console: Console, answer: dict[str, Any]) -> None:
    doubt = "" if answer["verified"] else ", not verified"
    due = answer["effective_due"] or "standing still"
    console.print(f"{answer['number']} {answer['matter_title']}")
    console.print(f"{answer['title']} ({answer['source']}{doubt}): {answer['state']}, budget {answer['budget']}")
    console.print(f"due {due} (nominal {answer['nominal_due']}){', provisional' if answer['provisional'] else ''}")
    steps = [(s["day"], s["kind"], s["zh"], s["en"]) for s in answer["steps"]]
    console.print(table("day", "step", "说明", "explanation", rows=steps))
    rungs = [(r["at"], ", ".join(r["do"]), r["fired_at"], r["acknowledged_at"]) for r in answer["ladder"]]
    console.print(table("rung", "what", "fired", "acknowledged", rows=rungs))


def _instant(text: str) -> datetime:
    """Read an ISO date or instant; without an offset it is Shanghai's."""
    from config.calendar import SHANGHAI
    from services.cli.refusals import BadArgument

    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadArgument(f'--as-of "{text}" is no instant; write it as 2016-03-01T18:00') from error
    return read if read.tzinfo else read.replace(tzinfo=SHANGHAI)
