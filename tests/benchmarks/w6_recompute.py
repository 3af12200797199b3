"""W6: every running clock after the calendar changed: one working day more is announced a rest day.

Some dates move, most do not; those that moved are journalled and told. There is nothing to compare with but the number
itself, since the dates are not computed in SQL.
"""

from dataclasses import replace
from datetime import date

import psycopg

from config.calendar import WorkingCalendar
from services.engine.core import Engine
from services.engine.recomputing import recompute_all
from tests.benchmarks.county import NOW
from tests.benchmarks.racing import Sample, timed
from tests.benchmarks.results import Row, compare
from tests.benchmarks.seeds import Seeded


def run(seeded: Seeded, rounds: int) -> list[Row]:
    return compare("W6", seeded.size, 1, {"duban": _Turning(seeded).recompute}, rounds)


class _Turning:
    """Goes back and forth between two calendars, so that each round has every clock to look at."""

    def __init__(self, seeded: Seeded) -> None:
        self.seeded, self.rounds = seeded, 0
        pack = seeded.engine.registry.pack
        rest = pack.calendar.rest | {date(2016, 6, 15): "基准测试放假"}
        changed = WorkingCalendar(pack.calendar.model_copy(update={"rest": rest}))
        self.engines: list[Engine] = [replace(seeded.engine, calendar=changed), seeded.engine]

    def recompute(self) -> Sample:
        with psycopg.connect(self.seeded.url, autocommit=True) as connection:
            connection.execute("VACUUM clock")
        engine = self.engines[self.rounds % 2]
        self.rounds += 1
        database = self.seeded.open()
        sample = timed(lambda: int(recompute_all(database, engine, NOW)["looked_at"]))
        database.close()
        return sample
