"""The command `duban`. Commands import what they need when they run, so that it starts at once."""

from typing import Any

import typer

from services.cli import (
    administration,
    candidates,
    clocks,
    database,
    demonstration,
    journals,
    keeping,
    obligations,
    policies,
    procedures,
    runs,
    scores,
    serving,
)
from services.cli.edge import Refusing
from services.cli.people import app as people
from services.cli.period import period
from services.cli.petitions import app as petition
from services.cli.replay import replay
from services.cli.simulate import simulate


class Command(typer.Typer):
    """What is called as a program: what is logged goes to standard error, where it spoils no JSON."""

    def __call__(self, *args: Any, **more: Any) -> Any:
        from services.serving.logs import configure_logging

        configure_logging("WARNING")
        return super().__call__(*args, **more)


app = Command(
    name="duban",
    cls=Refusing,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Duban 督办: deadline-bound procedures of a county's discipline inspection work.",
)
app.command()(serving.serve)
app.add_typer(database.app, name="db", help="The database: bring it up to date, move it, or empty it.")
database.app.command()(keeping.copy)
app.command()(keeping.backup)
app.command()(keeping.restore)
app.command("backup-key")(keeping.backup_key)
app.command()(serving.web)
app.command()(serving.worker)
app.command()(serving.watch)
app.add_typer(demonstration.app, name="demo", help="An invented county to try things on.")
app.add_typer(administration.app, name="admin", help="The first administrator.")
app.command()(clocks.sweep)
app.add_typer(clocks.app, name="clock", help="Periods running on matters.")
app.add_typer(journals.app, name="journal", help="What happened, and whether it was tampered with.")
app.add_typer(procedures.app, name="procedures", help="What can be done, by whom, within which time.")
app.add_typer(policies.app, name="policy", help="Policy packs.")
app.add_typer(obligations.app, name="obligations", help="What recurs by rule, per unit and period.")
app.add_typer(candidates.app, name="candidates", help="What rules propose for people to judge.")
app.add_typer(scores.app, name="scores", help="Scores of units and people.")
app.add_typer(runs.app, name="flows", help="What runs by itself: what ran, and bringing the table of when to Prefect.")
app.command()(period)
app.add_typer(people, name="people", help="Units and people from a workbook.")
app.add_typer(petition, name="petition", help="Petitions from a ledger.")
app.command()(replay)
app.command()(simulate)
