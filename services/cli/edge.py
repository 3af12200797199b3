"""What every command shares: the runtime, the clock, how results are shown and refusals are told."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

if TYPE_CHECKING:
    from services.runtime import Runtime

_NO_SUCH = re.compile(r"no such (table|column)")  # SQLite calls a defect of ours what PostgreSQL calls a failed server
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Refusing(TyperGroup):
    """The root of the commands: what is expected to go wrong becomes a line on stderr and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; only a defect shows a traceback."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if (said := _refusal(error)) is None:
                raise
            typer.echo(f"duban: {said}", err=True)
            raise typer.Exit(2) from error


def _refusal(error: Exception) -> str | None:
    """The code and the English sentence of an expected refusal; None for a defect."""
    from sqlalchemy.exc import OperationalError

    from config.packs import BadPack
    from config.settings import BadSettings
    from services.db.errors import DubanError
    from services.db.failures import DatabaseUnavailable, explain

    if not isinstance(error, DubanError):
        meaning = explain(error)
        error = error if meaning is None or isinstance(meaning, DatabaseUnavailable) else meaning
    if isinstance(error, DubanError):
        details = [f"{e['field'] or 'form'}: {e['en']}" for e in error.extra.get("errors", ())]
        return "\n  ".join([f"{error.code}: {error}", *details])
    if isinstance(error, BadPack):
        return f"bad_pack: {error}"
    if isinstance(error, BadSettings):
        return "\n  - ".join(["bad_settings: correct these and start again", *error.problems])
    if isinstance(error, OperationalError) and not _NO_SUCH.match(str(error.orig)):
        why = str(error.orig).strip().splitlines()[0]
        return f"database_unusable: {why}; check DUBAN_DATABASE_URL, that the database runs and can be written"
    return None


def migrated_runtime() -> "Runtime":
    """The runtime of this process over a database of this version's schema; `NotMigrated` for any other."""
    from services.cli.refusals import NotMigrated
    from services.migrations import is_current
    from services.runtime import runtime

    made = runtime()
    if not is_current(made.database):
        raise NotMigrated
    return made


def check_target(target: Path | None, source: Path | None, what: str) -> None:
    """Refuse before anything is done a workbook that could not be written, or that would replace what is read."""
    from services.cli.refusals import BadArgument

    if target is None:
        return
    usable = target.parent.is_dir() and os.access(target.parent, os.W_OK) and not target.is_dir()
    if target.suffix.lower() != ".xlsx" or not usable:
        raise BadArgument(f"{what} {target}: give an .xlsx file in a folder that you can write to")
    if source is not None and target.exists() and source.exists() and target.samefile(source):
        raise BadArgument(f"{what} would replace the file that is read; give another one")


def clock_now() -> datetime:
    """The wall clock: commands are an edge, and read it once."""
    return datetime.now(UTC)


def report(data: Any, as_json: bool, show: Callable[[Console], None]) -> None:
    """Print a result: as JSON, or as `show` draws it."""
    if as_json:
        typer.echo(json.dumps(data, ensure_ascii=False, indent=2, default=str))
    else:
        show(Console(highlight=False, soft_wrap=True))


def table(*headings: str, rows: Any = (), title: str | None = None) -> Table:
    """A table of texts; empty cells for None."""
    made = Table(*headings, title=title, title_justify="left")
    for row in rows:
        made.add_row(*("" if cell is None else str(cell) for cell in row))
    return made


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, drawn only on a terminal; call what it yields with how many more are done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.advance(task, done)
