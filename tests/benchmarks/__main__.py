"""How fast, beside what could be: `make bench`, or `make bench-quick` for the small sizes.

Everything is measured in one run on one PostgreSQL server of its own, competitors in turn. It prints a table and writes
`var/bench.json`: a list of {work, size, clients, subject, ops_per_s, p50_ms, p99_ms, ratio_to}.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path

from rich.console import Console

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
from tests.benchmarks.results import Row, compare, table
from tests.benchmarks.seeds import Seeded, seed

MOVING, STANDING = ("W1", "HTTP", "SQLite", "W2"), ("W3", "W4", "W5", "W6")
"""Matters are laid out anew between the two: the first use them up, the faster the machine the more."""
CLIENTS = 8
PEERS_AT_MOST = 100_000
PEERS_DUE = 200
"""Peers are not made to hold a million, nor to sweep thousands one by one: both only flatter their rate."""

DUE = {10_000: (1_000,), 100_000: (1_000, 10_000), 1_000_000: (1_000, 10_000)}
console = Console(width=112)


def main() -> None:
    asked = _arguments()
    rows: list[Row] = []
    console.print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    if not rivals.PYTHON.exists():
        console.print(rivals.MISSING)
    with cluster() as server, tempfile.TemporaryDirectory() as folder:
        console.print(
            f"PostgreSQL {server.version}" + ("" if server.pgbench else "; it has no pgbench: no ceilings for W1, W2")
        )
        for size, (works, measure) in product(asked.sizes, ((MOVING, _moving), (STANDING, _standing))):
            if asked.only.isdisjoint(works):
                continue
            started = time.monotonic()
            seeded = seed(server.create("duban"), size, Path(folder))
            console.print(f"{size:,} open matters laid out in {time.monotonic() - started:.0f} s")
            for found in measure(server, seeded, asked, Path(folder)):
                rows += found
                console.print(table(found))
    console.rule("all")
    console.print(table(rows))
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps([row.as_json() for row in rows], ensure_ascii=False, indent=1) + "\n")
    console.print(f"written to {asked.out}")


def _moving(server: Cluster, seeded: Seeded, asked: argparse.Namespace, folder: Path) -> Iterator[list[Row]]:
    rounds, seconds, size = asked.rounds, asked.seconds, seeded.size
    viewflow, spiff = (make(server, min(size, PEERS_AT_MOST)) for make in (rivals.viewflow, rivals.spiff))
    if "W1" in asked.only:
        subjects = w1_advance.subjects(seeded, server.pgbench, CLIENTS, seconds)
        if viewflow and spiff:
            subjects |= {"viewflow": partial(viewflow.advance, CLIENTS, seconds)}
            subjects |= {"spiff": partial(spiff.advance, CLIENTS, seconds)}
        yield compare("W1", size, CLIENTS, subjects, rounds)
    if "HTTP" in asked.only:
        over_http = {"duban": partial(w1_http.duban, seeded, folder, CLIENTS, seconds)}
        if viewflow:
            over_http |= {"viewflow": partial(w1_http.viewflow, viewflow, folder, CLIENTS, seconds)}
        yield compare("W1 HTTP", size, CLIENTS, over_http, rounds)
    if "SQLite" in asked.only and size == asked.sizes[0]:
        yield sqlite_advance.run(sqlite_advance.copy(seeded, folder), CLIENTS, rounds, seconds)
    if "W2" in asked.only:
        subjects = w2_open.subjects(seeded, server.pgbench, CLIENTS, seconds)
        if viewflow:
            subjects |= {"viewflow": partial(viewflow.open, CLIENTS, seconds)}
        yield compare("W2", size, CLIENTS, subjects, rounds)


def _standing(server: Cluster, seeded: Seeded, asked: argparse.Namespace, _: Path) -> Iterator[list[Row]]:
    rounds, seconds, size = asked.rounds, asked.seconds, seeded.size
    if "W3" in asked.only:
        yield from w3_worklist.run(seeded, rounds, seconds / 2)
    if "W4" in asked.only:
        viewflow = rivals.viewflow(server, min(size, PEERS_AT_MOST))
        for due in DUE.get(size, (size // 10,)):
            few = {"viewflow": partial(viewflow.sweep, PEERS_DUE)} if viewflow else None
            yield w4_sweep.run(seeded, due, rounds, few)
        crowd = w4_crowd.crowd(seeded, size // 20, 4, 4)
        console.print(f"4 sweepers and 4 clients at once: {crowd.fired:,} rungs, {crowd.advanced:,} actions, all once")
    if "W5" in asked.only:
        yield from w5_statistics.run(seeded, rounds, seconds / 2, export=size <= (10_000 if asked.quick else 100_000))
    if "W6" in asked.only:
        yield w6_recompute.run(seeded, 1 if asked.quick else rounds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10k and 100k matters, short rounds: about ten minutes")
    parser.add_argument(
        "--sizes", type=lambda text: [int(part) for part in text.split(",")], help="10000,100000,1000000"
    )
    works = {*MOVING, *STANDING}
    parser.add_argument("--only", type=lambda text: {*text.split(",")}, default=works, help=",".join(sorted(works)))
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="how long each subject runs in each round")
    parser.add_argument("--out", type=Path, default=Path("var/bench.json"))
    asked = parser.parse_args()
    if unknown := asked.only - works:
        parser.error(f"no such work: {', '.join(sorted(unknown))}")
    asked.sizes = asked.sizes or ([10_000, 100_000] if asked.quick else [10_000, 100_000, 1_000_000])
    asked.rounds = asked.rounds or (2 if asked.quick else 5)
    asked.seconds = asked.seconds or (2.0 if asked.quick else 5.0)
    return asked


if __name__ == "__main__":
    main()
