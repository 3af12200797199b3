"""Figures that must come out the same for everyone: sample sizes, draws and growth."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256

INCOMPARABLE = "不可比"


def sample_size(population: int, ratio: Fraction | str) -> int:
    """How many of `population` make up `ratio` (above 0, at most 1; "0.3" or a Fraction), rounded up.

    At least 1 of any, 0 of none. A float is refused with TypeError: 0.1 of 10 would come out as 2.
    """
    if isinstance(ratio, float):
        raise TypeError(f'ratio {ratio} is a float; write it as text, "{ratio}"')
    share = Fraction(ratio)
    if not 0 < share <= 1:
        raise ValueError(f"ratio {ratio} is not above 0 and at most 1")
    if population < 0:
        raise ValueError(f"a population of {population} cannot be sampled")
    return -(-population * share.numerator // share.denominator)


def draw(items: Sequence[str], size: int, seed: str) -> list[str]:
    """Draw `size` different items: the same ones, in the same order, for the same seed, however they are
    ordered and wherever it runs. ValueError for repeated items or more than there are.
    """
    if len(set(items)) != len(items):
        raise ValueError("the items to draw from repeat themselves; name each once")
    if not 0 <= size <= len(items):
        raise ValueError(f"cannot draw {size} of {len(items)}")
    return sorted(items, key=lambda item: (_lot(seed, item), item))[:size]


def growth(now: int | Decimal, before: int | Decimal) -> Decimal | None:
    """The change from `before` to `now` in per cent, to one decimal, halves away from zero.

    None where it cannot be compared: nothing can be set against 0. ValueError for a negative figure.
    """
    if now < 0 or before < 0:
        raise ValueError(f"growth from {before} to {now}: figures count things and are never negative")
    if before == 0:
        return None
    tenths = Fraction(1000) * (Fraction(now) - Fraction(before)) / Fraction(before)
    size = int(abs(tenths) + Fraction(1, 2))
    return Decimal(-size if tenths < 0 else size).scaleb(-1)


def growth_text(now: int | Decimal | None, before: int | Decimal | None) -> str | None:
    """The growth as it is printed, "+259.6 %" or "不可比"; None where either figure is missing."""
    if now is None or before is None:
        return None
    change = growth(now, before)
    if change is None:
        return INCOMPARABLE
    return f"{change:+} %" if change else "0.0 %"


def two_places(figure: Fraction) -> str:
    """Write an exact figure with two places, half to even."""
    return str(Decimal(round(figure * 100)).scaleb(-2))


def _lot(seed: str, item: str) -> bytes:
    return sha256(f"{seed}|{item}".encode()).digest()
