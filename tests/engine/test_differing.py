"""What changed, in words: each single change is told, and nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from services.db.errors import DubanError
from services.engine.core import Engine
from services.engine.differing import Side, differences
from statemachines.kit.policy import Policy
from statemachines.kit.procedure import Procedure


@pytest.fixture
def side(engine: Engine) -> Side:
    definition = engine.registry.versions("petition")[-1]
    return Side("now", definition.procedure, definition.policy)


def _with_policy(side: Side, path: str, value: Any) -> Side:
    """The same with one thing of the policy changed; `...` takes it away."""
    assert side.policy is not None
    doc = side.policy.model_dump(mode="json")
    *parents, last = path.split("/")
    place = doc
    for name in parents:
        place = place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return replace(side, policy=Policy.model_validate(doc))


def _with_action(side: Side, name: str, **changed: Any) -> Side:
    assert side.procedure is not None
    procedure: Procedure = side.procedure
    actions = {**procedure.actions, name: replace(procedure.actions[name], **changed)}
    return replace(side, procedure=replace(procedure, actions=actions))


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("clocks/handling/budget/general", "45 day", "clock handling: budget general 1 month → 45 day"),
        ("clocks/handling/budget/complex", ..., "clock handling: budget without complex"),
        ("clocks/screening/budget", "10 day", "clock screening: budget 15 day → 10 day"),
        ("clocks/screening/roll", "none", "clock screening: roll next_workday → none"),
        ("clocks/screening/verified", False, "clock screening: verified yes → no"),
        (
            "clocks/screening/extension",
            {"times": 2},
            "clock screening: extension none → times 2, at_most same as budget",
        ),
        ("clocks/transfer/ladder", [{"at": "0", "do": ["remind holder"]}], "clock transfer: without rung +1 workday"),
        ("clocks/archiving", ..., "clock archiving: gone (was "),
        ("roles/accept", ["petition_clerk"], "who may accept: without county_office"),
        ("roles/archive", ["petition_clerk", "handler"], "who may archive: with handler"),
        ("work/held", "petition_clerk", "turn in held: unit_leader → petition_clerk"),
        ("open", ["county_office", "petition_clerk"], "may open: in another order: county_office, petition_clerk"),
        ("number", "{year}-{n}", "number: {unit}信访〔{year}〕{n}号 → {year}-{n}"),
        ("settings/representatives_at_most/value", 7, "setting representatives_at_most: value 5 → 7"),
        ("lists/channels/values/online", "网信", "list channels: online 网络 → 网信"),
        ("lists/channels/values/radio", "广播", "list channels: with radio 广播"),
        ("lists/charge_grounds/values/major", ..., "list charge_grounds: without major"),
    ],
)
def test_one_change_of_a_policy_is_one_line(side: Side, path: str, value: Any, said: str) -> None:
    (line,) = differences(side, _with_policy(side, path, value))
    assert line.startswith(said) if said.endswith("(was ") else line == said


def test_a_rung_that_does_something_else_is_told(side: Side) -> None:
    ladder = [{"at": "0", "do": ["remind holder"]}, {"at": "+1 workday", "do": ["raise county_leader"]}]
    (line,) = differences(side, _with_policy(side, "clocks/transfer/ladder", ladder))
    assert line == "clock transfer: rung +1 workday tell unit_leader, raise county_office → raise county_leader"


def test_a_changed_action_is_told(side: Side) -> None:
    assert side.procedure is not None
    accept = side.procedure.actions["accept"]
    fewer = _with_action(side, "accept", title="受理登记", guards=accept.guards[1:], effects=())
    (line,) = differences(side, fewer)
    assert line.startswith("action accept: title 受理 → 受理登记; refused_unless without out_of_scope: ")
    assert "effects without stops the clock screening" in line


def test_a_changed_form_is_told_down_to_the_field(side: Side) -> None:
    assert side.procedure is not None
    bare = _with_action(side, "archive", form=side.procedure.actions["recuse"].form)
    (line,) = differences(side, bare)
    assert "action archive: form without archive_no, retention, pages" in line
    assert "form with person " in line


def test_an_action_and_a_state_that_are_new_are_told(side: Side) -> None:
    assert side.procedure is not None
    actions = {name: action for name, action in side.procedure.actions.items() if name != "split"}
    older = replace(side, procedure=replace(side.procedure, actions=actions))
    (line,) = differences(older, side)
    assert line.startswith("action split: new: title 分件, kind forward, from registered, ")


def test_a_version_does_not_differ_from_itself(side: Side) -> None:
    assert differences(side, side) == []


def test_only_what_both_have_is_compared(side: Side) -> None:
    policy_only = replace(_with_policy(side, "number", "{n}"), procedure=None)
    assert len(differences(side, policy_only)) == 1
    with pytest.raises(DubanError, match="two of a kind"):
        differences(policy_only, replace(side, policy=None))
