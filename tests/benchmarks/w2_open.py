"""W2: a petition is registered: permission, form, number, matter, first clock and work item, journal, receipt code.

Each client registers at another township, as it would be; a township's numbers are given one after the other. pgbench
runs the statements of one such registration, its numbers taken from the same series.
"""

from functools import partial
from typing import Any

from config.calendar import local_date
from services.db.session import Database
from services.engine.opening import open_matter
from tests.benchmarks import pgbench
from tests.benchmarks.county import NOW, petition
from tests.benchmarks.racing import Operation, race
from tests.benchmarks.seeds import Seeded

NAMED = {
    "number": "('信访〔2016〕p' || :last || '号')", "digest": "md5(random()::text)", "external_ref": "NULL",
}  # fmt: skip
READS = {"UPDATE number_series": "", "nextval(": "m_"}


def client(seeded: Seeded, database: Database, number: int) -> Operation:
    townships = seeded.county.townships
    unit = townships[number % len(townships)]
    clerk = seeded.county.staff("clerk")[unit]
    answers = petition(local_date(NOW))

    with database.read() as session:
        actor = seeded.county.actor(session, clerk)

    def register() -> Any:
        with database.write() as session:
            return open_matter(seeded.engine, session, "petition", answers, actor, NOW, unit_id=unit)

    register()  # the first of a kind also stores the text of its rules
    return register


def scripts(seeded: Seeded) -> list[pgbench.Script]:
    """Catch the statements of a registration at each of a few townships, so that pgbench does not queue for one."""
    made, database = [], seeded.open()
    for number in range(8, 16):
        opened: list[Any] = []
        register = client(seeded, database, number)
        caught = pgbench.catch(lambda register=register, opened=opened: opened.append(register()))
        ids = {opened[0].matter_id: ":m_id"}
        made.append(pgbench.script(caught, ids, NAMED, READS, ""))
    database.close()
    return made


def subjects(seeded: Seeded, program: Any, clients: int, seconds: float) -> dict[str, Any]:
    found = {"duban": lambda: race(lambda n: client(seeded, seeded.open(), n), clients, seconds)}
    if program is not None:
        found["pgbench"] = partial(pgbench.run, program, seeded.url, scripts(seeded), clients, seconds)
    return found
