"""`duban period`: when a period ends, and why."""

import json
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from config.calendar import CalendarOverrides, WorkingCalendar
from statemachines.kit.periods import Budget, Roll, compute_due

_ROLLS = ", ".join(Roll)


def period(
    anchor: Annotated[str, typer.Option(help="Day of the event, itself not counted, e.g. 2016-01-07.")],
    budget: Annotated[str, typer.Option(help='How long: "1 month", "60 day", "15 workday".')],
    roll: Annotated[
        str | None,
        typer.Option(help=f"When it ends on a rest day: {_ROLLS}. Default: what the pack says."),
    ] = None,
    pack: Annotated[str, typer.Option(envvar="DUBAN_PACK", help="Policy pack whose calendar is used.")] = "tongcheng",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say when a period ends, and why, step by step."""
    try:
        answer = _answer(anchor, budget, roll, pack)
    except ValueError as error:
        typer.echo(f"duban period: {' '.join(str(error).split())}", err=True)
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2, default=str))
    else:
        _print(answer)


def _answer(anchor: str, budget: str, roll: str | None, pack: str) -> dict[str, Any]:
    """Compute the period; ValueError, with what is wrong and how to mend it, for bad input."""
    day, length = _read_day(anchor), Budget.parse(budget)
    asked = _read_roll(roll) if roll is not None else None
    overrides, default_roll = _read_pack(pack)
    calendar = WorkingCalendar(overrides)
    chosen = asked or _read_roll(default_roll)
    rule = f"pack {pack}, calendar {calendar.version}"
    due = compute_due(day, length, calendar, roll=chosen, rule=rule)
    return {
        "anchor": day,
        "budget": str(length),
        "roll": str(chosen),
        "pack": pack,
        "calendar": calendar.version,
        "nominal_due": due.nominal,
        "effective_due": due.effective,
        "provisional": due.provisional,
        "steps": [asdict(step) for step in due.steps],
    }


def _read_pack(name: str) -> tuple[CalendarOverrides, str]:
    from config.packs import BadPack, load_pack  # other commands start without it

    try:
        pack = load_pack(name)
    except BadPack as error:
        raise ValueError(f"{error}; name a pack with --pack or DUBAN_PACK") from error
    return pack.calendar, pack.default_roll


def _read_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f'--anchor "{text}" is not a date; write it as 2016-01-07') from error


def _read_roll(text: str) -> Roll:
    try:
        return Roll(text)
    except ValueError as error:
        raise ValueError(f'cannot roll by "{text}"; use one of {_ROLLS}') from error


def _print(answer: dict[str, Any]) -> None:
    due = f"due {answer['effective_due']} (nominal {answer['nominal_due']})"
    table = Table(title=f"{due}, provisional" if answer["provisional"] else due)
    for heading in ("Day", "Step", "说明", "Explanation"):
        table.add_column(heading, overflow="fold")
    for step in answer["steps"]:
        table.add_row(str(step["day"] or ""), step["kind"], step["zh"], step["en"])
    Console().print(table)
