"""A run from an empty database to its figures."""

import base64
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from time import process_time
from typing import Any, ClassVar

from sqlalchemy import event, inspect, select
from sqlalchemy.orm import Session

from config.calendar import end_of_day, start_of_day
from config.packs import load_pack
from config.settings import Settings
from services.db.errors import DubanError
from services.engine.core import engine_for
from services.engine.models import Matter
from services.migrations import upgrade
from services.runtime import Runtime, make_runtime
from services.simulation.county import build_county
from services.simulation.days import Days
from services.simulation.figures import figures
from services.simulation.rates import A_MONTH_AT
from services.simulation.world import World

STUCK, STUCK_FOR = 6, timedelta(days=60)
"""After so many tries in a row over so long, all of them refused, something counts as stuck."""


class SimulationRefused(DubanError):
    """The dates or the database are no ground for a run; nothing was made."""

    code: ClassVar[str] = "simulation_refused"
    status: ClassVar[int] = 409


@dataclass(frozen=True, slots=True)
class Order:
    """What to simulate: both days included, `units` below the county. `home` is the run's own data folder.

    `procedures` are those whose matters come in from outside or by rule (None: all); what these lead to is seen to as
    well. `rate` times the usual number arrives.
    """

    first: date
    last: date
    units: int
    seed: int
    pack: str
    home: Path
    database_url: str | None = None
    procedures: frozenset[str] | None = None
    rate: float = 1


def simulate(order: Order, done: Callable[[int], None] = lambda _: None) -> dict[str, Any]:
    """Run a county through the days and return the report; `done` is told of each day.

    The same order gives the same journals on every database. Raises SimulationRefused, BadPack, UnusableDatabase.
    """
    began = process_time()
    if order.last < order.first:
        raise SimulationRefused("the last day lies before the first; turn them round")
    known = load_pack(order.pack).versions.keys()
    if strange := sorted((order.procedures or set()) - known):
        raise SimulationRefused(f"there is no procedure {', '.join(strange)}; there are {', '.join(sorted(known))}")
    world = prepare(order)
    try:
        share = order.rate * order.units / A_MONTH_AT
        Days(world, share, order.procedures or frozenset(known)).go(order.first, order.last, done)
        with world.runtime.database.read() as session:
            found = figures(session, end_of_day(order.last)) | {"stuck": _stuck(session, world, order.last)}
        asked = {
            "from": order.first.isoformat(), "to": order.last.isoformat(), "units": order.units, "seed": order.seed,
            "pack": order.pack,
        }  # fmt: skip
        return {**asked, **found, **_came_of(world), "cpu_seconds": round(process_time() - began, 1)}
    finally:
        world.runtime.database.close()


def _runtime(order: Order) -> Runtime:
    """Make a data folder of its own. Its keys come from the seed: they protect nothing, and draws hang on them."""
    order.home.mkdir(parents=True, exist_ok=True)
    given = {"database_url": order.database_url} if order.database_url else {}
    settings = Settings(home=order.home, pack=order.pack, **given)
    if settings.secret_file.exists():
        raise SimulationRefused(f"{settings.secret_file} exists; name a new folder, so that no key is replaced")
    key = base64.b64encode(sha256(f"duban simulation {order.seed}".encode()).digest())
    with os.fdopen(os.open(settings.secret_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key + b"\n")
    runtime = make_runtime(settings)
    if inspect(runtime.database.engine).get_table_names():
        runtime.database.close()
        settings.secret_file.unlink()
        raise SimulationRefused("the database is not empty; name a new one")
    upgrade(settings.database_url)
    if runtime.database.engine.dialect.name == "sqlite":  # nothing is lost in a crash that cannot be made again
        event.listen(runtime.database.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous = OFF"))
    return runtime


def prepare(order: Order) -> World:
    """Make the folder, the tables and the county, in which nothing has happened yet."""
    runtime = _runtime(order)
    rng = Random(order.seed)
    roles = list(engine_for(runtime).registry.pack.roles)
    with runtime.database.write() as session:
        now = start_of_day(order.first - timedelta(days=1))
        county = build_county(session, roles, order.units, order.first, order.last, now, rng)
    return World(runtime, county, rng)


def _came_of(world: World) -> dict[str, Any]:
    return {
        "performed": dict(sorted(world.performed.items())), "refusals": dict(sorted(world.refused.items())),
        "failures": dict(sorted(world.failures.items())),
    }  # fmt: skip


def _stuck(session: Session, world: World, last: date) -> dict[str, int]:
    """Count what nobody could do although he tried and tried: "procedure state what: last refusal"."""
    failing = [one for one in world.failing.values() if one.tries >= STUCK and last - one.since >= STUCK_FOR]
    where = select(Matter.id, Matter.procedure, Matter.state).where(Matter.id.in_({one.matter for one in failing}))
    lies = {matter: f"{procedure} {state}" for matter, procedure, state in session.execute(where).tuples()}
    return dict(sorted(Counter(f"{lies[one.matter]} {one.name}: {one.code}" for one in failing).items()))
