"""What a panel or a meeting finds wanting, handed on to be rectified, and marks turned into a grade."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field

from statemachines.kit.forms import Coded, Form, Text
from statemachines.kit.panels import Tally
from statemachines.kit.situation import Situation


class Finding(Form):
    """One problem found; the unit that reported rectifies it."""

    problem: Text = Field(title="存在问题")
    level: Annotated[str, Coded("problem_levels")] = Field(title="问题层级")


class Result(Form):
    """What an assessment comes to: the score with two places, and its grade."""

    score: str | None = Field(title="得分")
    grade: Annotated[str, Coded("grades")] | None = Field(title="等次")


Findings = Annotated[tuple[Finding, ...], Field(default=(), title="需整改的问题", max_length=20)]


def as_rectifications(s: Situation, answers: Any) -> list[Mapping[str, Any]]:
    """Return the opening answers of a rectification for each of the form's `findings`, at the unit `open.unit`."""
    return [
        {"source": "public_appraisal", "level": found.level, "problem": found.problem, "origin": s.matter_id,
         "handler_unit": s.answer("open.unit"), "found_on": s.today.isoformat()}
        for found in answers.findings
    ]  # fmt: skip


def means(tally: Tally, fields: Iterable[str], worth: Callable[[Any], Fraction]) -> dict[str, Fraction | None]:
    """Return, per field of the panel's form, the mean of what its answers are worth, weighed by group."""

    def mean(field: str) -> Fraction | None:
        return tally.mean(lambda answers: worth(answers[field]))

    return {field: mean(field) for field in fields}


def mean_of(figures: Mapping[str, Fraction | None], weights: Mapping[str, str | Decimal]) -> Fraction | None:
    """Return the mean of what is there, weighed; None where nothing is. What has no weight counts once."""
    given = {name: figure for name, figure in figures.items() if figure is not None}
    share = {name: Fraction(weights.get(name, "1")) for name in given}
    total = sum(share.values(), Fraction(0))
    return sum((given[name] * share[name] for name in given), Fraction(0)) / total if total else None


def grade_of(score: Fraction, thresholds: Mapping[str, str]) -> str:
    """Return the code of the highest threshold that the exact score reaches; the lowest code where it reaches none."""
    falling = sorted(thresholds.items(), key=lambda both: Fraction(both[1]), reverse=True)
    return next((code for code, least in falling if score >= Fraction(least)), falling[-1][0])
