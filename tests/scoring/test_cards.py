"""The arithmetic of a card: exact, in any order the same, and empty items pull nothing down."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.cards import Entry, Weighing, card, rounded

WEIGHING = Weighing(
    {"report": "述责述廉", "conduct": "作风", "praise": "表扬", "late": "逾期", "veto": "否决"},
    {"report": Fraction("0.3"), "conduct": Fraction("0.2")},
    frozenset({"veto"}),
)
points = st.decimals(0, 100, places=2)
entries = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["report", "conduct"]), points),
        st.tuples(st.sampled_from(["praise", "late", "unknown"]), st.decimals(-5, 5, places=2)),
        st.tuples(st.just("veto"), st.none()),
    ),
    max_size=12,
).map(lambda listed: [Entry(n, item, p) for n, (item, p) in enumerate(listed)])


def of(*listed: tuple[str, str | None]) -> list[Entry]:
    return [Entry(n, item, None if p is None else Decimal(p)) for n, (item, p) in enumerate(listed)]


def test_worked_by_hand() -> None:
    made = card(of(("report", "80"), ("report", "90"), ("conduct", "70"), ("late", "-0.5"), ("praise", "1")), WEIGHING)
    assert made.assessed == Fraction(85 * 3 + 70 * 2, 5) == 79
    assert made.adjustments == Fraction(1, 2)
    assert (rounded(made.total), rounded(made.coverage * 100), made.vetoed) == ("79.50", "100.00", False)


def test_an_item_without_a_mark_pulls_nothing_down() -> None:
    made = card(of(("conduct", "70")), WEIGHING)
    assert (made.assessed, made.coverage) == (70, Fraction(2, 5))


def test_without_any_mark_there_is_no_total_and_no_invented_nought() -> None:
    made = card(of(("late", "-0.5")), WEIGHING)
    assert (made.assessed, made.total, made.adjustments) == (None, None, Fraction(-1, 2))
    assert rounded(None) is None


def test_a_veto_marks_the_period_and_takes_no_points() -> None:
    made = card(of(("report", "95"), ("veto", None)), WEIGHING)
    assert (made.vetoed, made.total) == (True, 95)
    assert [line.figure for line in made.lines if line.item == "veto"] == [None]


@given(entries, st.randoms())
def test_order_never_matters(listed: list[Entry], random: object) -> None:
    shuffled = list(listed)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert card(shuffled, WEIGHING) == card(listed, WEIGHING)


@given(entries)
def test_the_mark_lies_between_the_least_and_the_most(listed: list[Entry]) -> None:
    marks = [Fraction(e.points) for e in listed if e.item in WEIGHING.weights and e.points is not None]
    made = card(listed, WEIGHING)
    if not marks:
        assert made.assessed is None
    else:
        assert made.assessed is not None
        assert min(marks) <= made.assessed <= max(marks)


@given(entries, st.fractions(Fraction(1, 7), 7))
def test_only_the_proportion_of_weights_matters(listed: list[Entry], factor: Fraction) -> None:
    heavier = Weighing(WEIGHING.titles, {i: w * factor for i, w in WEIGHING.weights.items()}, WEIGHING.vetoes)
    assert card(listed, heavier).total == card(listed, WEIGHING).total


@given(entries)
def test_every_entry_stands_in_exactly_one_line(listed: list[Entry]) -> None:
    ids = [i for line in card(listed, WEIGHING).lines for i in line.entries]
    assert sorted(ids) == sorted(e.matter_id for e in listed)


@pytest.mark.parametrize(
    ("figure", "written"),
    [("0.125", "0.12"), ("0.135", "0.14"), ("-0.125", "-0.12"), ("99.995", "100.00"), ("7", "7.00"), ("0", "0.00")],
)
def test_rounding_is_half_to_even_on_the_exact_figure(figure: str, written: str) -> None:
    assert rounded(Fraction(figure)) == written
