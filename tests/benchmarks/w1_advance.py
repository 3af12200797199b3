"""W1: one action of a petition from first lock to commit: permission, form, guards, journal, clocks, messages.

Who acts came before; what he holds is what the directory says once the matter is locked, as for a request of the web.
Each matter is approved by the leader of its township, which stops one clock, starts another and moves it to the
handlers of the next, and then returned by a handler there, which tells the leader: two actions, two transactions.
pgbench runs the statements of both in equal parts, on matters of its own half of the table.
"""

from functools import partial
from typing import Any

import psycopg

from services.db.session import Database
from services.engine.perform import perform
from tests.benchmarks import pgbench
from tests.benchmarks.county import NOW
from tests.benchmarks.racing import Exhausted, Operation, Sample, race
from tests.benchmarks.seeds import Seeded

APPROVAL, RETURN = {"note": "同意"}, {"reason": "请补充"}


class Advancing:
    """Hands out matters waiting for approval, each once, from the lower half; pgbench has the upper one."""

    def __init__(self, seeded: Seeded) -> None:
        self.seeded = seeded
        with psycopg.connect(seeded.url) as connection:
            found = connection.execute(
                "SELECT id, unit_id FROM matter WHERE state = 'approval' AND id <= %s ORDER BY md5(id::text)",
                (seeded.size // 2,),
            )
            self.waiting: list[Any] = found.fetchall()

    def take(self, clients: int, most: int) -> list[list[Any]]:
        """Return the next matters, dealt out to clients."""
        mine, self.waiting = self.waiting[: clients * most], self.waiting[clients * most :]
        return [mine[n::clients] for n in range(clients)]

    def duban(self, clients: int, seconds: float) -> Sample:
        shares = self.take(clients, max(1, min(int(400 * seconds / clients), len(self.waiting) // (3 * clients))))
        return race(lambda n: steps(self.seeded, self.seeded.open(), shares[n]), clients, seconds)

    def scripts(self) -> list[pgbench.Script]:
        """Catch the statements of both actions and make them runnable on any matter of the upper half."""
        database, (matter, unit) = self.seeded.open(), self.waiting.pop()
        advance = steps(self.seeded, database, [(matter, unit)])
        begin = f"\\set matter random({self.seeded.size // 2 + 1}, {self.seeded.size})"
        made = []
        for _ in range(2):
            ids = {matter: ":matter"} | _ids(self.seeded.url, matter)
            caught = pgbench.catch(advance)
            made.append(pgbench.script(caught, ids, NAMED, READS, begin))
        database.close()
        return made

    def pgbench(self, scripts: list[pgbench.Script], program: Any, clients: int, seconds: float) -> Sample:
        return pgbench.run(program, self.seeded.url, scripts, clients, seconds)


NAMED = {"seq": ":seq", "journal_seq": ":seq"}
READS = {
    "FROM matter WHERE matter.id = ": "m_\n\\set seq :m_journal_seq + 1",
    "FROM clock WHERE clock.matter_id = ": "c_",
    "FROM work_item WHERE work_item.matter_id = ": "w_",
}


def _ids(url: str, matter: int) -> dict[int, str]:
    with psycopg.connect(url) as connection:
        clock = connection.execute("SELECT id FROM clock WHERE matter_id = %s AND state <> 'stopped'", (matter,))
        item = connection.execute("SELECT id FROM work_item WHERE matter_id = %s AND closed_at IS NULL", (matter,))
        return {clock.fetchone()[0]: ":c_id", item.fetchone()[0]: ":w_id"}  # type: ignore[index]


def steps(seeded: Seeded, database: Database, matters: list[Any]) -> Operation:
    """Return what takes the next step: approve a matter, then send it back, then the next one."""
    townships = seeded.county.townships
    onward = {unit: townships[(n + 1) % len(townships)] for n, unit in enumerate(townships)}
    leaders, handlers = seeded.county.staff("leader"), seeded.county.staff("handler")
    with database.read() as session:
        came = {who: seeded.county.actor(session, who) for who in (*leaders.values(), *handlers.values())}
    due = iter(
        step
        for matter, unit in matters
        for step in (
            (matter, "approve", leaders[unit], APPROVAL),
            (matter, "send_back", handlers[onward[unit]], RETURN),
        )
    )

    def advance() -> None:
        step = next(due, None)
        if step is None:
            raise Exhausted
        matter, action, who, answers = step
        with database.write() as session:
            perform(seeded.engine, session, matter, action, came[who], answers, NOW)

    return advance


def subjects(seeded: Seeded, program: Any, clients: int, seconds: float) -> dict[str, Any]:
    work = Advancing(seeded)
    found = {"duban": partial(work.duban, clients, seconds)}
    if program is not None:
        found["pgbench"] = partial(work.pgbench, work.scripts(), program, clients, seconds)
    return found
