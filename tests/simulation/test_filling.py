"""The filler knows every form of every procedure, whatever is added to them."""

from collections import Counter
from datetime import date
from itertools import count
from pathlib import Path
from random import Random

import pytest
from pydantic import BaseModel

from services.engine.core import Engine
from services.identity.sealing import Vault
from services.simulation.filling import View, fill, on_record
from statemachines.kit.forms import Coded, marked
from statemachines.kit.policy import Policy
from tests.support.on_disk import ON_DISK

TODAY = date(2016, 5, 10)


@pytest.fixture(scope="module", params=["tongcheng", "national"])
def packed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    secret: Path = tmp_path_factory.mktemp("keys") / "secret.key"
    return Engine.of(request.param, Vault.create_if_missing(secret))


def view(policy: Policy, seed: int) -> View:
    files = count(900)
    return View(
        Random(seed), policy, TODAY, date(2016, 5, 2), people=[1, 2, 3, 4], anyone=[7, 8], offices=[11, 12],
        places=[13], matters=lambda _: [21, 22], file=lambda: next(files), earlier=["before"],
    )  # fmt: skip


@pytest.mark.parametrize("key", sorted(ON_DISK))
def test_it_fills_every_form_of_a_procedure(packed: Engine, key: str) -> None:
    procedure, policy = packed.registry.procedures[key], packed.registry.current(key, TODAY).policy
    forms = {procedure.opening.form, *(action.form for action in procedure.actions.values())}
    for form in sorted(forms, key=lambda f: f.__qualname__):
        for seed in range(5):
            valid = form.model_validate(fill(form, view(policy, seed)))
            for _, marks, value in marked(valid):
                for mark in marks:
                    if isinstance(mark, Coded):
                        assert value in policy.codes(mark.list)


def test_the_same_seed_fills_the_same(packed: Engine) -> None:
    procedure, policy = packed.registry.procedures["petition"], packed.registry.current("petition", TODAY).policy
    drawn = Counter(str(fill(procedure.opening.form, view(policy, seed))) for seed in (1, 1, 2, 3))
    assert sorted(drawn.values()) == [1, 1, 2]


def test_what_is_on_record_is_named_again_and_long_texts_are_not() -> None:
    known = on_record(
        [{"unit": 5, "agree": True, "fields": ["a", "b"]}, {"unit": 6, "content": "很长" * 30, "fields": ["b"]}]
    )
    assert known == {"unit": [5, 6], "fields": ["a", "b"]}


class Small(BaseModel):
    text: str


def test_given_answers_stand(packed: Engine) -> None:
    policy = packed.registry.current("petition", TODAY).policy
    assert fill(Small, view(policy, 1), {"text": "此处"}) == {"text": "此处"}
