"""`duban db`: bring the database up to date, or empty it."""

from typing import Annotated

import typer

from services.cli.edge import AsJson, report

app = typer.Typer(no_args_is_help=True)


@app.command()
def upgrade(as_json: AsJson = False) -> None:
    """Make or bring up to date the tables, and on the first run the key file."""
    from services.migrations import upgrade as migrate
    from services.runtime import runtime

    made = runtime()
    before, after = migrate(made.settings.database_url)
    answer = {"before": before, "after": after, "changed": before != after}
    said = f"upgraded from {before or 'nothing'} to {after}" if before != after else f"already at {after}"
    report(answer, as_json, lambda console: console.print(f"database {said}"))


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete everything in the database and make its tables anew. Keys and stored files stay."""
    from services.migrations import empty
    from services.migrations import upgrade as migrate
    from services.runtime import runtime

    settings = runtime().settings
    if not yes:
        _confirm(settings.pack)
    dropped = empty(settings.database_url)
    _, after = migrate(settings.database_url)
    answer = {"dropped_tables": dropped, "after": after}
    report(answer, as_json, lambda console: console.print(f"{dropped} tables emptied; database at {after}"))


def _confirm(pack: str) -> None:
    from services.cli.refusals import BadArgument

    typed = typer.prompt(f"This deletes every matter, person and journal entry. Type the pack's key ({pack}) to go on")
    if typed != pack:
        raise BadArgument("that is not the pack's key; nothing was deleted")
