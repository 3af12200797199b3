"""The ladder: each rung on its day, once, whoever sweeps and however often."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from config.calendar import WorkingCalendar, start_of_day
from config.packs import POLICIES, load_pack
from services.db.session import Database
from services.engine.core import Engine
from services.engine.models import FiredRung, Message
from services.engine.registry import Registry
from services.engine.sweep import sweep_all
from services.identity.sealing import Vault
from tests.support.cast import County, build_county
from tests.support.invariants import check, clocks, entries, matter, rows_of

HANDLING = {
    "-3 workday": date(2016, 3, 29),
    "0": date(2016, 4, 1),
    "+1 workday": date(2016, 4, 5),  # 2 to 4 April are a holiday
    "+3 workday": date(2016, 4, 7),
    "+10 workday": date(2016, 4, 18),
}
"""The rungs of a petition handed over on 2016-03-01, due on Friday 2016-04-01."""


def fired(county: County, matter_id: int, clock: str = "handling") -> dict[str, datetime]:
    with county.database.read() as session:
        rows = rows_of(session, FiredRung, clock_id=clocks(county, matter_id)[clock]["id"])
    assert len({r["rung"] for r in rows}) == len(rows)
    return {r["rung"]: r["fired_at"] for r in rows}


def at(day: date, **more: float) -> datetime:
    return start_of_day(day).astimezone(UTC) + timedelta(**more)


def test_every_rung_fires_on_its_day(sqlite_county: County) -> None:
    county = sqlite_county
    matter_id = county.walk("accept", "propose", "approve")
    for day in range(60):
        sweep_all(county.database, county.engine, at(date(2016, 3, 1), days=day, hours=8))
    assert {rung: at.date() for rung, at in fired(county, matter_id).items()} == HANDLING
    check(county)


@pytest.mark.parametrize(("rung", "day"), HANDLING.items())
def test_its_day_begins_at_midnight_in_shanghai(sqlite_county: County, rung: str, day: date) -> None:
    county = sqlite_county
    matter_id = county.walk("accept", "propose", "approve")
    sweep_all(county.database, county.engine, at(day, seconds=-1))
    assert rung not in fired(county, matter_id)
    sweep_all(county.database, county.engine, at(day))
    assert rung in fired(county, matter_id)


def test_a_county_that_slept_catches_up_once(county: County) -> None:
    matter_id = county.walk("accept", "propose", "approve")
    county.later(days=60)
    first = sweep_all(county.database, county.engine, county.now)
    assert set(fired(county, matter_id)) == set(HANDLING)
    again = sweep_all(county.database, county.engine, county.now)
    assert (again["due"], again["fired"], again["skipped"]) == (0, 0, 0)
    assert first["fired"] == sum(first["by_rung"].values())
    assert matter(county, matter_id)["level"] == 3  # county office and leader for handling, office for the notice
    rungs = Counter(e["content"]["rung"] for e in entries(county, matter_id) if e["action"] == "rung")
    assert sum(rungs.values()) == len(HANDLING) + len(fired(county, matter_id, "acceptance_notice"))
    check(county)


def test_nobody_is_chased_while_the_clock_stands_still(county: County) -> None:
    matter_id = county.walk("accept", "give_acceptance_notice", "propose", "approve", "suspend")
    county.later(days=300)
    assert sweep_all(county.database, county.engine, county.now)["due"] == 0
    county.act(matter_id, "resume", *county.usual("resume"))
    assert sweep_all(county.database, county.engine, county.now)["due"] == 0


def test_nor_when_it_is_done(county: County) -> None:
    done = county.walk("accept", "give_acceptance_notice", "propose", "approve", "complete", "pass_recheck")
    county.act(done, "feed_back", *county.usual("feed_back"))
    county.act(done, "archive", *county.usual("archive"))
    county.later(days=300)
    assert sweep_all(county.database, county.engine, county.now)["due"] == 0


def test_an_extension_does_not_fire_again_what_fired(county: County) -> None:
    matter_id = county.walk("accept", "give_acceptance_notice", "propose", "approve")
    county.now = at(date(2016, 3, 30), hours=10)
    sweep_all(county.database, county.engine, county.now)
    assert set(fired(county, matter_id)) == {"-3 workday"}
    county.act(matter_id, "ask_extension", *county.usual("ask_extension"))
    county.act(matter_id, "grant_extension", *county.usual("grant_extension"))
    county.later(days=20)
    assert sweep_all(county.database, county.engine, county.now)["fired"] == 0
    county.later(days=60)
    sweep_all(county.database, county.engine, county.now)
    assert set(fired(county, matter_id)) == set(HANDLING)


def test_a_shorter_period_fires_what_is_due_at_once(county: County) -> None:
    matter_id = county.walk("accept", "give_acceptance_notice", "propose", "approve")
    county.now = at(date(2016, 3, 10), hours=10)
    given = {"petition_class": "date_given", "given_due": "2016-03-09", "reason": "上级催报"}
    county.act(matter_id, "reclassify", "township_leader", given)
    sweep_all(county.database, county.engine, county.now)
    assert set(fired(county, matter_id)) == {"-3 workday", "0", "+1 workday"}


def test_the_holder_is_reminded_and_the_others_told(sqlite_county: County) -> None:
    county = sqlite_county
    matter_id = county.walk("accept", "give_acceptance_notice", "propose", "approve")
    with county.database.write() as session:
        session.query(Message).delete()
    for rung in HANDLING:
        sweep_all(county.database, county.engine, at(HANDLING[rung], hours=8))
    with county.database.read() as session:
        told = Counter((m["made_at"].date(), m["person_id"]) for m in rows_of(session, Message, matter_id=matter_id))
    people, days = county.people, {rung: at(day, hours=8).date() for rung, day in HANDLING.items()}
    assert told == {
        (days["-3 workday"], people["handler"]): 1, (days["-3 workday"], people["handler2"]): 1,
        (days["0"], people["handler"]): 1, (days["0"], people["handler2"]): 1,
        (days["0"], people["township_leader"]): 1,
        (days["+1 workday"], people["office"]): 1, (days["+10 workday"], people["leader"]): 1,
    }  # fmt: skip


def test_a_ladder_out_of_order_still_fires_each_rung_once(sqlite: Database, vault: Vault, tmp_path: Path) -> None:
    """A day's count may overtake a working day's: "+9 day" comes before "+3 workday" or after, as holidays fall."""
    pack_of = tmp_path / "policies"
    for file in POLICIES.rglob("*.toml"):
        copy = pack_of / file.relative_to(POLICIES)
        copy.parent.mkdir(parents=True, exist_ok=True)
        text = file.read_text(encoding="utf-8")
        copy.write_text(
            text.replace(
                'at = "+1 workday"\ndo = ["raise county_office"]\n[[clocks.handling',
                'at = "+9 day"\ndo = ["raise county_office"]\n[[clocks.handling',
            ),
            encoding="utf-8",
        )
    pack = load_pack("tongcheng", pack_of)
    county = build_county(sqlite, Engine(Registry(pack, vault), vault, WorkingCalendar(pack.calendar)))
    matter_id = county.walk("accept", "propose", "approve")
    assert "+9 day" in [r.at for r in county.engine.registry.versions("petition")[0].policy.clocks["handling"].ladder]
    for day in (8, 12, 20):  # on the 8th "+3 workday" has come and "+9 day", which stands above it, has not
        sweep_all(county.database, county.engine, at(date(2016, 4, day), hours=8))
    days = {rung: at.day for rung, at in fired(county, matter_id).items()}
    assert days == {"-3 workday": 8, "0": 8, "+9 day": 12, "+3 workday": 12, "+10 workday": 20}
    check(county)
