"""Procedures and policies in words: complete, honest about sources, and fit for JSON."""

import json
from typing import Any

import pytest

from config.packs import BadPack
from services.engine.core import Engine
from services.engine.describing import describe, describe_text, effect_in_words, read_pack, shape_of
from statemachines.kit import effects as fx
from statemachines.kit.effects import Effect
from statemachines.petition import PETITION
from tests.support.on_disk import ON_DISK


@pytest.fixture
def told(engine: Engine) -> dict[str, Any]:
    definition = engine.registry.versions("petition")[-1]
    return describe(definition, engine.registry.pack.roles)


def test_everything_declared_is_told_and_is_json(engine: Engine, told: dict[str, Any]) -> None:
    assert [state["state"] for state in told["states"]] == [str(state) for state in PETITION.states]
    assert [action["action"] for action in told["actions"]] == list(PETITION.actions)
    assert {clock["clock"] for clock in told["clocks"]} == engine.registry.versions("petition")[-1].policy.clocks.keys()
    assert json.loads(json.dumps(told)) == told


def test_an_action_tells_who_may_when_not_and_what_follows(told: dict[str, Any]) -> None:
    approve = next(action for action in told["actions"] if action["action"] == "approve")
    assert approve["who"] == ["unit_leader (分管领导)", "county_leader (县纪委监委领导)"]
    assert any(guard.startswith("same_person: ") for guard in approve["refused_unless"])
    assert "stops the clock disposition" in approve["effects"]
    assert "moves the matter to the unit in propose.handler_unit" in approve["effects"]
    assert (approve["from"], approve["to"][0]) == (["approval"], "handling")


def test_withdrawal_belongs_to_whoever_took_the_last_step(told: dict[str, Any]) -> None:
    withdraw = next(action for action in told["actions"] if action["action"] == "withdraw")
    assert withdraw["who"] == ["whoever took the last step"]


def test_clocks_tell_their_source_and_whether_it_was_verified(told: dict[str, Any]) -> None:
    clocks = {clock["clock"]: clock for clock in told["clocks"]}
    assert clocks["handling"]["budget"]["general"] == "1 month"
    assert (clocks["screening"]["verified"], clocks["held_review"]["verified"]) == (True, False)
    assert (clocks["acceptance_notice"]["duty"], clocks["handling"]["duty"]) == (True, False)


def test_the_text_for_a_terminal_holds_states_ladders_and_doubts(told: dict[str, Any]) -> None:
    text = describe_text(told)
    assert "registered 待甄别: turn of petition_clerk (信访员)" in text
    assert "+3 workday: open supervised_handling" in text
    assert text.count("; not verified") == sum(
        not made["verified"] for made in (*told["clocks"], *told["lists"].values(), *told["settings"].values())
    )


EFFECTS = [
    kind for kind in vars(fx).values() if isinstance(kind, type) and issubclass(kind, Effect) and kind is not Effect
]


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: effect.__name__)
def test_every_effect_has_words(effect: type[Effect]) -> None:
    values: dict[str, Any] = {name: name for name in effect.__dataclass_fields__ if name != "when"}
    words = effect_in_words(effect(**values))
    assert all(values[name] in words for name in values if name not in ("answers", "seats"))


def test_conditions_are_told_by_name_where_they_have_one() -> None:
    def is_named(*_: Any) -> bool:
        return True

    assert effect_in_words(fx.Owe("notice", when=is_named)) == "owes notice, if is named"
    assert effect_in_words(fx.Owe("notice", when=lambda *_: True)) == "owes notice, in some cases"


def test_the_shape_of_every_procedure_is_json(engine: Engine) -> None:
    for procedure in engine.registry.procedures.values():
        shape = shape_of(procedure)
        assert json.loads(json.dumps(shape)) == shape


def test_a_pack_is_read_without_an_installation() -> None:
    assert read_pack("national").procedures.keys() == ON_DISK
    with pytest.raises(BadPack, match="no pack atlantis"):
        read_pack("atlantis")
