"""A county through some weeks: every invariant holds, no matter is stuck, and the seed alone decides."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from config.settings import Settings
from services.db.session import Database
from services.engine import journal
from services.engine.core import engine_for
from services.engine.models import Entry, Exclusion
from services.runtime import make_runtime
from services.simulation.run import Order, SimulationRefused, simulate
from tests.support.cast import County
from tests.support.invariants import check

WEEKS = Order(date(2016, 1, 4), date(2016, 2, 28), 6, 7, "tongcheng", Path(), rate=3)
BRIEF = replace(WEEKS, last=date(2016, 1, 14))
_DIGEST = """
import sys
from datetime import date
from pathlib import Path
from services.simulation.run import Order, simulate
order = Order(date(2016, 1, 4), date(2016, 1, 14), 6, int(sys.argv[1]), "tongcheng", Path(sys.argv[2]), rate=3)
print(simulate(order)["digest"])
"""


@pytest.fixture
def empty_postgres(_postgres_template: str) -> Iterator[str]:
    """The URL of a PostgreSQL database without a table."""
    with psycopg.connect(_postgres_template, autocommit=True) as admin:
        admin.execute("CREATE DATABASE simulation TEMPLATE template0")
        yield _postgres_template.replace("/postgres?", "/simulation?")
        admin.execute("DROP DATABASE simulation WITH (FORCE)")


def test_weeks_on_both_databases_hold_every_invariant_and_give_equal_journals(
    tmp_path: Path, empty_postgres: str
) -> None:
    here = simulate(replace(WEEKS, home=tmp_path / "sqlite"))
    there = simulate(replace(WEEKS, home=tmp_path / "postgres", database_url=empty_postgres))

    for order in (here, there):
        order.pop("cpu_seconds")
    assert here == there
    assert (here["stuck"], here["failures"]) == ({}, {})
    assert sum(counts["closed"] for counts in here["procedures"].values()) >= 20
    assert here["rungs"] and here["refusals"]
    for home, url in (("sqlite", None), ("postgres", empty_postgres)):
        _check_all(tmp_path / home, url)


def _check_all(home: Path, url: str | None) -> None:
    given = {"database_url": url} if url else {}
    runtime = make_runtime(Settings(home=home, pack="tongcheng", **given))
    check(County(runtime.database, engine_for(runtime)))
    with runtime.database.read() as session:
        assert journal.verify(session)["ok"]
        _check_nobody_kept_away_acted(session)
    runtime.database.close()


def _check_nobody_kept_away_acted(session: Session) -> None:
    acted = select(Entry.seq).join(
        Exclusion, (Exclusion.matter_id == Entry.matter_id) & (Exclusion.person_id == Entry.actor_id)
    )
    named_first = acted.where(Exclusion.why == "kept away from its subject")
    assert session.scalars(named_first).all() == []


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_the_same_seed_gives_the_same_journals_in_any_process(tmp_path: Path, hash_seed: str) -> None:
    run = [sys.executable, "-c", _DIGEST, "7", str(tmp_path / "other")]
    printed = subprocess.run(
        run, env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == simulate(replace(BRIEF, home=tmp_path / "here"))["digest"]


def test_another_seed_gives_other_journals(tmp_path: Path) -> None:
    digests = {simulate(replace(BRIEF, seed=seed, home=tmp_path / str(seed)))["digest"] for seed in (7, 8)}
    assert len(digests) == 2


def test_only_what_is_asked_for_comes_in(tmp_path: Path) -> None:
    only = simulate(replace(BRIEF, home=tmp_path / "only", procedures=frozenset({"rectification"}), units=20))
    assert only["procedures"].keys() == {"rectification"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"last": date(2016, 1, 1)}, "lies before the first"),
        ({"procedures": frozenset({"petition", "unknown"})}, "no procedure unknown"),
    ],
)
def test_refuses_what_it_cannot_run(tmp_path: Path, changed: dict[str, object], said: str) -> None:
    with pytest.raises(SimulationRefused, match=said):
        simulate(replace(BRIEF, home=tmp_path / "home", **changed))
    assert not (tmp_path / "home").exists()


def test_a_folder_or_database_in_use_is_left_alone(tmp_path: Path, sqlite: Database) -> None:
    url = sqlite.url.render_as_string(hide_password=False)
    with pytest.raises(SimulationRefused, match="not empty"):
        simulate(replace(BRIEF, home=tmp_path / "home", database_url=url))
    (tmp_path / "home" / "secret.key").write_text("mine")
    with pytest.raises(SimulationRefused, match="no key is replaced"):
        simulate(replace(BRIEF, home=tmp_path / "home"))
    assert (tmp_path / "home" / "secret.key").read_text() == "mine"
