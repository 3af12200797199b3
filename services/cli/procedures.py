"""`duban procedures`: what can be done, by whom, within which time, and what changed."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from services.cli.edge import AsJson, report, table
from services.cli.refusals import BadArgument

app = typer.Typer(no_args_is_help=True)
Pack = Annotated[str, typer.Option(envvar="DUBAN_PACK", help="Policy pack.")]
Key = Annotated[str, typer.Argument(metavar="PROCEDURE", help="Its key, e.g. petition.")]


@app.command(name="list")
def list_procedures(pack: Pack = "tongcheng", as_json: AsJson = False) -> None:
    """List the procedures with the days from which each version of their policies holds."""
    from services.engine.describing import read_pack

    registry = read_pack(pack)
    answer: list[dict[str, Any]] = [
        {"procedure": key, "title": made.title, "states": len(made.states), "actions": len(made.actions),
         "policies": [v.effective for v in registry.versions(key)]}
        for key, made in sorted(registry.procedures.items())
    ]  # fmt: skip
    rows = [(*list(row.values())[:-1], ", ".join(map(str, row["policies"]))) for row in answer]
    shown = table("procedure", "事项", "states", "actions", "policies in force from", rows=rows)
    report(answer, as_json, lambda console: console.print(shown))


@app.command()
def show(
    procedure: Key,
    pack: Pack = "tongcheng",
    on: Annotated[str | None, typer.Option(help="Day of the event, e.g. 2016-03-01; default: today.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell a procedure: states, actions (who may, when not, with which effects), clocks with ladders and sources."""
    from services.engine.describing import describe, describe_text, read_pack

    registry = read_pack(pack)
    _refuse_unknown(procedure, registry.procedures)
    definition = registry.current(procedure, _day(on))
    answer = describe(definition, registry.pack.roles)
    report(answer, as_json, lambda console: console.print(describe_text(answer), markup=False))


@app.command()
def diagram(
    procedure: Annotated[str | None, typer.Argument(metavar="[PROCEDURE]", help="Its key, e.g. petition.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Write a drawing to this file.")] = None,
    every: Annotated[Path | None, typer.Option("--all", help="Write <key>.svg and <key>.md of all here.")] = None,
    pack: Pack = "tongcheng",
) -> None:
    """Draw a procedure: Mermaid text on standard output, or an SVG file."""
    from services.engine.describing import read_pack
    from services.engine.diagram import mermaid, to_svg, write_all

    procedures = read_pack(pack).procedures
    if every is not None:
        for file in write_all(procedures, every):
            typer.echo(file)
        return
    if procedure is None:
        raise BadArgument("name a procedure, or give a folder with --all")
    _refuse_unknown(procedure, procedures)
    if svg is None:
        typer.echo(mermaid(procedures[procedure]))
    else:
        svg.write_text(to_svg(procedures[procedure]), encoding="utf-8")
        typer.echo(svg)


@app.command()
def diff(
    one: Annotated[str, typer.Argument(metavar="A", help="petition@tongcheng, petition@national:2017-01-01 …")],
    other: Annotated[str, typer.Argument(metavar="B", help="… or the first characters of a kept version's hash.")],
    as_json: AsJson = False,
) -> None:
    """Say in words what changed from A to B: states, actions, roles, clocks, ladders, lists, settings."""
    from services.cli.versions import find_version
    from services.engine.differing import differences

    today = _day(None)
    a, b = find_version(one, today), find_version(other, today)
    answer = {"a": a.label, "b": b.label, "differences": differences(a, b)}
    report(answer, as_json, lambda console: _show_differences(console, answer))


def _show_differences(console: Console, answer: dict[str, Any]) -> None:
    console.print(f"{answer['a']} → {answer['b']}", markup=False)
    for line in answer["differences"] or ["no difference"]:
        console.print(f"  {line}", markup=False)


def _refuse_unknown(key: str, known: Any) -> None:
    if key not in known:
        raise BadArgument(f"there is no procedure {key}; there are {', '.join(sorted(known))}")


def _day(text: str | None) -> date:
    from config.calendar import local_date
    from services.cli.edge import clock_now

    try:
        return date.fromisoformat(text) if text else local_date(clock_now())
    except ValueError as error:
        raise BadArgument(f'"{text}" is no date; write it as 2016-03-01') from error
