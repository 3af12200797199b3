"""Rounds of competitors one after another, and what came of them."""

import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.table import Table

from tests.benchmarks.racing import Sample, merge


@dataclass(frozen=True)
class Row:
    """One subject at one work; `ratio_to` holds its rate over another's, the middle one of the rounds."""

    work: str
    size: int
    clients: int
    subject: str
    ops_per_s: float
    p50_ms: float
    p99_ms: float
    ratio_to: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def compare(work: str, size: int, clients: int, subjects: Mapping[str, Callable[[], Sample]], rounds: int) -> list[Row]:
    """Let each subject run once per round, in turn; whatever else the machine does then meets all of them alike."""
    samples: dict[str, list[Sample]] = {name: [] for name in subjects}
    for number in range(rounds):
        order = list(subjects) if number % 2 == 0 else list(reversed(subjects))
        for name in order:
            samples[name].append(subjects[name]())
    return [_row(work, size, clients, name, samples) for name in subjects]


def _row(work: str, size: int, clients: int, name: str, samples: Mapping[str, list[Sample]]) -> Row:
    mine, merged = samples[name], merge(samples[name])
    ratios = {
        other: round(statistics.median(m.rate / t.rate for m, t in zip(mine, theirs, strict=True)), 3)
        for other, theirs in samples.items()
        if other != name
    }
    return Row(
        work, size, clients, name, round(merged.rate, 2), round(merged.percentile(0.5), 3),
        round(merged.percentile(0.99), 3), ratios,
    )  # fmt: skip


def table(rows: Iterable[Row]) -> Table:
    shown = Table()
    for number, title in enumerate(
        ("work", "matters", "clients", "subject", "a second", "p50 ms", "p99 ms", "duban ÷ it")
    ):
        shown.add_column(title, no_wrap=True, justify="left" if number in (0, 3) else "right")
    last, mine = None, {}
    rows = list(rows)
    for row in rows:
        if row.subject == "duban":
            mine[row.work, row.size, row.clients] = row
    for row in rows:
        group = (row.work, row.size, row.clients)
        if last not in (None, group):
            shown.add_section()
        last = group
        ratio = mine[group].ratio_to.get(row.subject) if group in mine else None
        shown.add_row(
            row.work, f"{row.size:,}", str(row.clients), row.subject, f"{row.ops_per_s:,.1f}", f"{row.p50_ms:,.2f}",
            f"{row.p99_ms:,.2f}", "" if ratio is None else f"{ratio:.2f}",
        )  # fmt: skip
    return shown
