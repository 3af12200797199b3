"""`duban policy check`."""

from typing import Annotated, Any

import typer
from rich.console import Console

from services.cli.edge import AsJson, report

app = typer.Typer()


@app.callback()
def policy() -> None:
    """Policy packs."""


@app.command()
def check(
    packs: Annotated[list[str] | None, typer.Argument(metavar="[PACK]...", help="Default: every pack.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check packs against the procedures and name every mismatch. Exit 1 if there is any."""
    from config.packs import available

    answer = [{"pack": pack, "problems": _problems(pack)} for pack in packs or available()]
    report(answer, as_json, lambda console: _show(console, answer))
    if any(checked["problems"] for checked in answer):
        raise typer.Exit(1)


def _problems(pack: str) -> list[str]:
    from config.packs import BadPack
    from services.engine.describing import read_pack
    from services.engine.errors import BadDeclarations

    try:
        read_pack(pack)
    except (BadPack, ValueError) as error:  # a calendar that cannot be is a ValueError
        return [" ".join(str(error).split())]
    except BadDeclarations as error:
        problems: list[str] = error.extra["problems"]
        return problems
    return []


def _show(console: Console, answer: list[dict[str, Any]]) -> None:
    for checked in answer:
        console.print(f"{checked['pack']}: {'fits' if not checked['problems'] else 'does not fit'}")
        for problem in checked["problems"]:
            console.print(f"  {problem}")
