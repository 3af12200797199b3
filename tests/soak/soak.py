"""An installation under load while things are killed: set up, run, looked at."""

import json
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

from config.settings import Settings
from services.db.base import Base
from services.db.session import Database
from services.engine.core import Engine
from services.engine.sweep import sweep
from services.identity.credentials import SCOPES, change_password, issue_token
from services.identity.sealing import Vault
from services.notifications.outbox import deliver
from services.runtime import Runtime
from services.tables import all_models
from tests.soak.audit import Findings, audit
from tests.soak.clients import PASSWORD, READERS, Client, Desk
from tests.soak.fleet import Fleet
from tests.soak.simulated import LEASE, Present
from tests.support.cast import START, County, build_county
from tests.support.mail import DOWN, UP, MailServer, mail_server
from tests.support.postgres import Postgres, postgres

Tell = Callable[["Run"], None]
ACTORS = ("clerk", "leader", "handler", "supervisor", "checker", "office", "township_leader")
MAIL_AWAY = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """`seconds` of load with a fault `every` so many seconds; `rate` is how much faster the simulated time runs.

    Two clocks on one database are a mistake that does no harm; a sweeper is beside them.
    """

    seconds: float
    every: float = 20.0
    kind: str = "postgres"
    webs: int = 2
    clocks: int = 2
    clients: int = 6
    matters: int = 300
    rate: float = 3600.0
    seed: int = 1


@dataclass
class Run:
    """A run so far, for whoever watches, and its end."""

    plan: Plan
    desk: Desk
    fleet: Fleet
    began: float = field(default_factory=time.monotonic)
    faults: Counter[str] = field(default_factory=Counter)
    findings: Findings | None = None

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.began

    def figures(self) -> dict[str, Any]:
        """What is printed as the last line. Times are in milliseconds, of requests that were answered well."""
        found = self.findings
        assert found is not None
        return {
            "seconds": round(self.plan.seconds), "database": self.plan.kind, "requests": self.desk.requests,
            "answered_5xx": sum(n for s, n in self.desk.statuses.items() if s[0] == "5"),
            "faults": sum(self.faults.values()), "faults_by_kind": dict(sorted(self.faults.items())),
            "due": found.due, "fired": found.fired, "acknowledged": found.acknowledged, "entries": found.entries,
            "lost": len(found.lost), "twice": len(found.twice), "half_moved": len(found.half_moved),
            "journal_ok": found.journal_ok, "ended_by_themselves": self.fleet.ended_by_themselves,
            "failures": dict(self.desk.failures.most_common()), "ms": _times(self.desk.taken),
        }  # fmt: skip


@dataclass
class House:
    """Where it all lives: the database, the data folder, the people, the mail server."""

    home: Path
    county: County
    works: Runtime
    present: Present
    server: Postgres | None
    mail: MailServer
    tokens: dict[str, str]


def run(plan: Plan, home: Path, tell: Tell = lambda _: None) -> Run:
    """Set up, load and break, let it settle, look. Logs of the processes stay in `home`/logs."""
    with _house(plan, home) as house:
        fleet = _fleet(plan, house)
        desk = Desk(house.county, house.present, fleet.addresses(), house.tokens, house.county.people)
        made = Run(plan, desk, fleet)
        try:
            fleet.start()
            _load(made, house, tell)
        finally:
            desk.ended.set()
            fleet.stop()
        _settle(house)
        made.findings = audit(house.county, house.works, desk.acknowledged)
        return made


def _load(made: Run, house: House, tell: Tell) -> None:
    plan = made.plan
    clients = [Client(made.desk, number, plan.seed) for number in range(plan.clients)]
    made.began = time.monotonic()
    for client in clients:
        client.start()
    breaking = _faults(made, house)
    due, mended = plan.every * 0.6, 0.0
    while made.elapsed < plan.seconds:
        if made.elapsed >= due:
            made.faults[next(breaking)] += 1
            due, mended = due + plan.every, made.elapsed + MAIL_AWAY
        if made.elapsed > mended:
            house.mail.mode = UP
        made.fleet.keep_up()
        tell(made)
        time.sleep(0.1)
    house.mail.mode = UP
    made.desk.ended.set()
    for client in clients:
        client.join(30)


def _faults(made: Run, house: House) -> Iterator[str]:
    """Break one thing after another, each kind as often as the others, in an order that differs."""
    chance = random.Random(made.plan.seed)
    kinds = [*made.fleet.children, "mail server away"]
    if house.server is not None:
        kinds += ["postgres restarted", "postgres crashed"]
    while True:
        chance.shuffle(kinds)
        for kind in kinds:
            time.sleep(chance.random())
            if kind in made.fleet.children:
                made.fleet.kill(kind)
                yield f"{kind.split()[0]} killed"
                continue
            if kind == "mail server away":
                house.mail.mode = DOWN
            elif house.server is not None:
                house.server.restart("fast" if kind == "postgres restarted" else "immediate")
            yield kind


def _settle(house: House) -> None:
    """One more sweep and delivery, as the next run of either would: what is not there now is lost."""
    house.county.now = house.present.now()
    sweep(house.works, house.county.now)
    later = house.county.now + house.present.span(LEASE) + timedelta(days=1)  # past every lease and pause
    deliver(house.works, later)


@contextmanager
def _house(plan: Plan, home: Path) -> Iterator[House]:
    (home / "logs").mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        server = stack.enter_context(postgres()) if plan.kind == "postgres" else None
        url = server.url if server else f"sqlite:///{home / 'duban.db'}"
        mail = stack.enter_context(mail_server())
        settings = Settings(home=home, database_url=url, notify_urls=(mail.url,), log_level="WARNING", prefect_port=1)
        vault = Vault.create_if_missing(settings.secret_file)
        database = Database(url)
        stack.callback(database.close)
        if server is None:
            all_models()
            Base.metadata.create_all(database.engine)
        county = build_county(database, Engine.of(settings.pack, vault))
        tokens = _people(county)
        _matters(county, plan)
        works = Runtime(settings, database, vault)
        yield House(home, county, works, Present(START, time.time(), plan.rate), server, mail, tokens)


def _people(county: County) -> dict[str, str]:
    with county.database.write() as session:
        for who in READERS:
            change_password(session, county.people[who], PASSWORD, county.now)
        expires = county.now + timedelta(days=360)
        return {who: issue_token(session, county.people[who], "soak", SCOPES, expires, county.now) for who in ACTORS}


def _matters(county: County, plan: Plan) -> None:
    """Petitions of the last weeks in different states, so that rungs come due on every simulated day."""
    chance, walks = random.Random(plan.seed), (("accept",), ("accept", "propose"), ("accept", "propose", "approve"))
    for number in range(plan.matters):
        received = county.today - timedelta(days=chance.randrange(40))
        county.walk(*chance.choice(walks), received_on=received.isoformat(), summary=f"反映前期{number}")


def _fleet(plan: Plan, house: House) -> Fleet:
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("DUBAN_")}
    environ = inherited | house.works.settings.as_environ()
    fleet = Fleet(environ | house.present.as_environ(), house.home / "logs")
    for number in range(plan.webs):
        fleet.add_web(f"web {number + 1}")
    fleet.add("sweeper", "tests.soak.sweeper")
    for number in range(plan.clocks):  # two of them would be a mistake; each has its lock in a folder of its own
        fleet.add(f"clock {number + 1}", "tests.soak.clock", DUBAN_HOME=str(house.home / f"clock {number + 1}"))
    return fleet


def _times(taken: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    made = {}
    for kind, seconds in sorted(taken.items()):
        cuts = quantiles(seconds, n=100) if len(seconds) > 1 else seconds * 99
        made[kind] = {"n": len(seconds), "p50": round(cuts[49] * 1000), "p99": round(cuts[98] * 1000)}
    return made


def forget(home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)


def last_line(made: Run) -> str:
    return json.dumps(made.figures(), ensure_ascii=False)
