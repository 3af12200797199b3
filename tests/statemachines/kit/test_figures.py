"""Sample sizes, draws and growth: exact, and the same for everyone."""

from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachines.kit.figures import draw, growth, growth_text, sample_size

ITEMS = st.lists(st.text(), unique=True, max_size=30)


@pytest.mark.parametrize(("population", "size"), [(7, 3), (10, 3), (1, 1), (0, 0)])
def test_case_16_thirty_per_cent_of_clean_replies(population: int, size: int) -> None:
    assert sample_size(population, "0.3") == size
    assert sample_size(population, Fraction(3, 10)) == size


@given(st.integers(0, 10**9), st.integers(1, 1000))
def test_a_sample_is_the_least_whole_number_that_reaches_the_ratio(population: int, permille: int) -> None:
    size = sample_size(population, Fraction(permille, 1000))
    assert size * 1000 >= population * permille
    assert (size - 1) * 1000 < population * permille
    assert size <= population
    assert (size >= 1) == (population > 0)


@pytest.mark.parametrize("ratio", ["0", "1.01", "-0.3", "third"])
def test_a_ratio_that_is_none_is_refused(ratio: str) -> None:
    with pytest.raises(ValueError):
        sample_size(10, ratio)


def test_a_float_ratio_and_a_negative_population_are_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        sample_size(10, 0.1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="population"):
        sample_size(-1, "0.3")


def test_a_draw_is_the_same_everywhere_and_for_ever() -> None:
    # the order that `printf '2026-11|a1' | sha256sum` and so on gives
    assert draw(["a1", "a2", "a3", "a4", "a5"], 5, "2026-11") == ["a1", "a5", "a2", "a3", "a4"]


@given(ITEMS, st.text(), st.data())
def test_a_draw_does_not_depend_on_the_order_of_its_items(items: list[str], seed: str, data: st.DataObject) -> None:
    size = data.draw(st.integers(0, len(items)))
    shuffled = Random(0).sample(items, len(items))
    drawn = draw(items, size, seed)
    assert drawn == draw(shuffled, size, seed)
    assert len(set(drawn)) == size
    assert set(drawn) <= set(items)
    assert drawn == draw(items, len(items), seed)[:size]


def test_another_seed_draws_others() -> None:
    items = [f"letter-{n}" for n in range(100)]
    assert draw(items, 30, "2026-10") != draw(items, 30, "2026-11")


@pytest.mark.parametrize(("items", "size"), [(["a"], 2), (["a"], -1), (["a", "a"], 1)])
def test_an_impossible_draw_is_refused(items: list[str], size: int) -> None:
    with pytest.raises(ValueError):
        draw(items, size, "seed")


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (169, 47, "+259.6 %"),  # case 17
        (5, 0, "不可比"),  # case 17
        (0, 0, "不可比"),
        (47, 169, "-72.2 %"),
        (0, 47, "-100.0 %"),
        (47, 47, "0.0 %"),
        (2001, 2000, "+0.1 %"),  # 0.05 goes up
        (1999, 2000, "-0.1 %"),
        (9999, 10000, "0.0 %"),  # no minus sign before nothing
        (Decimal("12.50"), Decimal("10.00"), "+25.0 %"),
        (None, 47, None),
        (169, None, None),
    ],
)
def test_growth_as_printed(now: int | None, before: int | None, text: str | None) -> None:
    assert growth_text(now, before) == text


def test_growth_as_a_figure() -> None:
    assert growth(169, 47) == Decimal("259.6")
    assert growth(5, 0) is None
    with pytest.raises(ValueError, match="never negative"):
        growth(-1, 5)


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_growth_is_within_half_a_tenth_of_the_truth(now: int, before: int) -> None:
    change = growth(now, before)
    assert change is not None
    assert abs(Fraction(change) - Fraction(100 * (now - before), before)) <= Fraction(1, 20)
    assert change.as_tuple().exponent == -1
