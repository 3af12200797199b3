"""`duban replay`: walks a foreign event log through the engine, and says what came of it."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from services.cli.edge import AsJson, progress, report, table
from services.cli.refusals import BadArgument

SHOWN = (
    "started", "ended", "ended_late", "open", "open_overdue", "escalated_overdue", "archived", "supervised",
    "rungs_fired", "sweeps", "set_aside", "failed_deeds", "events", "notes", "journal_entries", "journal_ok",
)  # fmt: skip


def replay(
    log: Annotated[Path, typer.Argument(help="The event log: CSV in UTF-8, one row per event.")],
    profile: Annotated[str, typer.Option(help="How to read it: a name in config/profiles, or a .toml file.")],
    until: Annotated[
        str | None,
        typer.Option(help="Stop the clock here, e.g. 2011-06-01T00:00+08:00. Default: after the last event."),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(help="A new SQLite file or an empty database's URL. Default: a temporary file, then removed."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a run was stopped; needs --database.")] = False,
    pack: Annotated[str, typer.Option(envvar="DUBAN_PACK", help="Policy pack to work under.")] = "tongcheng",
    as_json: AsJson = False,
) -> None:
    """Walk an event log through the engine under its own clock, with sweeps at the ends of working days.

    --json lists every defect of the log as well.
    """
    from services.replay.run import Order
    from services.replay.run import replay as run

    ends = _read_until(until)
    with _place(database, resume) as (url, key_file):
        answer = run(Order(log, profile, pack, url, key_file, ends, resume), progress)
    report(answer, as_json, lambda console: _show(console, answer))


def _read_until(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadArgument(f'--until "{text}" is no instant; write it as 2011-06-01T00:00+08:00') from error
    if read.tzinfo is None:
        raise BadArgument(f'--until "{text}" has no UTC offset; write it as 2011-06-01T00:00+08:00')
    return read


@contextmanager
def _place(database: str | None, resume: bool) -> Iterator[tuple[str, Path]]:
    """Give the database's URL and the file of its keys, which is kept beside it; a temporary one is removed after."""
    if database is None:
        if resume:
            raise BadArgument("--resume needs --database: name the database of the run that was stopped")
        with tempfile.TemporaryDirectory(prefix="duban-replay-") as folder:
            yield _beside(Path(folder) / "replay.db")
    elif "://" not in database:
        yield _beside(Path(database).absolute())
    elif file := re.match(r"sqlite:///([^?]+)", database):
        yield _beside(Path(file[1]).absolute())
    else:
        from config.settings import load_settings
        from services.db.session import Database

        name = Database(database).url.database
        yield database, load_settings().home / f"replay-{name}.key"


def _beside(file: Path) -> tuple[str, Path]:
    return f"sqlite:///{file}", file.with_name(f"{file.name}.key")


def _show(console: Console, answer: dict[str, Any]) -> None:
    figures = [(name.replace("_", " "), answer[name]) for name in SHOWN]
    rungs = [(f"rung: {name}", count) for name, count in answer["rungs"].items()]
    defects = [(f"defect: {kind.replace('_', ' ')}", count) for kind, count in answer["defect_counts"].items()]
    title = f"{answer['log']} as of {answer['until']}"
    console.print(table("Figure", "Value", rows=[*figures, *rungs, *defects], title=title))
