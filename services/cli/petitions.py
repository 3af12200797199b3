"""`duban petition import`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from services.cli.edge import AsJson, check_target, clock_now, migrated_runtime, progress, report, table

if TYPE_CHECKING:
    from services.ledgers.importing import Outcome

app = typer.Typer()
_SHOWN = 50


@app.callback()
def petition() -> None:
    """Petitions from a ledger."""


@app.command("import")
def import_ledger(
    file: Annotated[Path, typer.Argument(help="The ledger: .xlsx, or delimited text.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Try everything, keep nothing.")] = False,
    unit: Annotated[str | None, typer.Option(help="Code of the unit that registers. Default: the county.")] = None,
    registrar: Annotated[
        str | None, typer.Option("--as", help="Log-in of who registers and proposes. Default: who holds the role.")
    ] = None,
    approver: Annotated[str | None, typer.Option(help="Log-in of who approves; another person.")] = None,
    handler: Annotated[str | None, typer.Option(help="Log-in of who handled. Default: each unit's own.")] = None,
    rejected: Annotated[
        Path | None, typer.Option(help="Write the rejected rows to this .xlsx, to mend and import.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import a petition ledger as offices keep it; rows imported before are passed over.

    Open petitions go on with clocks anchored on the ledger's dates; ended ones wait for feedback and filing. What
    the ledger does not say was done stays owed. The file is one transaction: it goes in whole or, if interrupted, not
    at all, and on SQLite nobody else can write meanwhile (a minute or so for 3,000 rows).
    Exit 1 if any row is rejected, 2 if the file cannot be used.
    """
    from services.engine.core import engine_for
    from services.ledgers.cast import Wishes
    from services.ledgers.importing import Order, import_reading, read_for_import
    from services.ledgers.returning import return_rejections

    check_target(rejected, file, "--rejected")
    made, now = migrated_runtime(), clock_now()
    engine = engine_for(made)
    order = Order(unit, Wishes(registrar, approver, handler), dry_run)
    reading = read_for_import(made.database, engine, file)
    with progress("petitions", len(reading.rows)) as done:
        outcome = import_reading(made.database, engine, reading, order, now, done)
    if rejected is not None:
        return_rejections(outcome.reading, rejected)
    report(_answer(outcome, dry_run), as_json, lambda console: _show(console, outcome, dry_run))
    if rejected is not None:
        typer.echo(f"{rejected} names complainants in clear: only you can read it; delete it once mended", err=True)
    if outcome.reading.rejections:
        raise typer.Exit(1)


def _answer(outcome: "Outcome", dry_run: bool) -> dict[str, Any]:
    reading = outcome.reading
    return {
        "dry_run": dry_run,
        **outcome.counts(),
        "rejections": [
            {"sheet": one.sheet, "line": one.line, "code": one.code, "en": one.en, "zh": one.zh}
            for one in reading.rejections
        ],
        "notes": [{"sheet": one.sheet, "line": one.line, "en": one.en, "zh": one.zh} for one in reading.notes],
    }


def _show(console: Console, outcome: "Outcome", dry_run: bool) -> None:
    counts, reading = outcome.counts(), outcome.reading
    console.print(
        f"{counts['rows']} rows: {counts['importable']} importable, {counts['rejected']} rejected; "
        f"of the importable {counts['out_of_scope']} out of scope, {counts['anonymous']} anonymous, "
        f"{counts['ended']} ended"
    )
    done = "would be imported (dry run, nothing kept)" if dry_run else "imported"
    console.print(f"{outcome.imported} {done}, {outcome.already_there} were there already")
    if outcome.imported:
        console.print(table("state", "petitions", rows=outcome.states.items()))
        console.print(f"{outcome.escalating} of them escalate at the next sweep: their periods are running out or over")
        acted = [(part, "、".join(names)) for part, names in outcome.acted.items()]
        console.print(table("part", "taken by", rows=acted))
    if reading.rejections:
        rows = [(one.sheet, one.line, one.code, one.en) for one in reading.rejections[:_SHOWN]]
        more = len(reading.rejections) - len(rows)
        console.print(table("sheet", "line", "code", "why rejected", rows=rows))
        console.print(f"and {more} more; --json or --rejected gives all" if more else "", end="\n" if more else "")
    for note in reading.notes:
        console.print(f"sheet {note.sheet}: {note.en}")
