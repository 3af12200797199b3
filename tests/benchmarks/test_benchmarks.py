"""Every benchmark runs, at a size of seconds: no figure is looked at, only that the work was done and holds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from services.engine import journal
from services.engine.models import Matter
from tests.benchmarks import (
    rivals,
    sqlite_advance,
    w1_advance,
    w1_http,
    w2_open,
    w3_worklist,
    w4_crowd,
    w4_sweep,
    w5_statistics,
    w6_recompute,
)
from tests.benchmarks.cluster import Cluster, cluster
from tests.benchmarks.results import compare
from tests.benchmarks.seeds import Seeded, seed

SIZE = 600


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with cluster() as made:
        yield made


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def seeded(server: Cluster, keys: Path) -> Seeded:
    return seed(server.create("tiny"), SIZE, keys)


@pytest.fixture(autouse=True)
def _journal_holds(seeded: Seeded) -> Iterator[None]:
    """Seeds, and whatever a benchmark of ours did to the lower half, are what the engine would have written."""
    yield
    database = seeded.open()
    with database.read() as session:
        found = journal.verify(session, range(1, SIZE // 2 + 1))
        assert found["broken"] == []
        assert found["matters"] == SIZE // 2
    database.close()


def test_advance(seeded: Seeded, server: Cluster) -> None:
    rows = compare("W1", SIZE, 2, w1_advance.subjects(seeded, server.pgbench, 2, 0.3), 1)
    assert {row.subject for row in rows} == {"duban"} | ({"pgbench"} if server.pgbench else set())
    assert all(row.ops_per_s > 0 for row in rows)


def test_open(seeded: Seeded, server: Cluster) -> None:
    rows = compare("W2", SIZE, 2, w2_open.subjects(seeded, server.pgbench, 2, 0.3), 1)
    assert all(row.ops_per_s > 0 for row in rows)


def test_advance_over_http(seeded: Seeded, server: Cluster, keys: Path) -> None:
    assert w1_http.duban(seeded, keys, 2, 0.5).took
    if rivals.PYTHON.exists():
        rival = rivals.viewflow(server, 300)
        assert rival and w1_http.viewflow(rival, keys, 2, 0.5).took


def test_advance_on_sqlite(seeded: Seeded, tmp_path: Path) -> None:
    rows = sqlite_advance.run(sqlite_advance.copy(seeded, tmp_path), 2, 1, 0.5)
    assert all(row.ops_per_s > 0 for row in rows)


def test_worklist(seeded: Seeded) -> None:
    found = [row for rows in w3_worklist.run(seeded, 1, 0.2) for row in rows]
    assert [row.subject for row in found] == ["duban", "bare_sql"] * 3


def test_statistics(seeded: Seeded) -> None:
    year, export = w5_statistics.run(seeded, 1, 0.2, export=True)
    assert all(row.ops_per_s > 0 for row in (*year, *export))


def test_sweep(seeded: Seeded) -> None:
    rows = w4_sweep.run(seeded, 20, 2)  # each round checks that all of it fired
    assert [row.subject for row in rows] == ["duban", "set_sql"]


def test_sweepers_and_staff_at_once(seeded: Seeded) -> None:
    """Whether anything fires twice, is missed or deadlocks is asserted inside."""
    found = w4_crowd.crowd(seeded, 30, 4, 4)
    assert found.advanced > 0


def test_rivals(server: Cluster) -> None:
    if not rivals.PYTHON.exists():
        pytest.skip(rivals.MISSING)
    viewflow, spiff = rivals.viewflow(server, 300), rivals.spiff(server, 300)
    assert viewflow and spiff
    assert viewflow.advance(2, 0.3).took
    assert viewflow.open(2, 0.3).took
    assert viewflow.sweep(5).pieces == 5
    assert spiff.advance(2, 0.3).took


def test_recompute(seeded: Seeded) -> None:
    (row,) = w6_recompute.run(seeded, 2)
    assert row.ops_per_s > 0
    database = seeded.open()
    with database.read() as session:
        assert session.scalar(select(func.count()).where(Matter.closed_at.is_(None))) >= SIZE
    database.close()
