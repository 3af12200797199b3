"""A line chart drawn on the server: it needs no script, prints, and is themed by the style sheet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 36, 24, 12, 28
_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across, or a label below: where it is, and what it says."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Coordinates in a box of WIDTH by HEIGHT; `lines` holds, per series, its points as (x, y, value)."""

    lines: list[list[tuple[float, float, int]]]
    rows: list[Tick]
    columns: list[Tick]

    @property
    def paths(self) -> list[str]:
        """The points attribute of each series' polyline."""
        return [" ".join(f"{x},{y}" for x, y, _ in line) for line in self.lines]


def line_chart(labels: Sequence[str], series: Iterable[Sequence[int]]) -> Chart:
    """Lay out series that share the labels below; needs at least two labels."""
    values = [list(line) for line in series]
    step = _step(max((max(line) for line in values), default=0))
    top = step * max(1, -(-max(max(line) for line in values) // step))
    across = (WIDTH - _LEFT - _RIGHT) / (len(labels) - 1)
    down = (HEIGHT - _TOP - _BOTTOM) / top

    def x(place: int) -> float:
        return round(_LEFT + across * place, 1)

    def y(value: int) -> float:
        return round(HEIGHT - _BOTTOM - down * value, 1)

    return Chart(
        [[(x(place), y(value), value) for place, value in enumerate(line)] for line in values],
        [Tick(y(value), str(value)) for value in range(0, top + 1, step)],
        [Tick(x(place), label) for place, label in enumerate(labels)],
    )


def _step(most: int) -> int:
    """Return a round distance between lines so that there are at most five: 1, 2, 5, 10, 20, …"""
    power = 1
    while True:
        for step in _STEPS:
            if step * power * 5 >= most:
                return step * power
        power *= 10
