"""`duban people import`."""

from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from services.cli.edge import AsJson, check_target, clock_now, migrated_runtime, report, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from services.administration.importing import Result
    from services.administration.office import Office
    from services.runtime import Runtime

app = typer.Typer()
_SHOWN = 50


@app.callback()
def people() -> None:
    """Units and people from a workbook."""


@app.command()
def template(file: Annotated[Path, typer.Argument(help="Where to write the empty form, an .xlsx.")]) -> None:
    """Write the form to fill in, with an explanation and the roles and units there are."""
    from sqlalchemy import select

    from services.administration.importing import KIND_TITLES
    from services.administration.sheets import write_template
    from services.engine.core import engine_for
    from services.identity.models import Unit

    made = migrated_runtime()
    check_target(file, None, "the form")
    with made.database.read() as session:
        living = select(Unit.code, Unit.name).where(Unit.abolished_on.is_(None)).order_by(Unit.path)
        units = [(row.code, row.name) for row in session.execute(living)]
    with file.open("wb") as out:
        write_template(out, KIND_TITLES, engine_for(made).registry.pack.roles.values(), units)


@app.command("import")
def import_people(
    file: Annotated[Path, typer.Argument(help="The filled-in form: .xlsx, or delimited text with one of its sheets.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Try everything, keep nothing.")] = False,
    rejected: Annotated[
        Path | None, typer.Option(help="Write the refused rows to this .xlsx, to mend and import.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import units, people, posts and roles; what is there already stays as it is.

    All valid rows go in together, or none if it is interrupted. Exit 1 if any row is refused, 2 if the file cannot be
    used.
    """
    from services.administration.importing import counts, import_rows, refused
    from services.administration.sheets import read_rows, write_refused

    check_target(rejected, file, "--rejected")
    made, now = migrated_runtime(), clock_now()
    results = import_rows(_office(made, now), read_rows(file), dry_run)
    if rejected is not None:
        with rejected.open("wb") as out:
            write_refused(out, refused(results))
    answer = {"dry_run": dry_run, **counts(results), "results": [_told(result) for result in results]}
    report(answer, as_json, lambda console: _show(console, answer))
    if answer["refused"]:
        raise typer.Exit(1)


def _office(made: "Runtime", now: "datetime") -> "Callable[[], AbstractContextManager[Office]]":
    from services.administration.office import COMMAND_LINE, Office
    from services.engine.core import engine_for

    roles = engine_for(made).registry.pack.roles

    @contextmanager
    def opened() -> "Iterator[Office]":
        with made.database.write() as session:
            yield Office(session, COMMAND_LINE, now, roles)

    return opened


def _told(result: "Result") -> dict[str, Any]:
    row = result.row
    return {"sheet": row.sheet, "line": row.line, "outcome": str(result.outcome), "zh": result.text, "en": result.en}


def _show(console: Console, answer: dict[str, Any]) -> None:
    would = "would be " if answer["dry_run"] else ""
    console.print(
        f"{answer['rows']} rows: {answer['created']} {would}created, {answer['changed']} {would}changed, "
        f"{answer['unchanged']} unchanged, {answer['refused']} refused"
    )
    refused = [(r["sheet"], r["line"], r["en"]) for r in answer["results"] if r["outcome"] == "refused"]
    if refused:
        console.print(table("sheet", "line", "why refused", rows=refused[:_SHOWN]))
        more = len(refused) - _SHOWN
        console.print(
            f"and {more} more; --json or --rejected gives all" if more > 0 else "", end="\n" if more > 0 else ""
        )
