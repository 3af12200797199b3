"""Values that follow from what is known are named, and nothing is named that does not follow."""

from enum import StrEnum

import pytest

from statemachines.kit.forms import Form
from statemachines.kit.procedure import Action, Opening, procedure


class State(StrEnum):
    HERE = "here"
    THERE = "there"


def test_names_without_values_are_refused() -> None:
    with pytest.raises(ValueError, match="go names values that nothing derives"):
        procedure(
            "trip", "行程", State, opening=Opening(Form, title=lambda _: "行程"),
            actions=[Action("go", "出发", [State.HERE], State.THERE, derived=Form)],
            labels={State.HERE: "此处", State.THERE: "彼处"}, final=[State.THERE],
        )  # fmt: skip
