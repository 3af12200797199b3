"""The arithmetic of a score card: pure, exact, and the same figure whenever it is done from the same entries."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from statemachines.kit.figures import two_places


@dataclass(frozen=True, slots=True)
class Entry:
    """A counted entry. `points` is None for a veto."""

    matter_id: int
    item: str
    points: Decimal | None


@dataclass(frozen=True, slots=True)
class Weighing:
    """What the policy says of items: titles of all, weights of those that are marks out of 100, and vetoes."""

    titles: Mapping[str, str]
    weights: Mapping[str, Fraction]
    vetoes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Line:
    """One item of a card. A weighed one has `weight` and the mean of its entries as `figure`; any other their sum."""

    item: str
    title: str
    figure: Fraction | None
    weight: Fraction | None
    entries: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """`assessed` is the weighed mean of the marks there are, None without any; `total` adds `adjustments` to it.

    `coverage` is the share of all weights that `assessed` rests on.
    """

    lines: tuple[Line, ...]
    assessed: Fraction | None
    coverage: Fraction
    adjustments: Fraction
    vetoed: bool

    @property
    def total(self) -> Fraction | None:
        return None if self.assessed is None else self.assessed + self.adjustments


def card(entries: Iterable[Entry], weighing: Weighing) -> Card:
    """Return the card of these entries, in whatever order they come.

    Several marks of one item count as their mean. An item without a mark falls out and the other weights are taken
    relative to one another, so that what was not assessed pulls no figure down; `coverage` tells how much that is.
    """
    by_item: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda e: e.matter_id):
        by_item.setdefault(entry.item, []).append(entry)
    lines = tuple(_line(item, by_item[item], weighing) for item in _in_order(by_item, weighing))
    marks = [(line.figure, line.weight) for line in lines if line.weight is not None and line.figure is not None]
    weight = sum((w for _, w in marks), Fraction(0))
    assessed = sum((figure * w for figure, w in marks), Fraction(0)) / weight if weight else None
    every = sum(weighing.weights.values(), Fraction(0))
    adjustments = sum((line.figure for line in lines if line.weight is None and line.figure is not None), Fraction(0))
    vetoed = any(line.item in weighing.vetoes for line in lines)
    return Card(lines, assessed, weight / every if every else Fraction(0), adjustments, vetoed)


def rounded(figure: Fraction | None) -> str | None:
    """Write a figure with two places, rounded half to even; exact until here."""
    return None if figure is None else two_places(figure)


def _in_order(by_item: Mapping[str, object], weighing: Weighing) -> list[str]:
    known = [item for item in weighing.titles if item in by_item]
    return known + sorted(by_item.keys() - set(known))


def _line(item: str, entries: list[Entry], weighing: Weighing) -> Line:
    ids = tuple(e.matter_id for e in entries)
    title, weight = weighing.titles.get(item, item), weighing.weights.get(item)
    given = [Fraction(e.points) for e in entries if e.points is not None]
    if item in weighing.vetoes or not given:
        return Line(item, title, None, None, ids)
    total = sum(given, Fraction(0))
    return Line(item, title, total if weight is None else total / len(given), weight, ids)
