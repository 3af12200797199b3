"""`duban policy check` and `duban policy rebind`."""

from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from services.cli.edge import AsJson, clock_now, migrated_runtime, report, table

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


@app.command()
def rebind(
    matter_id: Annotated[int, typer.Argument(metavar="MATTER")],
    mode: Annotated[str, typer.Option(help="keep, recompute (from the same anchor) or restart the running clocks.")],
    login: Annotated[str, typer.Option("--as", metavar="LOGIN", help="The person who does it, with the right to.")],
    reason: Annotated[str | None, typer.Option(help="Why; without it nothing is changed, only shown.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what today's rules would do to a running matter; with --reason, move it to them."""
    from services.cli.refusals import BadArgument
    from services.engine import rebinding
    from services.engine.core import engine_for

    if mode not in set(rebinding.Mode):
        raise BadArgument(f'--mode "{mode}": write {", ".join(rebinding.Mode)}')
    made, now, wanted = migrated_runtime(), clock_now(), rebinding.Mode(mode)
    with made.database.write() as session:
        what = engine_for(made), session, matter_id, wanted
        actor = _person(session, login, now)
        effects = rebinding.rebind(*what, reason, actor, now) if reason else rebinding.preview(*what, actor, now)
    answer = {
        "changed": bool(reason),
        "clocks": [{"clock": e.clock, "before": e.before, "after": e.after} for e in effects],
    }
    rows = [(e.clock, e.before, e.after) for e in effects]
    title = "changed" if reason else "would change (give --reason to do it)"
    report(
        answer,
        as_json,
        lambda console: console.print(table("clock", "due before", "due after", rows=rows, title=title)),
    )


def _person(session: Any, login: str, now: datetime) -> Any:
    from config.calendar import local_date
    from services.cli.refusals import BadArgument
    from services.identity.access import load_actor
    from services.identity.people import id_of_login

    if (found := id_of_login(session, login)) is None:
        raise BadArgument(f'--as "{login}": nobody logs in so')
    return load_actor(session, found, local_date(now))


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
