"""`duban admin create`: somebody who can log in and appoint everybody else."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from services.cli.edge import AsJson, clock_now, migrated_runtime, report

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from services.identity.models import Unit
    from services.runtime import Runtime

ROLE = "admin"
app = typer.Typer()


@app.callback()
def admin() -> None:
    """The first administrator."""


@app.command()
def create(
    login: Annotated[str, typer.Option(help="Log-in name.")],
    name: Annotated[str, typer.Option(help="The person's name.")],
    county: Annotated[str | None, typer.Option(help="The county's name, where there are no units yet.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an administrator: a log-in with the role `admin` on the county and all below it.

    The password is asked for twice, or read as one line from standard input where that is no terminal.
    """
    made = migrated_runtime()
    password, now = _password(), clock_now()
    with made.database.write() as session:
        unit = _root(session, county)
        person = _administrator(session, made, login, name, password, unit, now)
        answer = {"person_id": person, "login": login, "unit_id": unit.id, "unit": unit.name, "role": ROLE}

    def show(console: Console) -> None:
        console.print(f"{name} ({login}) is administrator of {unit.name}.")
        console.print("Start `duban serve`, log in, then add units, people and their roles under 机构与人员.")

    report(answer, as_json, show)


def _password() -> str:
    if sys.stdin.isatty():
        asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt="Once more")
        return asked
    return sys.stdin.readline().rstrip("\r\n")


def _root(session: "Session", county: str | None) -> "Unit":
    """The county, made if there is none."""
    from sqlalchemy import select

    from services.cli.refusals import BadArgument
    from services.identity.models import Unit, UnitKind
    from services.identity.units import create_unit, tidy

    root = session.scalar(select(Unit).where(Unit.parent_id.is_(None)))
    if root is None and county is None:
        raise BadArgument("there is no county yet; name it, for instance --county 清河县")
    if root is None or county is None:
        return root or create_unit(session, "county", county or "", UnitKind.COUNTY)
    if tidy(county) != root.name:
        raise BadArgument(f"the county is {root.name} already; leave --county out")
    return root


def _administrator(
    session: "Session", made: "Runtime", login: str, name: str, password: str, unit: "Unit", now: datetime
) -> int:
    from services.administration import people
    from services.administration.office import COMMAND_LINE, Office
    from services.engine.core import engine_for
    from services.identity.passwords import set_password

    office = Office(session, COMMAND_LINE, now, engine_for(made).registry.pack.roles)
    person = people.add(office, name, login)
    set_password(person, password)
    people.grant(office, person.id, ROLE, unit.id, office.today, "duban admin create")
    return person.id
