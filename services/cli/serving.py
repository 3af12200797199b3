"""`duban serve` on one machine; `duban web`, `duban worker` and `duban watch` on several."""

import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from config.settings import Settings


def serve() -> None:
    """Run web, clock and Prefect server of one machine until told to end."""
    from config.settings import load_settings
    from services.cli.edge import migrated_runtime
    from services.cli.refusals import SeveralMachines
    from services.serving.serve import serve as run

    settings = load_settings()
    if settings.several_machines:
        raise SeveralMachines
    migrated_runtime().database.close()
    run(settings)


def web() -> None:
    """Run one web process on DUBAN_HOST and DUBAN_PORT; start as many as the machine has processors."""
    import os

    from config.settings import load_settings
    from services.cli.edge import migrated_runtime
    from services.serving.children import web_command

    migrated_runtime().database.close()
    _become(web_command(load_settings()), os.environ)


def worker(
    name: Annotated[str | None, typer.Option(help="What Prefect shows it as.  [default: this machine's name]")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many flows it runs at once.")] = 4,
) -> None:
    """Run a Prefect worker that takes the flows' runs; several machines only."""
    from services.runs.prefect_server import prefect_environ
    from services.serving.children import worker_command

    settings = _of_several()
    _become(worker_command(name or socket.gethostname(), limit), prefect_environ(settings))


def watch() -> None:
    """Look after the flows: run what is asked for or was missed, find the dead; several machines only."""
    import sys

    from services.runs.prefect_server import prefect_environ

    settings = _of_several()
    _become((sys.executable, "-m", "flows.watching"), prefect_environ(settings))


def _of_several() -> "Settings":
    from config.settings import load_settings
    from services.cli.edge import migrated_runtime
    from services.cli.refusals import OneMachine

    settings = load_settings()
    if not settings.several_machines:
        raise OneMachine
    migrated_runtime().database.close()
    return settings


def _become(command: tuple[str, ...], environ: Mapping[str, str]) -> None:
    """Be replaced by the command, which then is what systemd starts, stops and reads the exit code of."""
    import os
    import sys

    sys.stdout.flush()
    os.execve(command[0], command, dict(environ))
